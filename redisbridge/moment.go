package redisbridge

import (
	"sync"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// moment is an entry of a stream, as those see it who may have missed it.
type moment struct {
	id    format.EntryID
	event *missable // nil: there is nothing to miss
	size  int       // about what it takes in memory
}

const (
	// momentBytes is what an entry takes in memory at least.
	momentBytes = 64
	// eventBytes is what an event takes beside its text, which is there as it came and, for a while, as it goes out.
	eventBytes = 512
)

// missable is an event that clients may have missed. All of them share it, as those do who get it when it comes.
type missable struct {
	namespace string
	target    format.Target

	once     sync.Once
	message  *format.Message // until somebody wants it
	prepared *wire.Prepared  // nil: it was malformed, and whoever was connected has not got it either
}

// newMoment makes one of an entry and what it was decoded to; m is nil if that could not be done.
func newMoment(id format.EntryID, e *format.Entry, m *format.Message) moment {
	if m == nil || m.Kind != format.Broadcast || m.Flags.Volatile {
		return moment{id: id, size: momentBytes}
	}
	return moment{
		id: id, size: momentBytes + eventBytes + 2*len(e.Data),
		event: &missable{namespace: m.Namespace, target: m.Target, message: m},
	}
}

// prepare returns the event as clients get it, with its offset; nil when they do not.
func (e *missable) prepare() *wire.Prepared {
	e.once.Do(func() {
		m := e.message
		e.message = nil
		array, attachments, err := eventForClients(m.Event)
		if err != nil {
			return
		}
		p, err := wire.PrepareEvent(m.Namespace, false, 0, appendOffset(array, m.Offset), attachments)
		if err == nil {
			e.prepared = p
		}
	})
	return e.prepared
}
