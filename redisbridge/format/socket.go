package format

// socket writes how an instance describes a socket to another.
func (w *writer) socket(s *Socket) {
	n := 4
	if s.User != "" {
		n++
	}
	at := w.object(n)
	w.key("id")
	w.text(s.ID)
	w.key("handshake")
	handshake := w.payload(s.Handshake)
	w.key("rooms")
	w.texts(s.Rooms)
	w.key("data")
	data := w.payload(s.Data)
	if s.User != "" {
		w.key("user")
		w.text(s.User)
	}
	w.beside(at, "json", data)
	w.beside(at, "handshakeJSON", handshake)
	w.endObject()
}

func (w *writer) sockets(sockets []Socket) {
	w.array(len(sockets))
	for i := range sockets {
		w.socket(&sockets[i])
	}
	w.endArray()
}

// socket reads a description. All adapters send handshake and rooms: what has none is no socket, so that the memory that
// descriptions take stays in proportion to what came.
func (n node) socket() (s Socket, err error) {
	var data, handshake node
	rooms := false
	err = n.fields(func(key []byte, v node) (err error) {
		switch string(key) {
		case "id":
			s.ID, err = v.string()
		case "handshake":
			s.Handshake = v.payload()
		case "rooms":
			rooms = true
			s.Rooms, err = v.strings()
		case "data":
			s.Data = v.payload()
		case "user":
			s.User, err = v.string()
		case "json":
			data = v
		case "handshakeJSON":
			handshake = v
		}
		return err
	})
	if err == nil {
		s.Data, err = s.Data.exactly(data, false)
	}
	if err == nil {
		s.Handshake, err = s.Handshake.exactly(handshake, false)
	}
	if err == nil && (s.ID == "" || !rooms || s.Handshake.IsZero()) {
		err = malformed("no socket")
	}
	return s, err
}

// sockets reads descriptions, or, as the oldest kind of answer has them, ids.
func (m *Message) sockets(n node) error {
	const least = 24 // bytes of a description
	m.Sockets, m.IDs = nil, nil
	return n.elements(func(_, size int, v node) error {
		if v.isText() != (m.Sockets == nil) && len(m.Sockets)+len(m.IDs) > 0 {
			return malformed("sockets and ids")
		}
		if v.isText() {
			id, err := v.string()
			m.IDs = append(m.IDs, id)
			return err
		}
		s, err := v.socket()
		if m.Sockets == nil {
			m.Sockets = make([]Socket, 0, min(size, 1+len(n.packed)/least))
		}
		m.Sockets = append(m.Sockets, s)
		return err
	})
}

// binary tells whether the message holds what JSON cannot carry.
func (m *Message) binary() bool {
	if m.Event.binary() {
		return true
	}
	for i := range m.Sockets {
		if m.Sockets[i].Data.binary() || m.Sockets[i].Handshake.binary() {
			return true
		}
	}
	return false
}
