package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzQueryValue(f *testing.F) {
	for _, q := range []string{
		"EIO=4&transport=polling&sid=abc", "sid=%41%2", "a&sid", "sid=&sid=b", "s%69d=x+y", "sid=a;b&sid=c", "=&&=sid", "sid=a=b",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		for _, key := range []string{"sid", "EIO", "transport"} {
			assert.Equal(t, values.Get(key), queryValue(query, key))
		}
	})
}

func FuzzOriginList(f *testing.F) {
	for _, s := range []string{"https://a.test", "https://*.a.test:*", "null", "*", "http://[::1]:80", "x://", "https://a.test:443"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, pattern, origin string) {
		if _, err := parseOrigin(pattern); err != nil || pattern == "*" {
			return
		}
		l := newOriginList([]string{pattern})
		if l.has(origin) && origin != "null" {
			u, err := url.Parse(origin)
			require.NoError(t, err)
			require.NotEmpty(t, u.Host)
		}
	})
}

func TestHandshake_HostileHeaders_SurvivePacking(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/io/?a=1&b=%zz", nil)
	r.Header = http.Header{
		"X-Colon": {"a: b", ""}, "X-Spaces": {"  padded  "}, "X-Bad": {"line\nbreak", "fine"}, "X:Y": {"name"}, "X-Latin": {"\xe9"},
	}
	h := NewHandshake(r, WebSocketKind)
	assert.Equal(t, http.Header{
		"X-Colon": {"a: b", ""}, "X-Spaces": {"  padded  "}, "X-Bad": {"fine"}, "X-Latin": {"\xe9"},
	}, h.Header())
	assert.Equal(t, "1", h.Query().Get("a"))
	assert.Equal(t, "websocket", h.Kind.String())
	assert.NotNil(t, (&Handshake{}).URL())
	assert.Empty(t, (&Handshake{}).Header())
}

func TestErrors_Helpers_ClassifyConnectionErrors(t *testing.T) {
	for _, err := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, io.ErrClosedPipe} {
		assert.True(t, IsReset(fmt.Errorf("read: %w", err)))
		assert.False(t, IsTimeout(err))
	}
	assert.True(t, IsTimeout(fmt.Errorf("write: %w", os.ErrDeadlineExceeded)))
	assert.False(t, IsReset(os.ErrDeadlineExceeded))
	assert.False(t, IsTimeout(nil))
	assert.False(t, IsReset(nil))
	err := error(&CloseError{Code: 1001, Reason: "secret"})
	assert.ErrorIs(t, err, ErrPeerClosed)
	assert.NotContains(t, err.Error(), "secret")
}

func TestRefusal_AnyError_HasAnAnswer(t *testing.T) {
	assert.Equal(t, 503, refusal(fmt.Errorf("x: %w", ErrDraining), internal()).Status)
	assert.Equal(t, 500, refusal(errors.New("x"), internal()).Status)
	assert.Equal(t, 403, refusal((*Error)(nil), Forbidden("")).Status)
	assert.Equal(t, 403, refusal(nil, Forbidden("")).Status)
}
