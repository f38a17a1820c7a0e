package connection

import (
	"encoding/json"
	"net/url"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// Sessions of revision 3 of Engine.IO belong to clients of Socket.IO 2. They differ in this:
//   - packets have other forms: see wire.DecodePayload3 and wire.Prepared.Revision3;
//   - the client pings, and the server answers;
//   - the main namespace is joined without a CONNECT of the client, and the server's CONNECT tells no id: the client makes the
//     ids of its sockets of the session's;
//   - what joins another namespace says in its query, which any packet may have behind its namespace; refusals are a string.

// dialect is the form in which a lane's packets leave.
type dialect uint8

const (
	usual         dialect = iota
	revision3             // with binary frames
	revision3Text         // without
)

// dialectOf tells how a session speaks on a transport that takes text only, or not.
func (s *Session) dialectOf(onlyText bool) dialect {
	switch {
	case !s.revision3:
		return usual
	case onlyText:
		return revision3Text
	default:
		return revision3
	}
}

// carry makes ws the transport of a lane.
func (l *lane) carry(ws *transport.WebSocket, d dialect) {
	l.ws, l.dialect = ws, d
	l.straight = d == usual && ws.HasRaw()
}

// translate gives a packet the form that it has on a lane's websocket. For polling a payload is formed as a whole.
func (l *lane) translate(m *wire.Prepared) *wire.Prepared {
	if l.ws == nil || m == nil {
		return m
	}
	return m.Revision3(l.dialect == revision3Text)
}

// respond3 answers a GET with the whole queue in the form of revision 3, and returns how many bytes that is.
func (l *lane) respond3(p *transport.Poll) int {
	binary := false
	for _, o := range l.queue[l.head:] {
		binary = binary || l.dialect == revision3 && o.message != nil && o.message.HasBinary()
	}
	var body []byte
	for l.head < len(l.queue) {
		switch m := l.queue[l.head].message; {
		case m == nil:
		case binary:
			body = m.AppendBinaryPayload3(body)
		default:
			body = m.AppendPayload3(body)
		}
		l.drop()
	}
	if binary {
		p.RespondBinary(body)
	} else {
		p.Respond(body)
	}
	return len(body)
}

// lonePayload is a polling payload of one packet without binary.
func (c *connection) lonePayload(m *wire.Prepared) []byte {
	if c.session.revision3 {
		return m.AppendPayload3(nil)
	}
	return m.AppendPayload(nil)
}

// message3 is Message for revision 3.
func (s *Session) message3(ws *transport.WebSocket, binary bool, data []byte) {
	decode := wire.DecodeEngineText3
	if binary {
		decode = wire.DecodeEngineBinary3
	}
	packet, err := decode(data)
	if err != nil {
		s.tell(&received{from: ws, err: err})
		return
	}
	s.read(ws, packet)
}

// awaitPing gives the client until its next ping: an interval, and what a packet may take.
func (c *connection) awaitPing() {
	_, c.pinged = c.session.gate.stalled()
	c.arm(deadlinePong, c.env.Options.PingInterval+c.env.Options.PingTimeout)
}

// answerPing answers a ping of the client.
func (c *connection) answerPing() {
	c.send(c.env.pong, FlagKeep)
	c.awaitPing()
}

// pingMissed ends a session whose client has not pinged, with the excuses of pongMissed.
func (c *connection) pingMissed(at moment) {
	now, times := c.session.gate.stalled()
	switch {
	case now || times != c.pinged || c.stoodStill(at):
		c.env.Counters.PongsExcused.Add(1)
		c.awaitPing()
	case c.mayLieUnread(at):
		c.arm(deadlinePong, readersTurn)
	default:
		c.lost(ReasonPingTimeout)
	}
}

// addressed is the namespace that a packet is for. Only clients of Socket.IO 2 write a query behind it.
func (s *Session) addressed(p *wire.Packet) string {
	if !s.revision3 {
		return p.Namespace
	}
	name, _ := p.SplitNamespace()
	return name
}

// queryAuth is what a client of Socket.IO 2 says where later ones send a payload: its query as an object of strings, the last of
// several with one name; nil when there is none.
func queryAuth(query string) []byte {
	values, err := url.ParseQuery(query)
	if err != nil || len(values) == 0 {
		return nil
	}
	object := make(map[string]string, len(values))
	for name, all := range values {
		object[name] = all[len(all)-1]
	}
	auth, err := json.Marshal(object)
	if err != nil { // strings always encode
		return nil
	}
	return auth
}
