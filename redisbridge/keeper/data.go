package keeper

import (
	"github.com/actio-go/actio/actors/connection"
)

// What the application keeps with a socket is encoded by code of the application, which may take its time, or panic. That holds
// up no other session: it is done in a goroutine, one at a time for a session, which is written when it is done. What changes
// meanwhile has it done once more.

// encode has the data of a socket encoded, after what has changed until now.
func (n *node) encode(s *session, socket *connection.Socket) {
	if s.encoding {
		s.again = true
		return
	}
	s.encoding = true
	n.busy++
	n.env.System.Go("session data", func() {
		m := &encoded{of: s, socket: socket}
		defer n.tell(m) // also after a panic, which is reported then
		m.data = n.options.Data(socket)
		m.done = true
	})
}

// encoded writes the session, if it is still that of the socket. Without new data it has what it had.
func (n *node) encoded(m *encoded) {
	n.busy--
	defer n.settle()
	s, again := m.of, m.of.again
	s.encoding, s.again = false, false
	if n.sessions[s.id] != s {
		return // lost
	}
	if m.done {
		s.data = m.data
	}
	switch {
	case s.socket != nil:
		if s.socket == m.socket && s.elsewhere == nil {
			n.keep(s)
		}
		if again {
			n.write(s)
		}
	case again:
		n.proceed(s)
	default:
		for _, rest := range []*left{s.local, s.given} {
			if rest != nil && rest.whose == m.socket {
				rest.data, rest.whose = s.data, nil
			}
		}
		n.proceed(s)
	}
}
