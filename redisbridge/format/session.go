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
	// Holder names who has the session, and since when: HolderLen bytes; "" when Node.js has written it. An extension.
	Holder string
}

const (
	// HolderLen is the length of Session.Holder.
	HolderLen = 24
	// HolderAt is where a session that has a holder has it in its text, as HolderText.
	HolderAt = 12
)

// HolderText is a holder in the text of a session, from HolderAt on: by it Redis tells whose the session is without reading it.
func HolderText(holder string) string { return base64.StdEncoding.EncodeToString([]byte(holder)) }

// EncodeSession makes the text under which a session is kept: MessagePack {sid, pid, rooms, data} as base64. Error:
// ErrMalformed, for data that the wire cannot carry, and for a holder of another length.
func EncodeSession(s *Session) ([]byte, error) {
	w := writer{packed: true}
	n := 4
	for _, set := range []bool{s.Holder != "", s.Namespace != "", s.User != "", !s.Expires.IsZero()} {
		if set {
			n++
		}
	}
	at := w.object(n)
	if s.Holder != "" {
		if len(s.Holder) != HolderLen {
			return nil, malformed("holder")
		}
		w.key("holder") // 9 bytes with what is around it, which makes HolderAt, and what follows begins a group of base64
		w.text(s.Holder)
	}
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
		case "holder":
			if s.Holder, err = v.string(); len(s.Holder) != HolderLen {
				s.Holder = ""
			}
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
