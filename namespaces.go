package actio

import (
	"context"
	"maps"
	"runtime/debug"
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
	static  atomic.Pointer[map[string]*Namespace] // immutable snapshot; dynamic ones that are kept belong to them
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
	n.of("/", nil)
	return n
}

// of returns a namespace that does not end, and makes it when it is new.
func (n *namespaces) of(name string, parent *ParentNamespace) *Namespace {
	if ns := (*n.static.Load())[name]; ns != nil {
		return ns
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	old := *n.static.Load()
	if ns := old[name]; ns != nil {
		return ns
	}
	ns := n.dynamic[name]
	if ns == nil {
		ns = newNamespace(n.server, name, parent)
		n.server.announce(name)
	}
	ns.kept = true
	delete(n.dynamic, name)
	snapshot := make(map[string]*Namespace, len(old)+1)
	maps.Copy(snapshot, old)
	snapshot[name] = ns
	n.static.Store(&snapshot)
	return ns
}

// names lists all namespaces.
func (n *namespaces) names() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all()
}

// announce tells the bridge of all namespaces.
func (n *namespaces) announce() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range n.all() {
		n.server.announce(name)
	}
}

func (n *namespaces) all() []string {
	return slices.Sorted(maps.Keys(*n.static.Load()))
}

// lookup returns the namespace that there is now; nil: none.
func (n *namespaces) lookup(name string) *Namespace {
	if ns := (*n.static.Load())[name]; ns != nil {
		return ns
	}
	n.mu.Lock()
	defer n.mu.Unlock()
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
	if ns := n.dynamic[name]; ns != nil {
		return n.use(ns)
	}
	return &n.search
}

// use counts one more user of a dynamic namespace, until the Release of the Entrance. The caller holds mu.
func (n *namespaces) use(ns *Namespace) *connection.Entrance {
	ns.users++
	e := *ns.entrance()
	e.Release = func() { n.release(ns) }
	return &e
}

// release ends a dynamic namespace with its last user.
func (n *namespaces) release(ns *Namespace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ns.users--
	if ns.users > 0 || ns.kept || n.server.options.KeepEmptyChildNamespaces {
		return
	}
	delete(n.dynamic, ns.name)
	n.server.retract(ns.name)
}

// find asks the parents, in the order in which they were made, whose namespace it is. It runs user code, on a worker.
func (n *namespaces) find(ctx context.Context, name string, h *Handshake) (*connection.Entrance, error) {
	for _, p := range n.parents.all() {
		ok, err := p.call.match(ctx, name, h)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return n.enter(name, p.call)
		}
	}
	return nil, errInvalidNamespace()
}

func errInvalidNamespace() error { return &ConnectError{Message: "Invalid namespace"} }

// enter uses the namespace of a name, which is made when there is none.
func (n *namespaces) enter(name string, parent *ParentNamespace) (*connection.Entrance, error) {
	n.mu.Lock()
	if ns := (*n.static.Load())[name]; ns != nil {
		n.mu.Unlock()
		return ns.entrance(), nil
	}
	ns, known := n.dynamic[name], true
	if ns == nil {
		if len(n.dynamic) >= n.server.options.MaxDynamicNamespaces {
			n.mu.Unlock()
			return nil, &ConnectError{Message: "Too many namespaces"}
		}
		ns, known = newNamespace(n.server, name, parent), false
		n.dynamic[name] = ns
		n.server.announce(name)
	}
	e := n.use(ns)
	n.mu.Unlock()
	if !known {
		for _, f := range n.created.all() {
			n.tell(f.call, ns)
		}
	}
	return e, nil
}

// tell calls a function of the application. A panic of it keeps nobody out.
func (n *namespaces) tell(f func(*Namespace), ns *Namespace) {
	defer func() {
		r := recover()
		if e := n.server.live.Load(); r != nil && e != nil {
			e.env.Counters.HandlerPanics.Add(1)
			e.system.Report("new namespace callback", r, debug.Stack())
		}
	}()
	f(ns)
}

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

// OnNewNamespace adds what is called with each dynamic namespace that is made, before its first socket is asked about: on a worker,
// while that socket waits. Nil is ignored.
func (s *Server) OnNewNamespace(f func(n *Namespace)) {
	if f != nil {
		s.namespaces.created.add(f, false)
	}
}
