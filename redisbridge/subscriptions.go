package redisbridge

import (
	"maps"
	"slices"

	"github.com/actio-go/actio/redisbridge/format"
)

// opened takes the link, which begins to listen to what has been wanted before.
func (a *node) opened(listening chan struct{}) {
	defer close(listening)
	l := *a.link.Load()
	for _, n := range a.sortedNamespaces() {
		l.Subscribe(a.dialect.Channels(n)...)
	}
	if rooms := slices.Collect(maps.Keys(a.rooms)); len(rooms) > 0 {
		l.Subscribe(rooms...)
	}
}

func (a *node) sortedNamespaces() []string { return slices.Sorted(maps.Keys(a.namespaces)) }

func (a *node) addNamespace(name string) {
	if _, known := a.namespaces[name]; known {
		return
	}
	a.namespaces[name] = struct{}{}
	a.rescope()
	if l := a.link.Load(); l != nil && !a.quiet {
		(*l).Subscribe(a.dialect.Channels(name)...)
		a.countIn(*l, a.dialect.Census(name, false))
	}
}

func (a *node) removeNamespace(name string) {
	if _, known := a.namespaces[name]; !known {
		return
	}
	delete(a.namespaces, name)
	for _, p := range a.peers {
		delete(p.silent, name)
	}
	a.rescope()
	if l := a.link.Load(); l != nil && !a.quiet {
		(*l).Unsubscribe(a.dialect.Channels(name)...)
	}
}

// rescope says what is to be counted, after a change of the namespaces.
func (a *node) rescope() {
	scope := make([]format.Subscription, 0, len(a.namespaces))
	for _, n := range a.sortedNamespaces() {
		scope = append(scope, a.dialect.Census(n, false))
	}
	a.scope.Store(&scope)
	a.show()
}

// countIn has the neighbours counted when we are subscribed to a channel of the census ourselves.
func (a *node) countIn(l linkage, census format.Subscription) {
	a.sys.Go("redis census", func() {
		if l.Subscribed(a.life, census) == nil {
			a.tell(&reckon{})
		}
	})
}

func (a *node) roomChanged(m *roomChanged) {
	s, ok := a.dialect.RoomChannel(m.namespace, m.room)
	if !ok {
		return
	}
	if _, wanted := a.rooms[s]; wanted == m.present {
		return
	}
	l := a.link.Load()
	if m.present {
		a.rooms[s] = struct{}{}
		if l != nil {
			(*l).Subscribe(s)
		}
	} else {
		delete(a.rooms, s)
		if l != nil {
			(*l).Unsubscribe(s)
		}
	}
	a.show()
}
