package connection

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/actio-go/actio/transport"
)

// Socket ids are 20 characters, the length that the sharded Redis adapter of Node takes for an id, and begin with a tilde,
// which neither Node's ids nor the alphabet of base64 know: their form alone tells them from every other room name.
const (
	idLength = 20
	idMark   = '~'
)

func newSocketID() string {
	id := randomID()
	id[0] = idMark
	return string(id[:])
}

// socketID makes the id of a socket in a namespace. Clients of revision 3 make theirs of the session's, which therefore looks
// like a socket id: what keeps clients out of the rooms of others knows it, too.
func (s *Session) socketID(namespace string) string {
	switch {
	case !s.revision3:
		return newSocketID()
	case namespace == "/":
		return s.sid
	default:
		return namespace + string(namespaceMark) + s.sid
	}
}

// LogID is the id of the socket as it may be logged: of revision 3 it has the session id in it, with which whoever reads the log
// could act as the client, and is cut short.
func (s *Socket) LogID() string {
	if !s.session.revision3 {
		return s.id
	}
	return s.id[:len(s.id)-idLength/2] + "…"
}

// namespaceMark parts a namespace from a session id in the ids of revision 3.
const namespaceMark = '#'

// SessionIDFor makes the id of a session for a handshake.
func SessionIDFor(h *transport.Handshake) string {
	if h.Revision3 {
		return newSocketID()
	}
	return NewSessionID()
}

// NewSessionID makes an Engine.IO session id: 120 random bits.
func NewSessionID() string {
	id := randomID()
	return string(id[:])
}

func randomID() (id [idLength]byte) {
	var b [idLength / 4 * 3]byte
	_, _ = rand.Read(b[:]) // never fails
	base64.RawURLEncoding.Encode(id[:], b[:])
	return id
}

// withoutNamespace cuts the namespace off what may be an id of revision 3.
func withoutNamespace(name string) string {
	if at := len(name) - idLength - 1; at > 0 && name[0] == '/' && name[at] == namespaceMark {
		return name[at+1:]
	}
	return name
}

// isSocketID tells whether a room name has the form of a socket id.
func isSocketID(name string) bool {
	name = withoutNamespace(name)
	return len(name) == idLength && name[0] == idMark
}

// isNodeID tells whether a room name has the form of a socket id of Node's server.
func isNodeID(name string) bool {
	name = withoutNamespace(name)
	if len(name) != idLength {
		return false
	}
	for _, b := range []byte(name) {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_':
		default:
			return false
		}
	}
	return true
}
