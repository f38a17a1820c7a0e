package redisbridge

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long a room is fresh: neighbours need a round trip to Redis to listen to its channel.
	freshFor = 2 * time.Second
	// maxFresh bounds how many rooms are remembered. Beyond that all are taken for fresh.
	maxFresh = 10_000
)

// freshRooms are those that sockets of neighbours were put into a moment ago. Where rooms have channels of their own, a neighbour may not
// listen to theirs yet. The zero value has none; it is safe for concurrent use.
type freshRooms struct {
	until atomic.Int64 // when none is fresh any more, in nanoseconds of Unix time
	mu    sync.Mutex
	rooms map[nameOfRoom]time.Time // until when
	all   time.Time                // until when all rooms are
}

type nameOfRoom struct{ namespace, room string }

// add notes rooms.
func (f *freshRooms) add(namespace string, rooms []string) {
	now := time.Now()
	until := now.Add(freshFor)
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.UnixNano() >= f.until.Load() {
		f.rooms = nil
	}
	f.until.Store(until.UnixNano())
	if f.rooms == nil {
		f.rooms = make(map[nameOfRoom]time.Time, len(rooms))
	}
	for _, r := range rooms {
		if len(f.rooms) >= maxFresh {
			f.rooms, f.all = nil, until
			return
		}
		f.rooms[nameOfRoom{namespace, r}] = until
	}
}

// has reports whether a room is fresh.
func (f *freshRooms) has(namespace, room string) bool {
	now := time.Now()
	if now.UnixNano() >= f.until.Load() {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Before(f.all) || now.Before(f.rooms[nameOfRoom{namespace, room}])
}
