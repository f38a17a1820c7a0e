package actio

import (
	"context"
	"fmt"
	"regexp"
	"sync/atomic"

	"github.com/actio-go/actio/actors/connection"
)

// ParentNamespace is a rule for dynamic namespaces: a namespace whose name a client makes up and the rule allows comes into being
// when its first client is about to enter it, and ends when nobody is in it or on the way any more, nor a session of it kept (see
// RecoveryOptions); with Options.KeepEmptyChildNamespaces it stays once somebody was in it. Static namespaces, see Server.Of,
// come before dynamic ones of the same name. Names that are longer than 256 bytes or contain one of ",?#" are nobody's. Of
// several rules the one that was made first counts.
//
// It is a Target: what is added to it holds for the sockets of all its namespaces, those that exist already and those that come.
// It comes before what is added to one of them where middlewares and functions of OnConnection and OnDisconnect are concerned,
// and after it where handlers are. All methods are safe for concurrent use.
type ParentNamespace struct {
	server *Server
	match  func(ctx context.Context, name string, h *Handshake) (bool, error)
	hooks
	auth atomic.Pointer[connection.Auth] // nil: that of the server
}

var _ Target = (*ParentNamespace)(nil)

// OfPattern makes a rule of a regular expression: names that it matches anywhere are allowed, so that most begin with ^ and end
// with $. The name begins with a slash. A nil pattern matches nothing.
func (s *Server) OfPattern(pattern *regexp.Regexp) *ParentNamespace {
	return s.OfFunc(func(_ context.Context, name string, _ *Handshake) (bool, error) {
		return pattern != nil && pattern.MatchString(name), nil
	})
}

// OfFunc makes a rule of a function. It is called on a worker with each name that is no namespace at that moment, and the
// handshake of the client that wants to enter it. An error refuses the client, with its text as the message, or as a ConnectError
// says; false asks the next rule. The context ends with the connection and with ConnectTimeout. A panic is caught, logged and
// counted, and refuses. A nil function allows nothing.
func (s *Server) OfFunc(match func(ctx context.Context, name string, h *Handshake) (bool, error)) *ParentNamespace {
	if match == nil {
		match = func(context.Context, string, *Handshake) (bool, error) { return false, nil }
	}
	p := &ParentNamespace{server: s, match: match}
	p.taken = p.takes
	s.namespaces.parents.add(p, false)
	return p
}

// Of returns the namespace of that name as one of this parent, whether or not the rule allows it, and makes it when it is new; it
// does not end any more. It is how a program speaks to a dynamic namespace whose clients may all be on other instances. A static
// namespace of that name, or one of another parent, stays what it is.
//
// The functions of OnNewNamespace are called with a new one before Of returns; who asks for it meanwhile, one of them for
// instance, gets it as far as it is made. Errors: ErrInvalidNamespace, and ErrPanicked when one of them panicked: then there is
// no such namespace.
func (p *ParentNamespace) Of(name string) (*Namespace, error) {
	name, err := namespaceName(name)
	if err != nil {
		return nil, err
	}
	return p.server.namespaces.child(name, p)
}

// Children returns the namespaces that there are of this parent on this instance now, in the order of their names.
func (p *ParentNamespace) Children() []*Namespace { return p.server.namespaces.children(p) }

// Authenticate sets how sockets that enter from now on authenticate, unless it is set for their namespace. Errors: see
// Namespace.Authenticate.
func (p *ParentNamespace) Authenticate(a NamespaceAuth) error {
	auth, err := a.translate(p.server)
	if err != nil {
		return fmt.Errorf("actio: parent namespace: %w", err)
	}
	p.auth.Store(auth)
	if p.authenticates() {
		p.server.warnTaken("of a parent", &p.hooks)
	}
	return nil
}
