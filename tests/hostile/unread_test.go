package hostile

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// net/http lets an answer, or an upgrade, wait for a body that was announced, whoever announced it.
func TestGet_AnnouncesABody_IsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	for _, c := range []struct{ name, target, headers string }{
		{"handshake", path + "&transport=polling", "Content-Length: 10\r\n"},
		{"handshake, chunked", path + "&transport=polling", "Transfer-Encoding: chunked\r\n"},
		{"upgrade", overSocket, upgrade + "Content-Length: 10\r\n"},
		{"upgrade, chunked", overSocket, upgrade + "Transfer-Encoding: chunked\r\n"},
	} {
		l := h.line(t)
		_, err := io.WriteString(l, "GET "+c.target+" HTTP/1.1\r\nHost: a\r\n"+c.headers+"\r\n")
		require.NoError(t, err)
		a := l.mustRead(t)
		assert.Equal(t, http.StatusBadRequest, a.status, c.name)
		_, err = l.read()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s: the connection is closed", c.name)
	}
	neighbour.echo(t, "afterwards")
	assert.Equal(t, 1, h.stats(t).Connections)
}

// A session has one POST at a time, and so the memory for one body.
func TestPost_SecondOfASession_IsRefusedBeforeItsBodyComes(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, p := h.connect(t), h.pollConnected(t)
	const body = "Content-Length: 900000\r\n"
	first, second := h.line(t), h.line(t)
	_, err := io.WriteString(first, "POST "+p.target+" HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"+body+"\r\n")
	require.NoError(t, err)
	assert.Equal(t, http.StatusContinue, first.mustRead(t).status, "now it is awaited")
	_, err = io.WriteString(second, "POST "+p.target+" HTTP/1.1\r\nHost: a\r\n"+body+"\r\n")
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, second.mustRead(t).status)
	neighbour.echo(t, "afterwards")
}

// Its pongs wait for a client that does not read, and no login is needed.
func TestUpgrade_CandidateThatFloodsPingsAndDoesNotRead_IsGivenUp(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, p := h.connect(t), h.pollConnected(t)
	candidate := p.probe(t)
	pings := []byte(strings.Repeat(string(frame(fin|opPing, make([]byte, 125))), 500))
	var err error
	for sent := 0; err == nil && sent < 256<<20; sent += len(pings) {
		_, err = candidate.Write(pings)
	}
	require.Error(t, err, "the server has closed the websocket")
	assert.EqualValues(t, 1, h.stats(t).UpgradesFailed)
	p.echo(t, "polling goes on")
	neighbour.echo(t, "afterwards")
}
