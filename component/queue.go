package component

import "sync"

// queue is a list that is worked off while it still grows. Once it was found empty it takes nothing more: nobody would come
// for it. Safe for concurrent use.
type queue[T any] struct {
	mutex sync.Mutex
	items []T
	over  bool
}

// add appends; false when it is too late.
func (q *queue[T]) add(items ...T) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if !q.over {
		q.items = append(q.items, items...)
	}
	return !q.over
}

// first takes the oldest.
func (q *queue[T]) first() (item T, ok bool) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.over = len(q.items) == 0; q.over {
		return item, false
	}
	item, q.items = q.items[0], q.items[1:]
	return item, true
}

// last takes the newest.
func (q *queue[T]) last() (item T, ok bool) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	end := len(q.items) - 1
	if q.over = end < 0; q.over {
		return item, false
	}
	item, q.items = q.items[end], q.items[:end]
	return item, true
}

func (q *queue[T]) len() int {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return len(q.items)
}
