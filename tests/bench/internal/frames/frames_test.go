package frames_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/tests/bench/internal/frames"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const limit = 1 << 20

// ofServer makes an unmasked frame.
func ofServer(payload string) []byte {
	frame := frames.Append(nil, frames.Text, []byte(payload))
	header := len(frame) - len(payload) - 4
	frame[1] &^= 0x80
	return append(frame[:header:header], payload...)
}

func TestNext_WholeFrames_AreCutOff(t *testing.T) {
	for name, payload := range map[string]string{
		"empty": "", "short": "2", "125 bytes": strings.Repeat("x", 125), "126 bytes": strings.Repeat("x", 126),
		"64 KiB less one": strings.Repeat("x", 0xffff), "64 KiB": strings.Repeat("x", 0x10000),
	} {
		t.Run(name, func(t *testing.T) {
			data := ofServer(payload)
			f, err := frames.Next(append(data, 0x81), limit)
			require.NoError(t, err)
			assert.Equal(t, frames.Frame{Opcode: frames.Text, Payload: []byte(payload), Size: len(data)}, f)
		})
	}
}

func TestNext_BeginningOfAFrame_WaitsForMore(t *testing.T) {
	for _, payload := range []string{"hello", strings.Repeat("x", 126), strings.Repeat("x", 0x10000)} {
		data := ofServer(payload)
		for _, n := range []int{0, 1, 2, 3, 4, 9, len(data) - 1} {
			f, err := frames.Next(data[:min(n, len(data)-1)], limit)
			require.NoError(t, err)
			assert.Zero(t, f.Size)
		}
	}
}

func TestNext_WhatNoPeerSends_IsMalformed(t *testing.T) {
	for name, data := range map[string][]byte{
		"in parts":      {0x01, 0x01, 'x'},
		"compressed":    {0xc1, 0x01, 'x'},
		"masked":        {0x81, 0x81, 0, 0, 0, 0, 'x'},
		"a rest":        {0x80, 0x01, 'x'},
		"unknown":       {0x83, 0x01, 'x'},
		"too long":      {0x81, 126, 0x04, 0x01},
		"far too long":  {0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0},
		"negative long": {0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := frames.Next(data, 1024)
			require.ErrorIs(t, err, frames.ErrMalformed)
		})
	}
}

func TestNextResponse_WholeResponses_AreCutOff(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		want frames.Response
	}{
		"with a body":   {"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nok", frames.Response{Status: 200, Body: []byte("ok"), Size: 46}},
		"without":       {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", frames.Response{Status: 200, Body: []byte{}, Size: 37}},
		"of an upgrade": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", frames.Response{Status: 101, Body: []byte{}, Size: 56}},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range len(test.data) {
				r, err := frames.NextResponse([]byte(test.data[:n]), limit)
				require.NoError(t, err)
				require.Zero(t, r.Size)
			}
			r, err := frames.NextResponse([]byte(test.data+"HTTP"), limit)
			require.NoError(t, err)
			assert.Equal(t, test.want, r)
		})
	}
}

func TestNextResponse_Error_HasWhatHasCome(t *testing.T) {
	const text = "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n{"
	r, err := frames.NextResponse([]byte(text), limit)
	require.NoError(t, err)
	assert.Equal(t, frames.Response{Status: 400, Body: []byte("1f\r\n{"), Size: len(text)}, r)
}

func TestNextResponse_WhatNoPeerSends_IsMalformed(t *testing.T) {
	for name, data := range map[string]string{
		"no response":     "GET / HTTP/1.1\r\n\r\n",
		"no status":       "HTTP/1.1\r\n\r\n",
		"odd status":      "HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n",
		"other protocol":  "HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
		"no length":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"no number":       "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"too long":        "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n",
		"endless headers": strings.Repeat("A: b\r\n", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := frames.NextResponse([]byte(data), limit)
			require.ErrorIs(t, err, frames.ErrMalformed)
		})
	}
}

// FuzzNext checks that nothing panics, that what is cut off was there, and that what has come is not changed by what follows.
func FuzzNext(f *testing.F) {
	f.Add([]byte("\x81\x05hello"))
	f.Add([]byte("\x81\x7e\x00\x80" + strings.Repeat("x", 128)))
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"))
	f.Add([]byte("\x89\x00\x88\x02\x03\xe8"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x010"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if frame, err := frames.Next(data, limit); err == nil && frame.Size > 0 {
			require.True(t, bytes.HasSuffix(data[:frame.Size], frame.Payload))
			again, err := frames.Next(data[:frame.Size], limit)
			require.NoError(t, err)
			require.Equal(t, frame, again)
		}
		if response, err := frames.NextResponse(data, limit); err == nil && response.Size > 0 {
			require.True(t, bytes.HasSuffix(data[:response.Size], response.Body))
			again, err := frames.NextResponse(data[:response.Size], limit)
			require.NoError(t, err)
			require.Equal(t, response, again)
		}
	})
}
