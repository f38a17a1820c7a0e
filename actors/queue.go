package actors

import "sync"

// segmentSize is chosen so that a segment fills a size class of the allocator (512 bytes).
const segmentSize = 31

// segment is a piece of a queue.
type segment struct {
	next     *segment
	messages [segmentSize]any
}

// segments recycles segments among the mailboxes of one kind of actor. The zero value is ready.
type segments struct{ pool sync.Pool }

func (s *segments) get() *segment {
	if recycled, ok := s.pool.Get().(*segment); ok {
		return recycled
	}
	return new(segment)
}

// queue is a FIFO of messages. The zero value is empty; an empty queue holds no segment. It is not safe for concurrent
// use.
type queue struct {
	head, tail *segment
	n          int32 // messages
	first      uint8 // index in head of the oldest message
	free       uint8 // index in tail for the next message
}

func (q *queue) push(s *segments, message any) {
	if q.tail == nil || q.free == segmentSize {
		fresh := s.get()
		if q.tail == nil {
			q.head = fresh
		} else {
			q.tail.next = fresh
		}
		q.tail, q.free = fresh, 0
	}
	q.tail.messages[q.free] = message
	q.free++
	q.n++
}

func (q *queue) pop(s *segments) (any, bool) {
	if q.n == 0 {
		return nil, false
	}
	h := q.head
	message := h.messages[q.first]
	h.messages[q.first] = nil
	q.first++
	q.n--
	if q.n > 0 && q.first < segmentSize {
		return message, true
	}
	q.first = 0
	if q.head = h.next; q.head == nil {
		q.tail, q.free = nil, 0
	}
	h.next = nil
	s.pool.Put(h)
	return message, true
}
