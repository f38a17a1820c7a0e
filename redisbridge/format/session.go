package format

import (
	"encoding/base64"
	"time"
)

// Session is what is kept of a socket so that its client can return, on whatever instance.
type Session struct {
	ID    string   // of the socket
	PID   string   // its private id, which the client alone knows
	Rooms []string // its own included
	Data  Payload  // JSON; Node.js: socket.data

	// Namespace and User are extensions; "" for Node.js, which does not say in which namespace a session was.
	Namespace string
	User      string
	// Expires is when its authentication does; zero: never. In milliseconds on the wire. An extension.
	Expires time.Time
}

// EncodeSession makes the text under which a session is kept: MessagePack {sid, pid, rooms, data} as base64. Error:
// ErrMalformed, for data that the wire cannot carry.
func EncodeSession(s *Session) ([]byte, error) {
	w := writer{packed: true}
	n := 4
	for _, set := range []bool{s.Namespace != "", s.User != "", !s.Expires.IsZero()} {
		if set {
			n++
		}
	}
	at := w.object(n)
	w.key("sid")
	w.text(s.ID)
	w.key("pid")
	w.text(s.PID)
	w.key("rooms")
	w.texts(s.Rooms)
	w.key("data")
	data := w.payload(s.Data)
	if s.Namespace != "" {
		w.key("nsp")
		w.text(s.Namespace)
	}
	if s.User != "" {
		w.key("user")
		w.text(s.User)
	}
	if !s.Expires.IsZero() {
		w.key("expires")
		w.number(int(s.Expires.UnixMilli()))
	}
	w.beside(at, "json", data)
	if w.err != nil {
		return nil, w.err
	}
	return base64.StdEncoding.AppendEncode(nil, w.out), nil
}

// DecodeSession reads one. It keeps no more memory than a small multiple of the text. Error: ErrMalformed.
func DecodeSession(text []byte) (*Session, error) {
	if len(text) == 0 || text[0] == '{' {
		return nil, malformed("no session")
	}
	packed, err := readable(text)
	if err != nil {
		return nil, err
	}
	whole, err := parse(packed)
	if err != nil {
		return nil, err
	}
	s := &Session{}
	var exact node
	err = whole.fields(func(key []byte, v node) (err error) {
		switch string(key) {
		case "sid":
			s.ID, err = v.string()
		case "pid":
			s.PID, err = v.string()
		case "rooms":
			s.Rooms, err = v.strings()
		case "data":
			s.Data = v.payload()
		case "nsp":
			s.Namespace, err = v.string()
		case "user":
			s.User, err = v.string()
		case "expires":
			var ms float64
			if ms, err = v.float(); err == nil && ms > 0 && ms < 1<<53 {
				s.Expires = time.UnixMilli(int64(ms))
			}
		case "json":
			exact = v
		}
		return err
	})
	if err == nil {
		s.Data, err = s.Data.exactly(exact, false)
	}
	if err == nil && (s.ID == "" || s.PID == "") {
		err = malformed("no session")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}
