package actio

import (
	"maps"
	"slices"
	"sync/atomic"
)

// What is called when something happens is kept in immutable snapshots, which are swapped: who calls takes no lock, and what is
// added or taken off meanwhile holds from the next time on.

// entry is one function that was added. Its mark tells it from another of the same function.
type entry[F any] struct {
	call F
	mark *mark
}

type mark struct{ _ byte } // not of size zero: each has a place of its own

// nothingToStop is what stops a function that was never added.
func nothingToStop() {}

// list is a list of functions.
type list[F any] struct {
	snapshot atomic.Pointer[[]entry[F]]
}

// add puts a function at the end, or at the front, and returns what takes it off again.
func (l *list[F]) add(f F, front bool) (stop func()) {
	e := entry[F]{call: f, mark: new(mark)}
	l.change(func(old []entry[F]) []entry[F] {
		if front {
			return append([]entry[F]{e}, old...)
		}
		return append(slices.Clip(old), e)
	})
	return func() { l.change(func(old []entry[F]) []entry[F] { return withoutMark(old, e.mark) }) }
}

// clear takes all functions off.
func (l *list[F]) clear() { l.snapshot.Store(nil) }

func (l *list[F]) change(to func([]entry[F]) []entry[F]) {
	for {
		old := l.snapshot.Load()
		var next *[]entry[F]
		var entries []entry[F]
		if old != nil {
			entries = *old
		}
		if entries = to(entries); len(entries) > 0 {
			next = &entries
		}
		if l.snapshot.CompareAndSwap(old, next) {
			return
		}
	}
}

// all returns the functions in their order. It must not be changed.
func (l *list[F]) all() []entry[F] {
	if s := l.snapshot.Load(); s != nil {
		return *s
	}
	return nil
}

func withoutMark[F any](entries []entry[F], m *mark) []entry[F] {
	return slices.DeleteFunc(slices.Clone(entries), func(e entry[F]) bool { return e.mark == m })
}

// table is a table of functions by event.
type table[F any] struct {
	snapshot atomic.Pointer[map[string][]entry[F]]
}

// put adds a function for an event and returns what takes it off again.
func (t *table[F]) put(event string, f F) (stop func()) {
	m := new(mark)
	t.add(event, f, m)
	return func() { t.remove(event, m) }
}

func (t *table[F]) add(event string, f F, m *mark) {
	t.change(event, func(old []entry[F]) []entry[F] { return append(slices.Clip(old), entry[F]{call: f, mark: m}) })
}

func (t *table[F]) remove(event string, m *mark) {
	t.change(event, func(old []entry[F]) []entry[F] { return withoutMark(old, m) })
}

// off takes all functions of an event off.
func (t *table[F]) off(event string) {
	t.change(event, func([]entry[F]) []entry[F] { return nil })
}

// clear takes the functions of all events off.
func (t *table[F]) clear() { t.snapshot.Store(nil) }

func (t *table[F]) change(event string, to func([]entry[F]) []entry[F]) {
	for {
		old := t.snapshot.Load()
		next := make(map[string][]entry[F])
		if old != nil {
			maps.Copy(next, *old)
		}
		if entries := to(next[event]); len(entries) > 0 {
			next[event] = entries
		} else {
			delete(next, event)
		}
		if t.snapshot.CompareAndSwap(old, &next) {
			return
		}
	}
}

// of returns the functions of an event in their order. It must not be changed.
func (t *table[F]) of(event string) []entry[F] {
	if all := t.snapshot.Load(); all != nil {
		return (*all)[event]
	}
	return nil
}
