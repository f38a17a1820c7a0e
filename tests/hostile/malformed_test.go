package hostile

import (
	"context"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// breach is what a client does once it is connected, and what becomes of it.
type breach struct {
	name   string
	frames [][]byte
	code   uint16 // of the close frame
	reason actio.Reason
}

func texts(messages ...string) (frames [][]byte) {
	for _, m := range messages {
		frames = append(frames, text(m))
	}
	return frames
}

func bytesOf(b string) []byte { return frame(fin|opBinary, []byte(b)) }

const placeholder = `{"_placeholder":true,"num":0}`

// parseErrors are messages that are none. Each ends its session, and nothing else.
func parseErrors() []breach {
	frames := map[string][][]byte{
		"engine type 7":                 texts("7"),
		"engine type x":                 texts("x"),
		"empty message":                 texts(""),
		"base64 is none":                texts("b!!!"),
		"packet of nothing":             texts("4"),
		"packet type 7":                 texts("47"),
		"packet type letter":            texts("4a[]"),
		"event is an object":            texts("42{}"),
		"event is cut":                  texts(`42["echo"`),
		"event with a trailing comma":   texts(`42["echo",]`),
		"event with a tail":             texts(`42["echo"]]`),
		"event without a name":          texts("42[]"),
		"event without a payload":       texts("42"),
		"event named null":              texts("42[null]"),
		"event named by an array":       texts(`42[["echo"]]`),
		"event with a reserved name":    texts(`42["connect"]`),
		"event with an escaped name":    texts(`42["disconn\u0065ct"]`),
		"event nests too deep":          texts(`42["echo",` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "]"),
		"event nests without end":       texts("42" + strings.Repeat("[", 900_000)),
		"ack id is huge":                texts(`429007199254740992["echo"]`),
		"ack id has 100 000 digits":     texts("42" + strings.Repeat("9", 100_000) + `["echo"]`),
		"ack with an object":            texts("430{}"),
		"disconnect with a payload":     texts("41{}"),
		"connect with an array":         texts("40/other,[]"),
		"namespace is too long":         texts("40/" + strings.Repeat("n", 2000)),
		"namespace with a control char": texts("40/\x01,"),
		"attachments: no count":         texts(`45["echo"]`),
		"attachments: none":             texts(`450-["echo"]`),
		"attachments: negative":         texts(`45-1-["echo"]`),
		"attachments: too many":         texts(`4511-["echo",` + placeholder + "]"),
		"attachments: text instead":     texts(`451-["echo",`+placeholder+"]", `42["echo",1]`),
		"attachments: one too many":     append(texts(`451-["quiet",`+placeholder+"]"), bytesOf("a"), bytesOf("b")),
		"attachments: not announced":    {bytesOf("a")},
		"attachments: too big together": append(texts(`452-["echo",`+placeholder+"]"), bytesOf(strings.Repeat("a", 600_000)), bytesOf(strings.Repeat("b", 600_000))),
		"placeholder out of range":      append(texts(`451-["echo",{"_placeholder":true,"num":1}]`), bytesOf("a")),
		"placeholder negative":          append(texts(`451-["echo",{"_placeholder":true,"num":-1}]`), bytesOf("a")),
	}
	var all []breach
	for name, f := range frames {
		all = append(all, breach{name, f, 1002, actio.ReasonParseError})
	}
	for name, f := range map[string][][]byte{
		"engine text":             texts("4\xff"),
		"engine type":             texts("\xff4"),
		"event":                   texts("42[\"\xc3\x28\"]"),
		"pong":                    texts("3\x80"),
		"base64":                  texts("b\xff"),
		"event in parts":          {append(frame(opText, []byte("42[\"\xc3")), frame(fin, []byte("\x28\"]"))...)},
		"half a character at end": texts("42[\"a\xe2\x82"),
	} {
		all = append(all, breach{name + " is not UTF-8", f, 1007, actio.ReasonParseError})
	}
	return all
}

// misplaced are sound packets that must not come here.
func misplaced() []breach {
	return []breach{
		{"event for a namespace that was never joined", texts(`42/other,["echo",1]`), 1000, actio.ReasonForcedServerClose},
		{"event for a namespace with a query", texts(`42/?x=1,["echo",1]`), 1000, actio.ReasonForcedServerClose},
		{"ack for a namespace that was never joined", texts(`43/other,0[]`), 1000, actio.ReasonForcedServerClose},
		{"connected twice", texts("40"), 1000, actio.ReasonForcedServerClose},
		{"connect error of a client", texts(`44{"message":"no"}`), 1000, actio.ReasonForcedServerClose},
		{"ping of a client", texts("2"), 1002, actio.ReasonForcedClose},
	}
}

// violations are frames that RFC 6455 forbids.
func violations() []breach {
	unmasked := []byte{fin | opText, 2, '4', '1'}
	endless := append([]byte{fin | opBinary, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, 1<<63)...)
	large := header(fin|opText, 2_000_000)
	frames := map[string][]byte{
		"frame without a mask":           unmasked,
		"frame with RSV1":                frame(fin|rsv1|opText, []byte("3")),
		"frame with RSV2 and RSV3":       frame(fin|0x30|opText, []byte("3")),
		"reserved data opcode":           frame(fin|0x3, []byte("3")),
		"reserved control opcode":        frame(fin|0xb, []byte("3")),
		"continuation of nothing":        frame(fin, []byte("3")),
		"message within a message":       append(frame(opText, []byte("4")), frame(fin|opText, []byte("3"))...),
		"control frame in parts":         frame(opPing, []byte("p")),
		"control frame that is too long": frame(fin|opPing, make([]byte, 126)),
		"length with its highest bit":    append(endless, mask[:]...),
		"close frame of one byte":        frame(fin|opClose, []byte{3}),
		"close frame with a bad code":    frameOf(1005),
	}
	var all []breach
	for name, f := range frames {
		all = append(all, breach{name, [][]byte{f}, 1002, actio.ReasonParseError})
	}
	return append(all, breach{"message that is too big", [][]byte{append(large, make([]byte, 1_000_001)...)}, 1009, actio.ReasonParseError})
}

func TestMalformed_OverWebSocket_EndsThatSessionAndNoOther(t *testing.T) {
	h := serve(t, actio.Options{})
	h.handle(t, "quiet", func(context.Context, *actio.Socket, *actio.Event) {})
	neighbour := h.connect(t)
	for _, list := range [][]breach{parseErrors(), misplaced(), violations()} {
		for _, b := range list {
			t.Run(b.name, func(t *testing.T) {
				before := h.stats(t).ParseErrors
				s := h.connect(t)
				for _, f := range b.frames {
					s.raw(t, f)
				}
				neighbour.echo(t, "meanwhile")
				assert.Equal(t, b.code, s.end(t))
				assert.Equal(t, b.reason, h.reasonOf(t, s.id))
				assert.Equal(t, before+1, h.stats(t).ParseErrors)
				neighbour.echo(t, "afterwards")
			})
		}
	}
}

// A client may be wrong in ways that end nothing: they are answered, or counted and dropped.
func TestMalformed_ButHarmless_IsCountedAndSurvives(t *testing.T) {
	h := serve(t, actio.Options{MaxNamespaces: 2})
	for _, n := range []string{"/a", "/b"} {
		_, err := h.Of(n)
		require.NoError(t, err)
	}
	s := h.connect(t)
	for _, c := range []struct {
		name, say, hear string
		counter         func(actio.Stats) uint64
		moves           uint64
	}{
		{"unknown event", `42["nobody"]`, "", func(st actio.Stats) uint64 { return st.EventsUnhandled }, 1},
		{"numeric event", `42[7]`, "", func(st actio.Stats) uint64 { return st.EventsUnhandled }, 1},
		{"ack that nobody awaits", `4399["x"]`, "", func(st actio.Stats) uint64 { return st.AcksUnknown }, 1},
		{"largest ack id", `429007199254740991["ask"]`, `439007199254740991["answer"]`, nil, 0},
		{"unknown namespace", "40/none,", `44/none,{"message":"Invalid namespace"}`, nil, 0},
		{"namespace with a query", "40/a?x=1,", `44/a?x=1,{"message":"Invalid namespace"}`, nil, 0},
		{"main namespace with a query", "40/?x=1,", `44/?x=1,{"message":"Invalid namespace"}`, nil, 0},
		{"disconnect from a namespace that was never joined", "41/b,", "", func(st actio.Stats) uint64 { return st.EventsDropped }, 1},
		{"noop", "6", "", nil, 0},
		{"upgrade", "5", "", nil, 0},
		{"open", "0", "", nil, 0},
		{"pong that nobody awaits", "3", "", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.stats(t)
			s.say(t, c.say)
			if c.hear != "" {
				s.expect(t, c.hear)
			}
			s.echo(t, "still here")
			if c.counter != nil {
				assert.Equal(t, c.counter(before)+c.moves, c.counter(h.stats(t)))
			}
			assert.Equal(t, before.ParseErrors, h.stats(t).ParseErrors)
		})
	}
}

func TestMalformed_PostBody_IsRefusedAndEndsTheSession(t *testing.T) {
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	for _, c := range []struct{ name, headers, body string }{
		{"engine type", "", "9"},
		{"separators only", "", "\x1e\x1e"},
		{"not UTF-8", "", "4\xff"},
		{"base64", "", "b@@"},
		{"good, then bad", "", "42[\"echo\",1]\x1ex"},
		{"packet type", "", "49"},
		{"packet of nothing", "", "4"},
		{"JSON", "", "42["},
		{"attachment without packet", "", "bAAAA"},
		{"octet stream", "Content-Type: application/octet-stream\r\n", "\x04\xff\x00"},
		{"too many packets", "", strings.Repeat("6\x1e", 1<<16) + "6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.stats(t).ParseErrors
			p := h.pollConnected(t)
			p.ask(t)
			a := h.ask(t, http.MethodPost, p.target, c.headers, c.body)
			assert.Equal(t, http.StatusBadRequest, a.status)
			assert.JSONEq(t, `{"code":3,"message":"Bad request"}`, a.body)
			assert.Contains(t, []string{"1", "42[\"echo\",1]", `{"code":1,"message":"Session ID unknown"}`}, p.get.mustRead(t).body)
			p.over(t)
			assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, p.id))
			assert.Equal(t, before+1, h.stats(t).ParseErrors)
			neighbour.echo(t, "afterwards")
		})
	}
}

func TestMalformed_Request_IsRefusedAsTheProtocolSays(t *testing.T) {
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	p, s := h.pollConnected(t), h.open(t, overSocket)
	const bad = `{"code":3,"message":"Bad request"}`
	var open struct{ SID string }
	first := s.mustNext(t)
	unmarshal(t, strings.TrimPrefix(first, "0"), &open)
	onSocket := path + "&sid=" + open.SID
	for _, c := range []struct {
		name, method, target, headers, body string
		status                              int
		answer                              string
	}{
		{"no transport", "GET", path, "", "", 400, `{"code":0,"message":"Transport unknown"}`},
		{"unknown transport", "GET", path + "&transport=carrier-pigeon", "", "", 400, `{"code":0,"message":"Transport unknown"}`},
		{"unknown sid", "GET", overPoll + "&sid=none", "", "", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"unknown sid, post", "POST", overPoll + "&sid=none", "", "6", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"unknown sid, websocket", "GET", overSocket + "&sid=none", upgrade, "", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"post without sid", "POST", overPoll, "", "6", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"put without sid", "PUT", overPoll, "", "6", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"put", "PUT", p.target, "", "6", 400, bad},
		{"websocket without upgrade", "GET", overSocket, "", "", 400, bad},
		{"polling with upgrade", "GET", overPoll, upgrade, "", 400, bad},
		{"upgrade without key", "GET", overSocket, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "", 400, bad},
		{"upgrade of version 8", "GET", overSocket, strings.Replace(upgrade, "13", "8", 1), "", 400, bad},
		{"revision 3", "GET", "/io/?EIO=3&transport=polling", "", "", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"revision missing", "GET", "/io/?transport=polling", "", "", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"get of a websocket's session", "GET", onSocket + "&transport=polling", "", "", 400, bad},
		{"post to a websocket's session", "POST", onSocket + "&transport=polling", "", `42["echo",1]`, 400, bad},
		{"headers without end", "GET", overPoll, "X-Large: " + strings.Repeat("x", 20<<10) + "\r\n", "", 431, ""},
		{"announced body too large", "POST", p.target, "Content-Length: 1000001\r\n", "", 413, ""},
		{"chunked body too large", "POST", p.target, "Transfer-Encoding: chunked\r\n", "", 413, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.stats(t)
			var a answer
			if strings.Contains(c.headers, "chunked") {
				a = h.chunked(t, c.target, 1_000_001)
			} else {
				a = h.ask(t, c.method, c.target, c.headers, c.body)
			}
			assert.Equal(t, c.status, a.status)
			if c.answer != "" {
				assert.JSONEq(t, c.answer, a.body)
			}
			after := h.stats(t)
			assert.Equal(t, before.RequestsRefused+1, after.RequestsRefused)
			assert.Equal(t, before.Connections, after.Connections)
			neighbour.echo(t, "afterwards")
		})
	}
	p.echo(t, "the sessions are as they were")
	s.say(t, "40")
	require.Contains(t, s.mustNext(t), `40{"sid":"`)
}

func TestMalformed_SecondWebSocket_IsClosedAndTheFirstGoesOn(t *testing.T) {
	h := serve(t, actio.Options{})
	s := h.open(t, overSocket)
	var open struct{ SID string }
	unmarshal(t, strings.TrimPrefix(s.mustNext(t), "0"), &open)
	s.say(t, "40")
	s.mustNext(t)
	second := h.open(t, overSocket+"&sid="+open.SID)
	second.raw(t, text("2probe"))
	second.gone(t)
	s.echo(t, "first")
	assert.Equal(t, uint64(1), h.stats(t).UpgradesFailed)
}

func TestMalformed_ConcurrentRequestsOfOneSession_EndIt(t *testing.T) {
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	entered, release := make(chan struct{}, 100), make(chan struct{})
	h.handle(t, "hold", func(context.Context, *actio.Socket, *actio.Event) {
		entered <- struct{}{}
		<-release
	})
	t.Cleanup(func() { close(release) })

	t.Run("two GETs", func(t *testing.T) {
		before := h.stats(t).ParseErrors
		p := h.pollConnected(t)
		one, other := h.line(t), h.line(t)
		one.send(t, http.MethodGet, p.target, "", "")
		other.send(t, http.MethodGet, p.target, "", "")
		answers := []answer{one.mustRead(t), other.mustRead(t)}
		if answers[0].status != http.StatusOK {
			answers[0], answers[1] = answers[1], answers[0]
		}
		assert.Equal(t, "1", answers[0].body)
		assert.Equal(t, http.StatusBadRequest, answers[1].status)
		p.over(t)
		assert.Equal(t, actio.ReasonTransportError, h.reasonOf(t, p.id))
		assert.Equal(t, before+1, h.stats(t).ParseErrors)
	})
	t.Run("two POSTs", func(t *testing.T) {
		before := h.stats(t).ParseErrors
		p := h.pollConnected(t)
		// More events than the inbox takes: the first POST waits for the handlers.
		one, other := h.line(t), h.line(t)
		body := strings.TrimSuffix(strings.Repeat("42[\"hold\"]\x1e", 100), "\x1e")
		one.send(t, http.MethodPost, p.target, "Content-Length: 1099\r\n", body)
		await.Value(t, entered)
		other.send(t, http.MethodPost, p.target, "Content-Length: 1\r\n", "6")
		statuses := []int{one.mustRead(t).status, other.mustRead(t).status}
		assert.Contains(t, statuses, http.StatusBadRequest)
		p.over(t)
		assert.Equal(t, before+1, h.stats(t).ParseErrors)
	})
	neighbour.echo(t, "afterwards")
}

func TestMalformed_NamespaceFlood_StaysWithinTheBound(t *testing.T) {
	h := serve(t, actio.Options{MaxNamespaces: 3})
	for _, n := range []string{"/a", "/b", "/c", "/d"} {
		_, err := h.Of(n)
		require.NoError(t, err)
	}
	neighbour, s := h.connect(t), h.connect(t)
	s.say(t, "40/a,", "40/b,", "40/c,", "40/d,")
	assert.Contains(t, s.mustNext(t), `40/a,{"sid"`)
	assert.Contains(t, s.mustNext(t), `40/b,{"sid"`)
	s.expect(t, `44/c,{"message":"Too many namespaces"}`, `44/d,{"message":"Too many namespaces"}`)

	const flood = 10_000
	before := h.stats(t)
	assert.Equal(t, uint64(2), before.NamespacesRefused)
	go func() {
		for range flood {
			if _, err := s.Write(text("40/unknown,")); err != nil {
				return
			}
		}
	}()
	for range flood {
		s.expect(t, `44/unknown,{"message":"Invalid namespace"}`)
	}
	neighbour.echo(t, "afterwards")
	after := h.stats(t)
	assert.Equal(t, before.Sockets, after.Sockets)
	assert.Equal(t, before.PacketsIn+flood+1, after.PacketsIn)
}
