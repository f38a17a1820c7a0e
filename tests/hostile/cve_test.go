package hostile

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// ended proves that a client was disconnected for a breach and that its neighbour was not.
func ended(t *testing.T, h *host, s, neighbour *socket, code uint16, r actio.Reason) {
	t.Helper()
	assert.Equal(t, code, s.end(t))
	assert.Equal(t, r, h.reasonOf(t, s.id))
	assert.Equal(t, uint64(1), h.stats(t).ParseErrors)
	neighbour.echo(t, "afterwards")
}

// A parser that joined its input byte by byte took memory and time without measure for one long packet.
func TestCVE_2020_36049_LongPacket_CostsWhatItWeighs(t *testing.T) {
	t.Parallel()
	for _, long := range []string{
		"42" + strings.Repeat("1", 900_000), "45" + strings.Repeat("1", 900_000), "40/" + strings.Repeat("n", 900_000),
		`42["` + strings.Repeat("x", 900_000), strings.Repeat("4", 900_000),
	} {
		t.Run(fmt.Sprintf("%.4s", long), func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{})
			neighbour, s := h.connect(t), h.connect(t)
			start := time.Now()
			s.say(t, long)
			ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
			assert.Less(t, time.Since(start), 10*time.Second)
		})
	}
}

// A placeholder's num that is no index reached into the prototype of the array of attachments.
func TestCVE_2022_2421_PlaceholderThatIsNoIndex_EndsTheSession(t *testing.T) {
	t.Parallel()
	for _, num := range []string{`"splice"`, "1", "-1", "0.5", "1e0", "null", "{}", "[0]", `"0"`, "99999999999999999999", "true"} {
		t.Run(num, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{})
			neighbour, s := h.connect(t), h.connect(t)
			s.say(t, `451-["echo",{"_placeholder":true,"num":`+num+"}]")
			s.raw(t, bytesOf("a"))
			ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
		})
	}
}

// An event whose name was an object threw in the server's process.
func TestCVE_2023_32695_EventNameThatIsNone_EndsTheSession(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`{"toString":"foo"}`, "{}", "[]", "null", "true", placeholder} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{})
			neighbour, s := h.connect(t), h.connect(t)
			s.say(t, "42["+name+"]")
			ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
		})
	}
}

// An event called "error" killed a process that had no listener for it.
func TestCVE_2024_38355_EventCalledError_IsAnEventLikeOthers(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	s := h.connect(t)
	s.say(t, `42["error"]`, `42["error","text",{"stack":"x"}]`, `42["uncaughtException"]`, `42["__proto__",1]`, `42["constructor"]`)
	s.echo(t, "still here")
	assert.Equal(t, uint64(5), h.stats(t).EventsUnhandled)
}

// The number of attachments was not bounded: each announced one was awaited, and those that came were kept.
func TestCVE_2026_33151_UnboundedAttachments_AreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, count := range []string{"11", "1000000", "4294967297", strings.Repeat("9", 400)} {
		t.Run(fmt.Sprintf("%.8s", count), func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{})
			neighbour, s := h.connect(t), h.connect(t)
			s.say(t, "45"+count+`-["echo",`+placeholder+"]")
			ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
		})
	}
}

// The same in acknowledgements; and ten, which is the limit of the official clients, are welcome.
func TestCVE_2026_69185_AttachmentsOfAnAcknowledgement_AreBoundedToo(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, s := h.connect(t), h.connect(t)
	s.say(t, `4510-["ask",`+strings.TrimSuffix(strings.Repeat(placeholder+",", 10), ",")+"]")
	for range 10 {
		s.raw(t, bytesOf("a"))
	}
	s.echo(t, "ten are welcome")
	s.say(t, "4611-7["+placeholder+"]")
	ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
}

// The same again over polling, where attachments are base64 in one body: what comes before a bad count is not kept.
func TestCVE_2026_48804_AttachmentsOverPolling_AreBoundedToo(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, p := h.connect(t), h.pollConnected(t)
	a := p.tell(t, `451000-["echo",`+placeholder+"]"+strings.Repeat("\x1ebAAAA", 1000))
	assert.Equal(t, http.StatusBadRequest, a.status)
	p.over(t)
	assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, p.id))
	neighbour.echo(t, "afterwards")
}

// A websocket frame with reserved bits threw in the server's process: for a session's websocket as well as for one that
// was to be refused.
func TestCVE_2022_21676_FrameWithReservedBits_EndsThatSessionOnly(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, s := h.connect(t), h.connect(t)
	s.raw(t, frame(fin|0x70|opText, []byte("3")))
	ended(t, h, s, neighbour, 1002, actio.ReasonParseError)
	for _, target := range []string{overSocket + "&sid=none", "/io/?EIO=3&transport=websocket", path + "&transport=none"} {
		l := h.line(t)
		_, err := l.Write(append([]byte(request(http.MethodGet, target, upgrade, "")), frame(fin|0x70|opText, []byte("3"))...))
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadRequest, l.mustRead(t).status)
	}
	p := h.pollConnected(t)
	candidate := p.probe(t)
	candidate.raw(t, frame(fin|0x70|opText, []byte("2probe")))
	candidate.gone(t)
	p.echo(t, "polling goes on")
	neighbour.echo(t, "afterwards")
}

// A client that reset its connection in the middle of a handshake threw in the server's process.
func TestCVE_2022_41940_ResetDuringTheHandshake_HarmsNobody(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, p := h.connect(t), h.pollConnected(t)
	for range 20 {
		for _, target := range []string{overSocket, overSocket + "&sid=none", strings.Replace(p.target, "polling", "websocket", 1)} {
			for _, bytes := range []int{20, len(request(http.MethodGet, target, upgrade, ""))} {
				conn := h.dial(t)
				_, err := conn.Write([]byte(request(http.MethodGet, target, upgrade, "")[:bytes]))
				require.NoError(t, err)
				reset(t, conn)
			}
		}
		neighbour.echo(t, "meanwhile")
	}
	p.echo(t, "polling goes on")
}

// reset closes a connection such that its peer gets a RST.
func reset(t *testing.T, conn net.Conn) {
	t.Helper()
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, tcp.SetLinger(0))
	require.NoError(t, tcp.Close())
}

// A binary body, which revision 4 of the protocol does not have, threw in the server's process.
func TestCVE_2026_59725_BinaryBody_EndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	for _, kind := range []string{"application/octet-stream", "Application/Octet-Stream; x=y"} {
		for _, body := range []string{"\x00\x04\xff4", "\x01\xff", "\xff\xff\xff\xff"} {
			p := h.pollConnected(t)
			a := h.ask(t, http.MethodPost, p.target, "Content-Type: "+kind+"\r\n", body)
			assert.Equal(t, http.StatusBadRequest, a.status)
			p.over(t)
			assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, p.id))
			neighbour.echo(t, "afterwards")
		}
	}
	assert.Equal(t, uint64(6), h.stats(t).ParseErrors)
}
