package connection

import (
	"crypto/rand"
	"encoding/base64"
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

// isSocketID tells whether a room name has the form of a socket id.
func isSocketID(name string) bool { return len(name) == idLength && name[0] == idMark }

// isNodeID tells whether a room name has the form of a socket id of Node's server.
func isNodeID(name string) bool {
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
