package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

const pollTarget = "/io/?EIO=4&transport=polling"

// inBackground runs a request.
func inBackground(t *testing.T, request func() answer) <-chan answer {
	t.Helper()
	ch := make(chan answer, 1)
	go func() { ch <- request() }()
	return ch
}

func TestPoll_Handshake_OpensASession(t *testing.T) {
	s := newSessions()
	got := serveTCP(t, transport.Config{}, s).do(t, "GET", "/io/?EIO=4&transport=polling&token=a%20b", "",
		"X-One", "1", "X-One", "2", "Origin", "https://a.test")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "0{}", got.body)
	assert.Equal(t, "text/plain; charset=UTF-8", got.header.Get("Content-Type"))
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))

	h := receive(t, s.handshake)
	assert.Equal(t, transport.Polling, h.Kind)
	assert.Equal(t, "polling", h.Kind.String())
	assert.Equal(t, "example.test", h.Host)
	assert.Equal(t, "/io/", h.URL().Path)
	assert.Equal(t, "a b", h.Query().Get("token"))
	assert.Equal(t, []string{"1", "2"}, h.Header().Values("X-One"))
	assert.True(t, h.XDomain)
	assert.False(t, h.Secure)
	assert.Contains(t, h.RemoteAddr, "127.0.0.1:")
	assert.WithinDuration(t, time.Now(), h.Issued, time.Minute)
	h.Header().Set("X-One", "changed")
	assert.Equal(t, "1", h.Header().Get("X-One"), "each call has a map of its own")
}

func TestPoll_SecondAnswer_IsIgnored(t *testing.T) {
	for _, m := range media() {
		t.Run(m.name, func(t *testing.T) {
			s, known := newSessions(), newSession()
			s.known["here"] = known
			srv := serve(t, m, transport.Config{}, s)
			got := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "") })
			p := receive(t, known.polls)
			assert.True(t, p.Respond([]byte("4first")))
			assert.False(t, p.Respond([]byte("4second")))
			assert.False(t, p.Reject(transport.BadRequest()))
			assert.Equal(t, "4first", receive(t, got).body)
			assert.Empty(t, known.aborted)
		})
	}
}

func TestPoll_Reject_AnswersTheRefusal(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{}, s)
	got := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "") })
	p := receive(t, known.polls)
	assert.True(t, p.Reject(nil))
	assert.False(t, p.Respond([]byte("4late")))
	a := receive(t, got)
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.JSONEq(t, bodyBadRequest, a.body)
}

func TestPoll_ClientLeaves_AbortIsTold(t *testing.T) {
	for _, m := range media() {
		t.Run(m.name, func(t *testing.T) {
			s, known := newSessions(), newSession()
			s.known["here"] = known
			srv := serve(t, m, transport.Config{}, s)
			conn, err := srv.dial(t.Context())
			require.NoError(t, err)
			_, err = io.WriteString(conn, "GET "+pollTarget+"&sid=here HTTP/1.1\r\nHost: a\r\n\r\n")
			require.NoError(t, err)
			p := receive(t, known.polls)
			require.NoError(t, conn.Close())
			assert.Same(t, p, receive(t, known.aborted))
			assert.False(t, p.Respond([]byte("4late")), "the session learns that this was not delivered")
			body, refusal := p.Answer()
			assert.Nil(t, body)
			assert.Nil(t, refusal)
		})
	}
}

func TestPoll_ServerTimeouts_DoNotEndAWait(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{}, s, func(srv *http.Server) {
		srv.ReadTimeout, srv.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	got := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "") })
	p := receive(t, known.polls)
	select {
	case <-known.aborted:
		require.Fail(t, "the server's read timeout aborted the poll")
	case <-time.After(250 * time.Millisecond):
	}
	p.Respond([]byte("4late but there"))
	assert.Equal(t, "4late but there", receive(t, got).body)
}

func TestPoll_KeptConnection_ServesManyPollsPastTheAnswerTimeout(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{AnswerTimeout: 50 * time.Millisecond}, s)
	conn, err := srv.dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for i := range 3 {
		_, err = io.WriteString(conn, "GET "+pollTarget+"&sid=here HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		p := receive(t, known.polls)
		select { // longer than the deadline that the answer before had
		case <-known.aborted:
			require.Fail(t, "aborted")
		case <-time.After(80 * time.Millisecond):
		}
		p.Respond(fmt.Appendf(nil, "4%d", i))
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("4%d", i), string(body))
	}
}

func TestPoll_ClientReadsNothing_AnswerTimesOutAsAborted(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serve(t, media()[2], transport.Config{AnswerTimeout: 50 * time.Millisecond}, s) // a pipe buffers nothing
	conn, err := srv.dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET "+pollTarget+"&sid=here HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	p := receive(t, known.polls)
	assert.True(t, p.Respond([]byte(strings.Repeat("x", 100_000))))
	assert.Same(t, p, receive(t, known.aborted))
}

func TestPoll_OverTheLimit_Answers503(t *testing.T) {
	s, known := newSessions(), newSession()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{MaxConcurrentPolls: 1}, s)
	first := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "") })
	p := receive(t, known.polls)
	for _, target := range []string{pollTarget, pollTarget + "&sid=here"} {
		got := srv.do(t, "GET", target, "")
		assert.Equal(t, http.StatusServiceUnavailable, got.status)
		assert.Equal(t, "1", got.header.Get("Retry-After"))
	}
	p.Respond(nil)
	assert.Equal(t, http.StatusOK, receive(t, first).status)
	assert.Equal(t, "0{}", srv.do(t, "GET", pollTarget, "").body, "there is room again")
}

func TestPoll_ZeroValue_CanBeAnsweredInTests(t *testing.T) {
	var p transport.Poll
	require.True(t, p.Respond([]byte("6")))
	<-p.Answered()
	body, refusal := p.Answer()
	assert.Equal(t, "6", string(body))
	assert.Nil(t, refusal)

	q := &transport.Poll{}
	done := q.Answered()
	require.True(t, q.Reject(transport.UnknownSID()))
	<-done
	_, refusal = q.Answer()
	assert.Equal(t, 1, refusal.Code)
	assert.ErrorContains(t, refusal, "Session ID unknown")
}

func TestPoll_ConcurrentAnswers_ExactlyOneCounts(t *testing.T) {
	for range 100 {
		p := &transport.Poll{}
		taken := make(chan bool, 8)
		for i := range 8 {
			go func() { taken <- p.Respond([]byte{byte(i)}) }()
		}
		count := 0
		for range 8 {
			if receive(t, taken) {
				count++
			}
		}
		require.Equal(t, 1, count)
	}
}

var _ transport.Session = (*session)(nil)

func TestSessions_FindBlocks_EndsWithTheClient(t *testing.T) {
	finding, ended := make(chan struct{}), make(chan struct{})
	srv := serveTCP(t, transport.Config{}, finder{newSessions(), func(ctx context.Context) {
		close(finding)
		<-ctx.Done()
		close(ended)
	}})
	conn, err := srv.dial(t.Context())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET "+pollTarget+"&sid=here HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	receive(t, finding)
	require.NoError(t, conn.Close())
	receive(t, ended)
}

type finder struct {
	*sessions
	find func(ctx context.Context)
}

func (f finder) Find(ctx context.Context, _ string) (transport.Session, bool) {
	f.find(ctx)
	return nil, false
}
