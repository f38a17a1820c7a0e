package transport

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a client says that it accepts, it gets its answer, in an encoding that there is.
func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{
		"", "gzip", "gzip, deflate, br", "*;q=0", "gzip;q=0.1,deflate;q=.9", ";;,q=1;gzip=", "x-gzip;Q=1.0", "gzip;q=NaN", "gzip;q=1e999",
	} {
		f.Add(seed, "4some text")
	}
	c := &compressors{HTTPCompression: HTTPCompression{Level: 1}}
	f.Fuzz(func(t *testing.T, accept, body string) {
		encoded, encoding := c.encode([]byte(body), []string{accept})
		var r io.Reader = bytes.NewReader(encoded)
		var err error
		switch encoding {
		case encodingGzip:
			r, err = gzip.NewReader(r)
		case encodingDeflate:
			r, err = zlib.NewReader(r)
		default:
			require.Empty(t, encoding)
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, body, string(text))
	})
}

// BenchmarkEncode is what it costs to compress an answer of 4 KiB.
func BenchmarkEncode(b *testing.B) {
	c := &compressors{HTTPCompression: HTTPCompression{Level: 6, Threshold: 1024}}
	body := bytes.Repeat([]byte(`42["news",{"id":12345,"text":"something happened"}]`+"\x1e"), 80)
	accept := []string{"gzip, deflate"}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		c.encode(body, accept)
	}
}
