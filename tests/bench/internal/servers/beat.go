package servers

import (
	"math/rand/v2"
	"sync"
	"time"
)

// beatGroups is into how many groups members are put. Those of a group have their heartbeat at the same moment.
const beatGroups = 64

// beat is a heartbeat as cheap as can be: one goroutine writes it, to a group at a time.
type beat struct {
	frame []byte
	over  chan struct{}
	ended sync.WaitGroup

	mutex  sync.Mutex
	groups [beatGroups]map[*member]struct{}
}

func startBeat(interval time.Duration, text string) *beat {
	b := &beat{frame: textFrame([]byte(text)), over: make(chan struct{})}
	for i := range b.groups {
		b.groups[i] = map[*member]struct{}{}
	}
	b.ended.Go(func() { b.run(interval / beatGroups) })
	return b
}

func (b *beat) run(pause time.Duration) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % beatGroups {
		select {
		case <-b.over:
			return
		case <-ticker.C:
			b.write(i)
		}
	}
}

func (b *beat) write(group int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for m := range b.groups[group] {
		m.send(b.frame)
	}
}

func (b *beat) add(m *member) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.groups[rand.IntN(beatGroups)][m] = struct{}{}
}

func (b *beat) remove(m *member) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, group := range b.groups {
		delete(group, m)
	}
}

func (b *beat) stop() {
	close(b.over)
	b.ended.Wait()
}
