package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

func TestAllowEIO3_Handshake_TellsHowTheClientSpeaks(t *testing.T) {
	s := newSessions()
	srv := serveTCP(t, transport.Config{AllowEIO3: true}, s)
	for query, want := range map[string]struct{ revision3, onlyText bool }{
		"EIO=4":       {false, false},
		"EIO=4&b64=1": {false, false},
		"EIO=4&j=0":   {false, false},
		"EIO=3":       {true, false},
		"EIO=3&b64=1": {true, true},
		"EIO=3&b64=":  {true, false},
		"EIO=5":       {true, false},
		"EIO=2&b64=1": {true, true},
		"EIO=33":      {true, false},
		"EIO=04":      {true, false},
		"EIO=":        {true, false},
		"eio=4":       {true, false},
	} {
		require.Equal(t, http.StatusOK, srv.do(t, "GET", "/io/?transport=polling&"+query, "").status, query)
		h := receive(t, s.handshake)
		assert.Equal(t, want.revision3, h.Revision3, query)
		assert.Equal(t, want.onlyText, h.OnlyText, query)
		srv.dialWebSocket(t, "/io/?transport=websocket&"+query, nil)
		ws := receive(t, s.sockets)
		h = receive(t, s.handshake)
		assert.Equal(t, want.revision3, h.Revision3, query)
		assert.Equal(t, want.onlyText, h.OnlyText, query)
		if want.revision3 {
			assert.Equal(t, want.onlyText, ws.OnlyText(), query)
		}
		ws.Abort()
	}
	for _, query := range []string{"EIO=3&j=0", "EIO=3&EIO=4&j=0", "EIO=5&j=1", "j=0"} {
		got := srv.do(t, "GET", "/io/?transport=polling&"+query, "")
		assert.Equal(t, http.StatusBadRequest, got.status, query)
		assert.JSONEq(t, `{"code":3,"message":"JSONP is not supported"}`, got.body, query)
	}
}

func TestPost_OfRevision3_IsReadInItsForms(t *testing.T) {
	srv, known := postServer(t, transport.Config{AllowEIO3: true, MaxPackets: 3})
	known.old = true
	for _, test := range []struct {
		name, body, contentType string
		packets                 int
		err                     error
	}{
		{"lengths in bytes", "3:4é1:2", "text/plain;charset=UTF-8", 1, wire.ErrLength},
		{"text in UTF-16", "2:4é1:2", "text/plain;charset=UTF-8", 2, nil},
		{"no content type", "1:2", "", 1, nil},
		{"binary", "\x00\x02\xff4x\x01\x02\xff\x04\x00", "application/octet-stream", 2, nil},
		{"text as binary", "1:2", "application/octet-stream", 0, wire.ErrLength},
		{"empty", "", "text/plain", 0, wire.ErrLength},
		{"too many packets", "1:21:21:21:2", "text/plain", 3, transport.ErrTooManyPackets},
	} {
		srv.do(t, "POST", postTarget, test.body, "Content-Type", test.contentType)
		p := receive(t, known.posts)
		if test.err == nil {
			require.NoError(t, p.Err, test.name)
		} else {
			require.ErrorIs(t, p.Err, test.err, test.name)
		}
		assert.Len(t, p.Packets, test.packets, test.name)
	}
}

func TestPoll_AnsweredInBinary_SaysSo(t *testing.T) {
	known := newSession()
	s := newSessions()
	s.known["here"] = known
	srv := serveTCP(t, transport.Config{AllowEIO3: true}, s)
	go func() { (<-known.polls).RespondBinary([]byte{0, 1, 255, '2'}) }()
	got := srv.do(t, "GET", "/io/?EIO=3&transport=polling&sid=here", "")
	assert.Equal(t, "application/octet-stream", got.header.Get("Content-Type"))
	assert.Equal(t, "\x00\x01\xff2", got.body)
}
