package format

import (
	"bytes"
	"fmt"
)

// encode writes {type, data, uid, nsp}: JSON, or MessagePack when it holds binary.
func (s *sharded) encode(m *Message) ([]byte, error) { return encodeCluster(m, m.binary()) }

// encodeCluster writes it in one of the forms.
func encodeCluster(m *Message, packed bool) ([]byte, error) {
	w := writer{packed: packed, out: make([]byte, 0, m.size())}
	kind := clusterType(m.Kind)
	if kind == 0 {
		return nil, malformed("the adapter has no such message")
	}
	w.object(4)
	w.key("type")
	w.number(kind)
	w.key("data")
	w.clusterData(m)
	w.key("uid")
	w.text(m.Sender)
	w.key("nsp")
	w.text(m.Namespace)
	w.endObject()
	return w.out, w.err
}

// clusterType is the type of messages of a kind; 0: there are none.
func clusterType(k Kind) int {
	switch k {
	case Broadcast, AckBroadcast:
		return clusterBroadcast
	case Join:
		return clusterJoin
	case Leave:
		return clusterLeave
	case Disconnect:
		return clusterDisconnect
	case Fetch:
		return clusterFetch
	case Fetched:
		return clusterFetched
	case ServerEvent:
		return clusterServerEmit
	case ServerReply:
		return clusterServerReply
	case ClientCount:
		return clusterClientCount
	case Ack:
		return clusterAck
	default:
		return 0
	}
}

// clusterData writes what a cluster message says.
func (w *writer) clusterData(m *Message) {
	switch m.Kind {
	case Broadcast, AckBroadcast:
		w.clusterBroadcast(m)
	case ServerEvent:
		w.clusterServerEvent(m)
	case ServerReply, Ack:
		w.clusterAnswer(m)
	case ClientCount:
		w.clientCount(m)
	case Fetched:
		w.object(2)
		w.key("requestId")
		w.text(m.Request)
		w.key("sockets")
		w.sockets(m.Sockets)
		w.endObject()
	default:
		w.object(2)
		w.key("opts")
		w.options(m, true)
		switch m.Kind {
		case Fetch:
			w.key("requestId")
			w.text(m.Request)
		case Disconnect:
			w.key("close")
			w.truth(m.Close)
		default:
			w.key("rooms")
			w.texts(m.Rooms)
		}
		w.endObject()
	}
}

// clusterBroadcast writes a broadcast, which wants answers when it has an id.
func (w *writer) clusterBroadcast(m *Message) {
	asks := m.Kind == AckBroadcast
	n := 2
	for _, set := range []bool{asks, asks && m.Extended} {
		if set {
			n++
		}
	}
	at := w.object(n)
	w.key("packet")
	beside := w.packet(m.Event, "")
	if asks {
		w.key("requestId")
		w.text(m.Request)
	}
	w.key("opts")
	w.options(m, true)
	if asks && m.Extended {
		w.key("actio")
		w.truth(true)
	}
	w.beside(at, "json", beside)
	w.endObject()
}

func (w *writer) clusterServerEvent(m *Message) {
	if m.Event.IsZero() {
		w.fail(malformed("no event"))
	}
	n := 1
	if m.Request != "" {
		n++
	}
	at := w.object(n)
	if m.Request != "" {
		w.key("requestId")
		w.text(m.Request)
	}
	w.key("packet")
	beside := w.payload(m.Event)
	w.beside(at, "json", beside)
	w.endObject()
}

func (w *writer) clientCount(m *Message) {
	n := 2
	if m.IDs != nil {
		n++
	}
	w.object(n)
	w.key("requestId")
	w.text(m.Request)
	w.key("clientCount")
	w.number(m.Count)
	if m.IDs != nil {
		w.key("ids")
		w.texts(m.IDs)
	}
	w.endObject()
}

// clusterAnswer writes what a socket, or a server, answered.
func (w *writer) clusterAnswer(m *Message) {
	a, err := m.answer("packet")
	if err != nil {
		w.fail(err)
		return
	}
	n := 1 + a.size()
	for _, set := range []bool{m.Socket != "", m.Gone} {
		if set {
			n++
		}
	}
	at := w.object(n)
	w.key("requestId")
	w.text(m.Request)
	beside := a.write(w)
	w.ended(m)
	w.beside(at, "json", beside)
	w.endObject()
}

// longestEnd is how far from its end the sender of a message is looked for.
const longestEnd = 1024

// echo tells whether payload is JSON that this instance has written, without reading it: valid JSON with this end can have it
// in no inner object, nor in a string.
func (s *sharded) echo(payload []byte) bool {
	if len(payload) == 0 || payload[0] != '{' || s.end == nil {
		return false
	}
	end := payload[max(0, len(payload)-longestEnd):]
	i := bytes.LastIndex(end, s.end)
	if i < 0 {
		return false
	}
	namespace := end[i+len(s.end):]
	quote := bytes.IndexByte(namespace, '"')
	return quote >= 0 && quote == len(namespace)-2 && namespace[quote+1] == '}'
}

// decode reads {type, data, uid, nsp}.
func (s *sharded) decode(channel string, payload []byte) (*Message, error) {
	if s.echo(payload) {
		return nil, ErrOwn
	}
	return s.decodeCluster(channel, payload)
}

// decodeCluster reads it, whoever has sent it.
func (n *names) decodeCluster(channel string, payload []byte) (*Message, error) {
	whole, err := parse(payload)
	if err != nil {
		return nil, err
	}
	r := clusterMessage{own: n.isOwn}
	if err := whole.fields(r.field); err != nil {
		return nil, err
	}
	switch {
	case r.Sender == "" || !r.data.exists():
		return nil, malformed("no cluster message")
	case !n.concerns(channel, r.Namespace):
		return nil, fmt.Errorf("%w: namespace", ErrUnknown)
	}
	return r.read()
}

// read reads the data of a message whose type is known.
func (r *clusterMessage) read() (*Message, error) {
	if !r.known() {
		return nil, fmt.Errorf("%w: cluster message %d", ErrUnknown, r.kind)
	}
	if err := r.data.fields(r.member); err != nil {
		return nil, err
	}
	return r.message()
}

// clusterMessage is one as it is read.
type clusterMessage struct {
	Message
	arguments

	own     func(uid []byte) bool
	kind    int
	data    node
	options bool
}

func (r *clusterMessage) field(key []byte, v node) (err error) {
	switch string(key) {
	case "type":
		r.kind, err = v.count()
	case "data":
		r.data = v
	case "uid":
		var uid []byte
		if uid, err = v.bytes(); err == nil && r.own(uid) {
			return ErrOwn
		}
		r.Sender = string(uid)
	case "nsp":
		r.Namespace, err = v.string()
	}
	return err
}

// known finds the kind for the type.
func (r *clusterMessage) known() bool {
	for k := Broadcast; k <= ServerReply; k++ {
		if r.kind > 0 && clusterType(k) == r.kind {
			r.Kind = k
			return true
		}
	}
	return false
}

func (r *clusterMessage) member(key []byte, v node) (err error) {
	switch string(key) {
	case "opts":
		err = r.Message.options(v)
		r.options = true
	case "requestId":
		r.Request, err = v.string()
	case "packet":
		err = r.packet(v)
	case "rooms":
		r.Rooms, err = v.strings()
	case "close":
		r.Close = v.truth()
	case "sockets":
		err = r.Message.sockets(v)
	case "clientCount":
		r.Count, err = v.count()
	case "ids":
		r.IDs, err = v.strings()
	case "args":
		r.all = v
	case "json":
		r.exact = v
	case "sid":
		r.Socket, err = v.string()
	case "gone":
		r.Gone = v.truth()
	case "actio":
		r.Extended = v.truth()
	}
	return err
}

// packet reads what each kind means by it.
func (r *clusterMessage) packet(v node) (err error) {
	switch r.Kind { //nolint:exhaustive // others have none
	case Broadcast:
		namespace := r.Namespace
		err = r.Message.packet(v)
		r.Namespace = namespace
	case ServerEvent:
		if _, ok := v.eventName(); ok {
			r.Event = v.payload()
		}
	case Ack, ServerReply:
		r.first = v.alone()
	}
	return err
}

// message checks that there is what the kind needs: what has no target must not be taken for something that concerns everybody.
func (r *clusterMessage) message() (*Message, error) {
	m := r.Message
	var err error
	event, asks, targets := false, false, false
	switch m.Kind {
	case Broadcast:
		event, targets = true, true
		if m.Request != "" {
			m.Kind = AckBroadcast
		}
	case ServerEvent:
		event = true
	case Join, Leave, Disconnect:
		targets = true
	case Fetch:
		asks, targets = true, true
	default: // answers
		asks = true
	}
	switch {
	case event && m.Event.IsZero():
		return nil, malformed("no event")
	case m.Kind == Fetched && m.IDs != nil:
		return nil, malformed("ids in place of sockets")
	case asks && m.Request == "":
		return nil, malformed("no request id")
	case targets && !r.options:
		return nil, malformed("no target")
	case event:
		m.Event, err = m.Event.exactly(r.exact, m.Kind != ServerEvent)
	case m.Kind == Ack || m.Kind == ServerReply:
		m.Event, err = r.event()
	}
	return &m, err
}
