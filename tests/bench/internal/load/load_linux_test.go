package load

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entered is what a server sends to a client that connects and authenticates.
var entered = []string{`0{"sid":"a"}`, `40{"sid":"b"}`, `42["authenticated",{}]`, `42["ping",{}]`}

// frame makes one of a server, for short texts.
func frame(text string) string { return "\x81" + string(rune(len(text))) + text }

// scripted starts a server that sends the same to each client, in pieces of so many bytes, and returns a swarm for it. It reads
// nothing but the request, and closes when it has sent everything and the client has gone, or at once.
func scripted(t *testing.T, piece int, stay bool, texts ...string) *Swarm {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			speak(conn, piece, stay, texts)
		}
	}()
	s, err := New(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		_ = listener.Close()
		<-ended
	})
	return s
}

func speak(conn net.Conn, piece int, stay bool, texts []string) {
	defer conn.Close() //nolint:errcheck // the test is about the other end
	var request strings.Builder
	for buffer := make([]byte, 1); !strings.HasSuffix(request.String(), "\r\n\r\n"); {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		request.Write(buffer)
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	for _, text := range texts {
		answer += frame(text)
	}
	for len(answer) > 0 {
		n := min(piece, len(answer))
		if _, err := io.WriteString(conn, answer[:n]); err != nil {
			return
		}
		answer = answer[n:]
	}
	if stay {
		_, _ = io.Copy(io.Discard, conn)
	}
}

func with(more ...string) []string { return append(append([]string{}, entered...), more...) }

func message(number int) string { return fmt.Sprintf(`42["m","%010d"]`, number) }

func TestEnter_AnswerInPieces_IsPutTogether(t *testing.T) {
	for _, piece := range []int{1, 7, 1 << 20} {
		s := scripted(t, piece, true, entered...)
		clients, err := s.Enter(1, WebSocket)
		require.NoError(t, err)
		require.Len(t, clients, 1)
		require.NoError(t, s.until(func() bool { return s.AppPings == 1 }, "a ping"))
	}
}

func TestEnter_ServerThatRefusesOrEnds_IsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		texts []string
		want  string
	}{
		"ends at once":         {nil, "lost its connection"},
		"ends while opening":   {entered[:1], "client 0 (connecting) lost its connection"},
		"refuses the CONNECT":  {[]string{entered[0], `44{"message":"no"}`}, `message "4{`},
		"refuses the token":    {[]string{entered[0], entered[1], `42["unauthenticated",{}]`}, "unauthenticated"},
		"speaks out of turn":   {[]string{`40{"sid":"b"}`}, "client 0 (opening)"},
		"sends an unasked ack": {with(`430[]`), "client 0 (authenticated)"},
		"sends what it is not": {with("9"), "packet"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, 1<<20, !strings.HasPrefix(name, "ends"), test.texts...)
			_, err := s.Enter(1, WebSocket)
			if err == nil {
				err = s.Idle(patience)
			}
			require.ErrorIs(t, err, ErrUnexpected)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestEnter_NobodyListens_IsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := New(listener.Addr().String())
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, listener.Close())
	_, err = s.Enter(1, WebSocket)
	require.ErrorIs(t, err, ErrUnexpected)
	_, err = New("nowhere")
	require.Error(t, err)
}

func TestCast_MessagesInOrder_AreCounted(t *testing.T) {
	s := scripted(t, 5, true, with(message(3), message(7))...)
	r, err := cast(t, s, 2)
	require.NoError(t, err)
	assert.EqualValues(t, 2, r.Deliveries)
	assert.Len(t, r.Last, 1)
	assert.Len(t, r.Each, 1)
}

func TestCast_RepeatedOrStrangeMessages_AreAnError(t *testing.T) {
	for name, texts := range map[string][]string{
		"repeated":     {message(1), message(1)},
		"out of order": {message(2), message(1)},
		"too long":     {message(1), `42["m","0000000002x"]`},
		"too many":     {message(1), message(2), message(3)},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, 1<<20, true, with(texts...)...)
			_, err := cast(t, s, 2)
			require.ErrorIs(t, err, ErrUnexpected)
		})
	}
}

// cast runs one round of n messages. Servers that are scripted send them right after the client has entered.
func cast(t *testing.T, s *Swarm, n int) (Rounds, error) {
	t.Helper()
	c := s.enter(WebSocket, Authenticated, false)
	var r Rounds
	err := s.round(Casts{Members: []*Client{c}, N: n, Size: numberDigits, Each: true}, &r)
	return r, err
}

func TestClosed_AcknowledgementOfSomethingElse_IsAnError(t *testing.T) {
	for _, ack := range []string{`431["x"]`, `430["y"]`, `430[]`, `4300["x"]`} {
		s := scripted(t, 1<<20, true, with(ack)...)
		c := s.enter(WebSocket, Authenticated, false)
		_, err := s.Closed(Requests{
			Clients: []*Client{c}, Want: []byte(`["x"]`),
			Append: func(to []byte, _ *Client, _ uint32) []byte { return append(to, `["echo","x"]`...) },
		}, time.Millisecond)
		require.ErrorIs(t, err, ErrUnexpected, ack)
	}
}

func TestQueued_TableOfTheKernel_BothEndsOnce(t *testing.T) {
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F90 0100007F:C350 01 00000100:00000000 01:00000014 00000000     0        0 2 2 0 20 4 0 10 -1\n" +
		"   1: 0100007F:1F90 0100007F:C350 01 00000100:00000000 01:00000014 00000000     0        0 2 2 0 20 4 0 10 -1\n" +
		"   2: 0100007F:C350 0100007F:1F90 01 00000000:00000010 00:00000000 00000000     0        0 3 1 0 20 4 0 10 -1\n" +
		"   3: 0200007F:C350 0100007F:1F90 01 00000000:0000FFFF 00:00000000 00000000     0        0 4 1 0 20 4 0 10 -1\n"
	server, client := netip.MustParseAddrPort("127.0.0.1:8080"), netip.MustParseAddrPort("127.0.0.1:50000")
	held, err := queued([]byte(table), client, server)
	require.NoError(t, err)
	assert.Equal(t, 0x110, held)
	_, err = queued([]byte(table), netip.MustParseAddrPort("127.0.0.1:50001"), server)
	require.ErrorIs(t, err, ErrUnexpected)
	_, err = queued([]byte(strings.ReplaceAll(table, "00000100:", "x:")), client, server)
	require.ErrorIs(t, err, ErrUnexpected)
}
