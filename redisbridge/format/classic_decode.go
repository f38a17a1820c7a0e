package format

import (
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// decodeBroadcast reads [uid, packet, opts]. The own echo is known by its first element.
func (c *classic) decodeBroadcast(channel string, payload []byte) (*Message, error) {
	if msgp.NextType(payload) != msgp.ArrayType {
		return nil, malformed("no broadcast")
	}
	count, rest, err := msgp.ReadArrayHeaderBytes(payload)
	if err != nil || count < 3 {
		return nil, malformed("no broadcast")
	}
	sender, _, err := msgp.ReadStringZC(rest)
	switch {
	case err != nil:
		return nil, malformed("no sender")
	case c.isOwn(sender):
		return nil, ErrOwn
	}
	n, err := parse(payload)
	if err != nil {
		return nil, err
	}
	m := &Message{Kind: Broadcast, Sender: string(sender), Namespace: "/"}
	err = n.elements(func(i, _ int, v node) (err error) {
		switch i {
		case 1:
			err = m.packet(v)
		case 2:
			err = m.options(v)
		case 3:
			m.Event, err = m.Event.exactly(v, true)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !c.concerns(channel, m.Namespace):
		return nil, fmt.Errorf("%w: namespace", ErrUnknown)
	}
	return m, nil
}

// concerns tells whether messages for a namespace come on a channel.
func (n *names) concerns(channel, namespace string) bool {
	if namespace == "" {
		return false
	}
	rest, ok := strings.CutPrefix(channel, n.private)
	if !ok {
		rest = strings.TrimPrefix(channel, n.room)
	}
	rest, found := strings.CutPrefix(rest, namespace)
	return found && strings.HasPrefix(rest, "#")
}

// decodeRequest reads what comes on the request channel of a namespace.
func (c *classic) decodeRequest(namespace string, payload []byte) (*Message, error) {
	n, err := parse(payload)
	if err != nil {
		return nil, err
	}
	r := request{own: c.isOwn}
	r.Namespace = namespace
	if err := n.fields(r.field); err != nil {
		return nil, err
	}
	if r.Namespace != namespace {
		return nil, fmt.Errorf("%w: namespace", ErrUnknown)
	}
	if r.kind == classicServerEmit {
		r.Event = Payload{}
		if _, ok := r.data.eventName(); ok {
			r.Event = r.data.payload()
		}
	}
	if r.Event, err = r.Event.exactly(r.exact, r.kind == classicBroadcast); err != nil {
		return nil, err
	}
	return r.message()
}

// request is one as it is read.
type request struct {
	Message

	own     func(uid []byte) bool
	kind    int
	typed   bool
	options bool
	room    node
	data    node
	exact   node
}

func (r *request) field(key []byte, v node) (err error) {
	switch string(key) {
	case "uid":
		r.Sender, err = v.string()
		if err == nil && r.own([]byte(r.Sender)) {
			err = ErrOwn
		}
	case "requestId":
		r.Request, err = v.string()
	case "type":
		r.kind, err = v.count()
		r.typed = true
	case "opts":
		err = r.Message.options(v)
		r.options = true
	case "rooms":
		r.Rooms, err = v.strings()
	case "room":
		r.room = v
	case "sid":
		r.Socket, err = v.string()
	case "close":
		r.Close = v.truth()
	case "data":
		r.data = v
	case "packet":
		err = r.packet(v)
	case "json":
		r.exact = v
	case "actio":
		r.Extended = v.truth()
	}
	return err
}

// message gives a request its kind, and checks that it has what the kind needs: what has no target must not be taken for
// something that concerns everybody.
func (r *request) message() (*Message, error) {
	if !r.typed {
		return nil, malformed("a request without a type")
	}
	asks, targets := false, false
	switch r.kind {
	case classicSockets:
		r.Kind, r.Target, r.Rooms = ListIDs, Target{Rooms: r.Rooms}, nil
		asks = true
	case classicAllRooms:
		r.Kind, asks = ListRooms, true
	case classicJoin:
		r.Kind, targets = Join, true
	case classicLeave:
		r.Kind, targets = Leave, true
	case classicDisconnect:
		r.Kind, targets = Disconnect, true
	case classicFetch:
		r.Kind, asks, targets = Fetch, true, true
	case classicServerEmit:
		r.Kind = ServerEvent
	case classicBroadcast:
		r.Kind, asks, targets = AckBroadcast, true, true
	default:
		return nil, fmt.Errorf("%w: request %d", ErrUnknown, r.kind)
	}
	switch {
	case asks && r.Request == "":
		return nil, malformed("a question without an id")
	case (r.Kind == ServerEvent || r.Kind == AckBroadcast) && r.Event.IsZero():
		return nil, malformed("no event")
	case !targets || r.options:
		r.Socket = ""
	default:
		if err := r.single(); err != nil {
			return nil, err
		}
	}
	m := r.Message
	return &m, nil
}

// single checks the older form of an operation, which concerns one socket and one room.
func (r *request) single() (err error) {
	if r.Kind == Fetch || r.Kind == AckBroadcast || r.Socket == "" {
		return malformed("no target")
	}
	if r.room.exists() {
		r.Rooms = make([]string, 1)
		r.Rooms[0], err = r.room.string()
	}
	return err
}

// decodeAnswer reads what comes on a response channel. Some answers do not say their type.
func (c *classic) decodeAnswer(namespace string, payload []byte) (*Message, error) {
	n, err := parse(payload)
	if err != nil {
		return nil, err
	}
	r := response{own: c.isOwn}
	if err := n.fields(r.field); err != nil {
		return nil, err
	}
	if r.Request == "" {
		return nil, malformed("an answer without an id")
	}
	m := r.Message
	m.Namespace = namespace
	switch {
	case r.typed:
		m.Kind = r.answers
	case r.sockets && m.IDs != nil:
		m.Kind = IDs
	case r.sockets:
		m.Kind = Fetched
	case r.rooms:
		m.Kind = RoomNames
	default:
		m.Kind = Done
	}
	if m.Kind == Ack || m.Kind == ServerReply {
		m.Event, err = r.event()
	}
	return &m, err
}

// response is one as it is read.
type response struct {
	Message
	arguments

	own            func(uid []byte) bool
	typed          bool
	answers        Kind
	sockets, rooms bool
}

func (r *response) field(key []byte, v node) (err error) {
	switch string(key) {
	case "uid":
		r.Sender, err = v.string()
		if err == nil && r.own([]byte(r.Sender)) {
			err = ErrOwn
		}
	case "requestId":
		r.Request, err = v.string()
	case "type":
		r.typed = true
		err = r.kind(v)
	case "sockets":
		r.sockets = true
		err = r.Message.sockets(v)
	case "rooms":
		r.rooms = true
		r.Rooms, err = v.strings()
	case "clientCount":
		r.Count, err = v.count()
	case "ids":
		r.IDs, err = v.strings()
	case "data", "packet":
		r.first = v.alone()
	case "args":
		r.all = v
	case "json":
		r.exact = v
	case "sid":
		r.Socket, err = v.string()
	case "gone":
		r.Gone = v.truth()
	}
	return err
}

func (r *response) kind(v node) error {
	kind, err := v.count()
	if err != nil {
		return err
	}
	switch kind {
	case classicServerEmit:
		r.answers = ServerReply
	case classicClientCount:
		r.answers = ClientCount
	case classicAck:
		r.answers = Ack
	default:
		return fmt.Errorf("%w: answer %d", ErrUnknown, kind)
	}
	return nil
}
