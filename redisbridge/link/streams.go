package link

import (
	"sync"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	defaultMaxLen    = 10_000
	defaultReadCount = 100
	defaultBlock     = 5 * time.Second
)

// Streams says which streams are read, and how they are read and written.
type Streams struct {
	// Names are the streams that are read, from where they end when the Link is opened.
	Names []string
	// Entry is called for each entry, in the order of its stream, and never while Handler.Received is. It must not keep the
	// goroutine for long. The entry is the callee's.
	Entry func(stream string, e *format.Entry)
	// Seek, if not nil, is called when it is about to be looked where a stream ends, before the first entry and after each break;
	// Found when that is known: what follows is behind last. back says that the stream has gone back behind what was read, with all
	// that was added before Seek. Both are called as Entry is; without Found another Seek follows.
	Seek  func(stream string)
	Found func(stream string, last format.EntryID, back bool)
	// MaxLen is about how many entries a stream keeps when one is added. 0: 10 000.
	MaxLen int
	// ReadCount bounds how many entries are read at a time. 0: 100.
	ReadCount int
	// Block is how long Redis waits for an entry before it answers that there is none. A reader that Redis says nothing to is
	// taken for broken CommandTimeout later. 0: 5 s.
	Block time.Duration
}

// withDefaults returns it with the defaults filled in.
func (s Streams) withDefaults() *Streams {
	if s.MaxLen <= 0 {
		s.MaxLen = defaultMaxLen
	}
	if s.ReadCount <= 0 {
		s.ReadCount = defaultReadCount
	}
	if s.Block <= 0 {
		s.Block = defaultBlock
	}
	return &s
}

// maxLen is MaxLen, also where streams are written and none are read.
func (s *Streams) maxLen() int {
	if s == nil {
		return defaultMaxLen
	}
	return s.MaxLen
}

// streams is the readers of all streams.
type streams struct {
	l     *Link
	tails map[string]*tail // immutable

	mu   sync.Mutex
	down map[*tail]error // those that are; for all others the part is up
}

func newStreams(l *Link) *streams {
	s := &streams{l: l, tails: map[string]*tail{}, down: map[*tail]error{}}
	if l.o.Streams == nil {
		return s
	}
	for _, name := range l.o.Streams.Names {
		t := &tail{s: s, name: name}
		s.tails[name], s.down[t] = t, nil
	}
	return s
}

// startStreams starts the readers, and what works for Run and Range. Without any the part is up.
func (l *Link) startStreams() {
	if len(l.streams.tails) == 0 {
		l.states[StreamPart].set(nil)
		return
	}
	for _, t := range l.streams.tails {
		l.start("redis stream", t.run)
	}
	for range stores {
		l.start("redis store", func() { l.store(l.jobs) })
	}
	for range rangers {
		l.start("redis range", func() { l.store(l.ranges) })
	}
}

// note notes that a reader is up (err nil) or down. The Handler hears of all together.
func (s *streams) note(t *tail, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.down, t)
	} else {
		s.down[t] = err
	}
	switch {
	case err != nil:
		s.l.setState(StreamPart, err)
	case len(s.down) == 0:
		s.l.setState(StreamPart, nil)
	}
}

// Hold calls f while nothing is handed to Streams.Entry nor to Handler.Received. last is the id of the last entry of the stream
// that was; those behind it follow when f has returned. f must not keep the caller for long, nor wait for what Entry or Received
// wait for. It is not called for a stream that is not read.
func (l *Link) Hold(stream string, f func(last format.EntryID)) {
	t := l.streams.tails[stream]
	if t == nil {
		return
	}
	l.subscriber.receiving.Lock()
	defer l.subscriber.receiving.Unlock()
	f(t.last)
}
