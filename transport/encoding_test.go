package transport_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

// polledAs polls a session for an answer of some bytes.
func polledAs(t *testing.T, c transport.Config, body, accept string) answer {
	t.Helper()
	s := newSessions()
	known := newSession()
	s.known["here"] = known
	srv := serveTCP(t, c, s)
	polled := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "", "Accept-Encoding", accept) })
	receive(t, known.polls).Respond([]byte(body))
	return receive(t, polled)
}

func unpack(t *testing.T, a answer) string {
	t.Helper()
	var r io.Reader
	var err error
	switch a.header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(strings.NewReader(a.body))
	case "deflate":
		r, err = zlib.NewReader(strings.NewReader(a.body))
	default:
		return a.body
	}
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func TestHTTPCompression_ClientAccepts_GetsItsEncoding(t *testing.T) {
	c := transport.Config{HTTPCompression: &transport.HTTPCompression{Level: 6, Threshold: 1024}}
	large, small := "4"+strings.Repeat("x", 1023), "4"+strings.Repeat("x", 1022)
	for _, test := range []struct{ accept, encoding string }{
		{"gzip, deflate, br", "gzip"},
		{"deflate", "deflate"},
		{"deflate, gzip", "gzip"},
		{"gzip;q=0.1, deflate;q=0.5", "deflate"},
		{"GZIP ; Q=1", "gzip"},
		{"gzip;q=0, deflate;q=0", ""},
		{"gzip;q=nonsense", ""},
		{"gzip;q=2", ""},
		{"*", "gzip"},
		{"*;q=0.1, gzip;q=0", "deflate"},
		{"br, identity", ""},
		{"", ""},
	} {
		t.Run(test.accept, func(t *testing.T) {
			got := polledAs(t, c, large, test.accept)
			assert.Equal(t, test.encoding, got.header.Get("Content-Encoding"))
			assert.Equal(t, large, unpack(t, got))
			assert.Equal(t, test.encoding != "", len(got.body) < len(large))
			assert.Equal(t, small, polledAs(t, c, small, test.accept).body, "below the threshold")
			assert.Equal(t, large, polledAs(t, transport.Config{}, large, test.accept).body, "switched off")
		})
	}
}

func TestHTTPCompression_OneAfterTheOther_AreIndependent(t *testing.T) {
	c := transport.Config{HTTPCompression: &transport.HTTPCompression{Level: 1}}
	s := newSessions()
	known := newSession()
	s.known["here"] = known
	srv := serveTCP(t, c, s)
	for _, body := range []string{"4a", "4" + strings.Repeat("b", 5000), "4c", string(bytes.Repeat([]byte("4d\x1e"), 1000))} {
		for _, accept := range []string{"gzip", "deflate"} {
			polled := inBackground(t, func() answer { return srv.do(t, "GET", pollTarget+"&sid=here", "", "Accept-Encoding", accept) })
			receive(t, known.polls).Respond([]byte(body))
			got := receive(t, polled)
			assert.Equal(t, accept, got.header.Get("Content-Encoding"))
			assert.Equal(t, body, unpack(t, got))
		}
	}
}
