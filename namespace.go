package actio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
)

// Namespace is one namespace of a server: its sockets, and the handlers that all of them have. All methods are safe for
// concurrent use; handlers that are added later hold for sockets that exist already.
type Namespace struct {
	server *Server
	name   string

	hooks

	serverHandlers table[ServerEventFunc]
	serverJobs     serverJobs
}

// Name is the name of the namespace; that of the default one is "/".
func (n *Namespace) Name() string { return n.name }

// namespaces is the application above the connections: it knows which namespaces there are.
type namespaces struct {
	server *Server
	adding sync.Mutex
	all    atomic.Pointer[map[string]*Namespace] // immutable snapshot
}

var _ connection.App = (*namespaces)(nil)

func newNamespaces(s *Server) *namespaces {
	n := &namespaces{server: s}
	n.all.Store(&map[string]*Namespace{})
	n.of("/")
	return n
}

// of returns the namespace, and makes it when it is new.
func (n *namespaces) of(name string) *Namespace {
	n.adding.Lock()
	defer n.adding.Unlock()
	old := *n.all.Load()
	if ns := old[name]; ns != nil {
		return ns
	}
	ns := &Namespace{server: n.server, name: name}
	snapshot := make(map[string]*Namespace, len(old)+1)
	maps.Copy(snapshot, old)
	snapshot[name] = ns
	n.all.Store(&snapshot)
	n.server.announce(name)
	return ns
}

// names lists all namespaces.
func (n *namespaces) names() []string { return slices.Sorted(maps.Keys(*n.all.Load())) }

func (n *namespaces) lookup(name string) *Namespace { return (*n.all.Load())[name] }

// Accepts is called by the connections.
func (n *namespaces) Accepts(name string) bool { return n.lookup(name) != nil }

// NewSocket is called by the connections.
func (n *namespaces) NewSocket(h *connection.Socket) connection.Handler {
	s := &Socket{handle: h, namespace: n.lookup(h.Namespace())}
	s.inherit()
	h.Bind(s)
	return (*socketHandler)(s)
}

// Sockets returns the sockets of this instance, in no order. For those of the whole cluster see FetchSockets. Errors:
// ErrNotConfigured, ErrClosed, the context's.
func (n *Namespace) Sockets(ctx context.Context) ([]*Socket, error) {
	e, err := Broadcast{namespace: n}.begin()
	if err != nil {
		return nil, err
	}
	handles, err := e.env.Registry.Handles(ctx, n.name, nil, nil, "")
	if err != nil {
		return nil, closedIfStopped(err)
	}
	sockets := make([]*Socket, 0, len(handles))
	for _, h := range handles {
		if h, ok := h.(*connection.Socket); ok {
			sockets = append(sockets, n.server.socketOf(h))
		}
	}
	return sockets, nil
}

// Of returns a static namespace and makes it when it is new; a missing slash in front is added. Names with a comma or a
// question mark cannot be addressed by any client, and a number sign separates namespace and room where instances speak to each
// other: for them it returns ErrInvalidNamespace.
func (s *Server) Of(name string) (*Namespace, error) {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.ContainsAny(name, ",?#") {
		return nil, fmt.Errorf("%w: %q", ErrInvalidNamespace, name)
	}
	return s.namespaces.of(name), nil
}

// Root is the default namespace, "/".
func (s *Server) Root() *Namespace { return s.namespaces.of("/") }
