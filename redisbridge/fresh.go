package redisbridge

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long a room is fresh after its Join has left: neighbours need a round trip to Redis to listen to its channel.
	freshFor = 2 * time.Second
	// maxFresh bounds how many rooms are remembered. Beyond that all are taken for fresh.
	maxFresh = 10_000
)

// freshRooms are those that sockets of neighbours were put into a moment ago. Where rooms have channels of their own, a neighbour
// may not listen to theirs yet. The zero value has none; it is safe for concurrent use.
type freshRooms struct {
	until atomic.Int64 // when none is fresh any more, in nanoseconds of Unix time

	mu      sync.Mutex
	rooms   map[nameOfRoom]*freshRoom
	extra   freshRoom // any room: there was no place for another
	waiting int       // Joins that have not left
	swept   time.Time // when those that are not fresh any more were forgotten
}

type nameOfRoom struct{ namespace, room string }

type freshRoom struct {
	waiting int // its Joins that have not left
	until   time.Time
}

func (r *freshRoom) is(now time.Time) bool { return r.waiting > 0 || now.Before(r.until) }

// add notes rooms whose Join is about to leave. left is to be called when it has, or never will.
func (f *freshRooms) add(namespace string, names []string) (left func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sweepLocked(time.Now())
	f.until.Store(math.MaxInt64)
	f.waiting++
	rooms := make([]*freshRoom, len(names))
	for i, name := range names {
		rooms[i] = f.roomLocked(nameOfRoom{namespace, name})
		rooms[i].waiting++
	}
	return func() { f.left(rooms) }
}

// sweepLocked forgets what is not fresh any more, once in a while.
func (f *freshRooms) sweepLocked(now time.Time) {
	if now.Sub(f.swept) >= freshFor {
		f.swept = now
		maps.DeleteFunc(f.rooms, func(_ nameOfRoom, r *freshRoom) bool { return !r.is(now) })
	}
}

// roomLocked returns the entry of a room, new if need be.
func (f *freshRooms) roomLocked(name nameOfRoom) *freshRoom {
	if known := f.rooms[name]; known != nil {
		return known
	}
	if len(f.rooms) >= maxFresh {
		return &f.extra
	}
	if f.rooms == nil {
		f.rooms = make(map[nameOfRoom]*freshRoom)
	}
	added := &freshRoom{}
	f.rooms[name] = added
	return added
}

func (f *freshRooms) left(rooms []*freshRoom) {
	until := time.Now().Add(freshFor)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rooms {
		r.waiting--
		r.until = until
	}
	if f.waiting--; f.waiting == 0 {
		f.until.Store(until.UnixNano())
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
	r := f.rooms[nameOfRoom{namespace, room}]
	return f.extra.is(now) || r != nil && r.is(now)
}
