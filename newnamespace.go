package actio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/actio-go/actio/actors/connection"
)

// How a dynamic namespace is made. The application hears of it before anybody can be in it: what its functions add, middlewares
// and authentication above all, must hold for the first socket as well. Who comes meanwhile waits, and when one of them
// panics the namespace is none: nobody knows what it would have guarded.

// OnNewNamespace adds what is called with each dynamic namespace that is made, before anybody enters it: on a worker while the
// clients that want to enter wait, or within ParentNamespace.Of. A panic is caught, logged and counted, and the namespace is
// dropped: those clients are refused, and Of returns an error. Nil is ignored.
func (s *Server) OnNewNamespace(f func(n *Namespace)) {
	if f != nil {
		s.namespaces.created.add(f, false)
	}
}

// enter uses the namespace of a name, which is made when there is none.
func (n *namespaces) enter(ctx context.Context, name string, parent *ParentNamespace) (*connection.Entrance, error) {
	n.mu.Lock()
	ns := n.known(name)
	switch {
	case ns != nil:
		ns.users++
		n.mu.Unlock()
	case len(n.dynamic) >= n.server.options.MaxDynamicNamespaces:
		n.mu.Unlock()
		return nil, &ConnectError{Message: "Too many namespaces"}
	default:
		ns = n.begin(name, parent)
		n.mu.Unlock()
		n.make(ns)
	}
	return n.await(ctx, ns)
}

// join counts one more user of a namespace, made or not; nil: there is none of that name.
func (n *namespaces) join(name string) *Namespace {
	n.mu.Lock()
	defer n.mu.Unlock()
	ns := n.known(name)
	if ns != nil {
		ns.users++
	}
	return ns
}

// await lets a user of a namespace in, who is counted already, as soon as it is made.
func (n *namespaces) await(ctx context.Context, ns *Namespace) (*connection.Entrance, error) {
	n.mu.Lock()
	making := ns.making
	n.mu.Unlock()
	if making != nil {
		select {
		case <-making:
		case <-ctx.Done():
			n.release(ns)
			return nil, context.Cause(ctx)
		}
	}
	if ns.failed.Load() {
		n.release(ns)
		return nil, &ConnectError{Message: "Internal server error"}
	}
	return n.into(ns), nil
}

// child returns a namespace that does not end, and makes it as one of a parent when it is new.
func (n *namespaces) child(name string, parent *ParentNamespace) (*Namespace, error) {
	n.mu.Lock()
	if ns := n.known(name); ns != nil {
		if !ns.kept {
			n.keep(ns)
		}
		n.mu.Unlock()
		return ns, nil
	}
	ns := n.begin(name, parent)
	n.keep(ns)
	n.mu.Unlock()
	n.make(ns)
	n.release(ns)
	if ns.failed.Load() {
		return nil, fmt.Errorf("actio: namespace %q: %w in a function of OnNewNamespace", name, ErrPanicked)
	}
	return ns, nil
}

// begin puts a namespace where others find it that is still to be made. The caller, who holds mu, makes it and is its first user.
func (n *namespaces) begin(name string, parent *ParentNamespace) *Namespace {
	ns := newNamespace(n.server, name, parent)
	ns.users, ns.making = 1, make(chan struct{})
	n.dynamic[name] = ns
	n.server.announce(name)
	return ns
}

// make tells the application of the namespace, and then lets in who waits.
func (n *namespaces) make(ns *Namespace) {
	ns.failed.Store(true) // a function may also end its goroutine
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		close(ns.making)
		ns.making = nil
		switch {
		case ns.failed.Load():
			n.drop(ns)
		case ns.kept:
			n.keep(ns)
		}
	}()
	for _, f := range n.created.all() {
		if !n.tell(f.call, ns) {
			return
		}
	}
	ns.failed.Store(false)
}

// newNamespaceCallback is what the functions of OnNewNamespace are called in reports.
const newNamespaceCallback = "new namespace callback"

// tell calls a function of the application; false: it panicked.
func (n *namespaces) tell(f func(*Namespace), ns *Namespace) (ok bool) {
	defer func() {
		r := recover()
		switch e := n.server.live.Load(); {
		case r == nil:
		case e == nil: // not configured yet
			n.server.options.Logger.Error("panic", slog.String("where", newNamespaceCallback), slog.Any("recovered", r))
		default:
			e.env.Counters.HandlerPanics.Add(1)
			e.system.Report(newNamespaceCallback, r, debug.Stack())
		}
	}()
	f(ns)
	return true
}
