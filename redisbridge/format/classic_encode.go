package format

// encodeBroadcast writes [uid, packet, opts], and the text of the event behind it when MessagePack cannot carry its numbers.
func (c *classic) encodeBroadcast(m *Message) ([]byte, error) {
	w := writer{packed: true, out: make([]byte, 0, m.size())}
	w.array(3)
	w.text(m.Sender)
	beside := w.packet(m.Event, m.Namespace)
	w.options(m, true)
	if beside != nil {
		w.out[0]++ // a fourth element
		beside.write(&w)
	}
	w.endArray()
	return w.out, w.err
}

// encodeAckBroadcast writes the one request that is always MessagePack.
func (c *classic) encodeAckBroadcast(m *Message) ([]byte, error) {
	w := writer{packed: true, out: make([]byte, 0, m.size())}
	n := 5
	if m.Extended {
		n++
	}
	at := w.object(n)
	w.key("uid")
	w.text(m.Sender)
	w.key("requestId")
	w.text(m.Request)
	w.key("type")
	w.number(classicBroadcast)
	w.key("packet")
	beside := w.packet(m.Event, m.Namespace)
	w.key("opts")
	w.options(m, true)
	if m.Extended {
		w.key("actio")
		w.truth(true)
	}
	w.beside(at, "json", beside)
	w.endObject()
	return w.out, w.err
}

// encodeRequest writes the requests that are JSON unless they hold binary. Those that want no answer have no id, but for the
// events of servers, and the older form of operations on one socket.
func (c *classic) encodeRequest(m *Message) ([]byte, error) {
	w := writer{packed: m.binary()}
	var beside *exactly
	at := 0
	switch m.Kind { //nolint:exhaustive // what Encode brings here
	case Join, Leave, Disconnect:
		c.operation(&w, m)
	case Fetch:
		c.head(&w, m, classicFetch, 1)
		w.key("opts")
		w.options(m, false)
	case ListIDs:
		c.head(&w, m, classicSockets, 1)
		w.key("rooms")
		w.texts(m.Target.Rooms)
	case ListRooms:
		c.head(&w, m, classicAllRooms, 0)
	case ServerEvent:
		if m.Event.IsZero() {
			return nil, malformed("no event")
		}
		at = c.head(&w, m, classicServerEmit, 1)
		w.key("data")
		beside = w.payload(m.Event)
	}
	w.beside(at, "json", beside)
	w.endObject()
	return w.out, w.err
}

// operation begins a request that joins, leaves or disconnects sockets.
func (c *classic) operation(w *writer, m *Message) {
	kind := map[Kind]int{Join: classicJoin, Leave: classicLeave, Disconnect: classicDisconnect}[m.Kind]
	c.head(w, m, kind, 2)
	switch {
	case m.Socket != "":
		w.key("sid")
		w.text(m.Socket)
	default:
		w.key("opts")
		w.options(m, false)
	}
	switch {
	case m.Kind == Disconnect:
		w.key("close")
		w.truth(m.Close)
	case m.Socket != "" && len(m.Rooms) == 1:
		w.key("room")
		w.text(m.Rooms[0])
	default:
		w.key("rooms")
		w.texts(m.Rooms)
	}
}

// head begins a request with n further members, and returns the place of its header. Emitters tell who they are with events of
// servers only.
func (c *classic) head(w *writer, m *Message, kind, n int) (at int) {
	named := m.Sender != "" && (m.Sender != Emitter || kind == classicServerEmit)
	if named {
		n++
	}
	if m.Request != "" {
		n++
	}
	at = w.object(n + 1)
	if named {
		w.key("uid")
		w.text(m.Sender)
	}
	if m.Request != "" {
		w.key("requestId")
		w.text(m.Request)
	}
	w.key("type")
	w.number(kind)
	return at
}

// encodeAnswer writes an answer: JSON, but for acknowledgements and what holds binary.
func (c *classic) encodeAnswer(m *Message) ([]byte, error) {
	switch m.Kind { //nolint:exhaustive // the rest has no type
	case Ack:
		return c.encodeArguments(m, classicAck, "packet")
	case ServerReply:
		return c.encodeArguments(m, classicServerEmit, "data")
	case ClientCount:
		return c.encodeClientCount(m)
	}
	w := writer{packed: m.binary()}
	n := 1
	if m.Kind != Done {
		n++
	}
	if m.Sender != "" {
		n++
	}
	w.object(n)
	w.key("requestId")
	w.text(m.Request)
	switch m.Kind { //nolint:exhaustive // Done has nothing else
	case Fetched:
		w.key("sockets")
		w.sockets(m.Sockets)
	case IDs:
		w.key("sockets")
		w.texts(m.IDs)
	case RoomNames:
		w.key("rooms")
		w.texts(m.Rooms)
	}
	w.answerer(m)
	w.endObject()
	return w.out, w.err
}

// answerer writes who answers, as far as that is said.
func (w *writer) answerer(m *Message) {
	if m.Sender != "" {
		w.key("uid")
		w.text(m.Sender)
	}
}

func (c *classic) encodeClientCount(m *Message) ([]byte, error) {
	w := writer{}
	w.object(0) // in JSON the number does not matter
	w.key("type")
	w.number(classicClientCount)
	w.key("requestId")
	w.text(m.Request)
	w.key("clientCount")
	w.number(m.Count)
	if m.IDs != nil {
		w.key("ids")
		w.texts(m.IDs)
	}
	w.answerer(m)
	w.endObject()
	return w.out, w.err
}

// encodeArguments writes what a socket, or a server, answered. Acknowledgements are always MessagePack.
func (c *classic) encodeArguments(m *Message, kind int, name string) ([]byte, error) {
	a, err := m.answer(name)
	if err != nil {
		return nil, err
	}
	w := writer{packed: m.Kind == Ack || m.binary()}
	n := 2 + a.size()
	for _, set := range []bool{m.Sender != "", m.Socket != "", m.Gone} {
		if set {
			n++
		}
	}
	at := w.object(n)
	w.key("type")
	w.number(kind)
	w.key("requestId")
	w.text(m.Request)
	beside := a.write(&w)
	w.answerer(m)
	w.ended(m)
	w.beside(at, "json", beside)
	w.endObject()
	return w.out, w.err
}

// ended writes whose answer it is, and whether that socket has ended instead.
func (w *writer) ended(m *Message) {
	if m.Socket != "" {
		w.key("sid")
		w.text(m.Socket)
	}
	if m.Gone {
		w.key("gone")
		w.truth(true)
	}
}
