package actio

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
)

// Namespace is one namespace of a server: its sockets, and the handlers that all of them have. All methods are safe for
// concurrent use; handlers that are added later hold for sockets that exist already.
//
// A dynamic one, see ParentNamespace, ends with its last socket, and what was added to it ends with it. Who keeps a Namespace
// that has ended can go on to use it for broadcasts: they go by the name. What was added to the parent holds in each that comes
// by that name afterwards.
type Namespace struct {
	server *Server
	name   string
	parent *ParentNamespace // nil: not dynamic
	hooks
	doors atomic.Pointer[[2]connection.Entrance] // without and with middlewares

	serverHandlers table[ServerEventFunc]
	serverJobs     serverJobs

	// Of a dynamic one, guarded by namespaces.mu.
	users  int           // sockets, and those on their way in
	kept   bool          // Of was called: it does not end
	making chan struct{} // closed when it is made, see newnamespace.go; nil: it is

	failed  atomic.Bool // it was not made; written before making is closed
	entered atomic.Bool // some socket was in it; with KeepEmptyChildNamespaces alone
}

func newNamespace(s *Server, name string, parent *ParentNamespace) *Namespace {
	n := &Namespace{server: s, name: name, parent: parent}
	n.taken = n.takes
	n.setAuth(nil)
	return n
}

// Name is the name of the namespace; that of the default one is "/".
func (n *Namespace) Name() string { return n.name }

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

// Of returns a static namespace and makes it when it is new; a missing slash in front is added. A dynamic namespace of that name
// becomes one that does not end: it keeps what it has of its parent. Names with a comma or a
// question mark cannot be addressed by any client, and a number sign separates namespace and room where instances speak to each
// other: for them it returns ErrInvalidNamespace.
func (s *Server) Of(name string) (*Namespace, error) {
	name, err := namespaceName(name)
	if err != nil {
		return nil, err
	}
	return s.namespaces.of(name), nil
}

// Root is the default namespace, "/".
func (s *Server) Root() *Namespace { return s.namespaces.of("/") }

// unaddressable are the characters that no name of a namespace may have.
const unaddressable = ",?#"

func namespaceName(name string) (string, error) {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.ContainsAny(name, unaddressable) {
		return "", fmt.Errorf("%w: %q", ErrInvalidNamespace, name)
	}
	return name, nil
}
