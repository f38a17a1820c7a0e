package actio

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
)

// namespaces is the application above the connections: it knows which namespaces there are.
type namespaces struct {
	server  *Server
	mu      sync.Mutex
	static  atomic.Pointer[map[string]*Namespace] // immutable snapshot; with the dynamic ones that are kept
	dynamic map[string]*Namespace
	parents list[*ParentNamespace]
	created list[func(*Namespace)]
	search  connection.Entrance // to what does not exist yet
}

var _ connection.App = (*namespaces)(nil)

func newNamespaces(s *Server) *namespaces {
	n := &namespaces{server: s, dynamic: make(map[string]*Namespace)}
	n.search.Find = n.find
	n.static.Store(&map[string]*Namespace{})
	n.of("/")
	return n
}

// of returns a namespace that does not end, and makes it when it is new.
func (n *namespaces) of(name string) *Namespace {
	if ns := (*n.static.Load())[name]; ns != nil {
		return ns
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := (*n.static.Load())[name]; ns != nil {
		return ns
	}
	ns := n.dynamic[name]
	if ns == nil {
		ns = newNamespace(n.server, name, nil)
	}
	n.keep(ns)
	return ns
}

// keep makes a namespace one that does not end. While it is being made, that is what it becomes afterwards. The caller holds mu.
func (n *namespaces) keep(ns *Namespace) {
	ns.kept = true
	if ns.making != nil {
		return
	}
	delete(n.dynamic, ns.name)
	snapshot := maps.Clone(*n.static.Load())
	snapshot[ns.name] = ns
	n.static.Store(&snapshot)
	n.server.announce(ns.name)
}

// names lists the namespaces that do not end.
func (n *namespaces) names() []string { return slices.Sorted(maps.Keys(*n.static.Load())) }

// announce tells the bridge of them.
func (n *namespaces) announce() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range n.names() {
		n.server.announce(name)
	}
}

// lookup returns the namespace that there is now; nil: none.
func (n *namespaces) lookup(name string) *Namespace {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known(name)
}

// known is lookup for who holds mu.
func (n *namespaces) known(name string) *Namespace {
	if ns := (*n.static.Load())[name]; ns != nil {
		return ns
	}
	return n.dynamic[name]
}

// maxDynamicName bounds the names of dynamic namespaces, which clients make up.
const maxDynamicName = 256

// Entrance is called by the connections.
func (n *namespaces) Entrance(name string) *connection.Entrance {
	ns := (*n.static.Load())[name]
	switch {
	case ns != nil:
		return ns.entrance()
	case len(n.parents.all()) == 0 || len(name) > maxDynamicName || strings.ContainsAny(name, unaddressable):
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := n.dynamic[name]; ns != nil && ns.making == nil {
		ns.users++
		return n.into(ns)
	}
	return &n.search // which waits for one that is being made
}

// into is the way into a dynamic namespace for one of its users, who is counted already.
func (n *namespaces) into(ns *Namespace) *connection.Entrance {
	e := *ns.entrance()
	e.Release = func() { n.release(ns) }
	if n.server.options.KeepEmptyChildNamespaces && !ns.entered.Load() {
		e.Opened = func() { ns.entered.Store(true) }
	}
	return &e
}

// release ends a dynamic namespace with its last user.
func (n *namespaces) release(ns *Namespace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ns.users--
	if ns.users > 0 || ns.kept || n.server.options.KeepEmptyChildNamespaces && ns.entered.Load() {
		return
	}
	n.drop(ns)
}

// drop forgets a dynamic namespace. The caller holds mu.
func (n *namespaces) drop(ns *Namespace) {
	if n.dynamic[ns.name] == ns {
		delete(n.dynamic, ns.name)
		n.server.retract(ns.name)
	}
}

// find asks the parents, in the order in which they were made, whose namespace it is. It runs user code, on a worker.
func (n *namespaces) find(ctx context.Context, name string, h *Handshake) (*connection.Entrance, error) {
	if ns := n.join(name); ns != nil { // it is one by now, or is being made
		return n.await(ctx, ns)
	}
	for _, p := range n.parents.all() {
		ok, err := p.call.match(ctx, name, h)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return n.enter(ctx, name, p.call)
		}
	}
	return nil, errInvalidNamespace()
}

func errInvalidNamespace() error { return &ConnectError{Message: "Invalid namespace"} }

// children are the dynamic namespaces of a parent, in the order of their names.
func (n *namespaces) children(p *ParentNamespace) []*Namespace {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []*Namespace
	for _, some := range []map[string]*Namespace{*n.static.Load(), n.dynamic} {
		for _, ns := range some {
			if ns.parent == p {
				all = append(all, ns)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return all
}

// sizes are the numbers of static and of dynamic namespaces.
func (n *namespaces) sizes() (static, dynamic int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(*n.static.Load()), len(n.dynamic)
}

// NewSocket is called by the connections.
func (n *namespaces) NewSocket(h *connection.Socket) connection.Handler {
	s := &Socket{handle: h, namespace: n.lookup(h.Namespace())}
	s.inherit()
	h.Bind(s)
	return (*socketHandler)(s)
}
