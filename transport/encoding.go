package transport

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strconv"
	"strings"
	"sync"
)

// HTTPCompression compresses the answers of polls for clients that accept gzip or deflate.
type HTTPCompression struct {
	Level     int // as in compress/flate, 1 to 9
	Threshold int // answers with fewer bytes stay as they are
}

// compressor is one that can be used again: a gzip.Writer or a zlib.Writer.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// compressors are those of one handler.
type compressors struct {
	HTTPCompression

	gzip, deflate sync.Pool // of compressor
}

// encode gives the answer as a client wants it. The encoding is empty when the answer stays as it is.
func (c *compressors) encode(body []byte, accept []string) (encoded []byte, encoding string) {
	if c == nil || len(body) < c.Threshold {
		return body, ""
	}
	encoding = preferred(accept)
	var pool *sync.Pool
	switch encoding {
	case encodingGzip:
		pool = &c.gzip
	case encodingDeflate:
		pool = &c.deflate
	default:
		return body, ""
	}
	w, ok := pool.Get().(compressor)
	if !ok {
		w = c.make(encoding)
	}
	defer func() {
		w.Reset(nil) // a pooled one holds no answer
		pool.Put(w)
	}()
	room := bytes.NewBuffer(make([]byte, 0, len(body)/2))
	w.Reset(room)
	if _, err := w.Write(body); err != nil { // memory does not fail
		return body, ""
	}
	if err := w.Close(); err != nil {
		return body, ""
	}
	return room.Bytes(), encoding
}

// make makes a compressor. Its level was checked.
func (c *compressors) make(encoding string) compressor {
	if encoding == encodingGzip {
		w, _ := gzip.NewWriterLevel(nil, c.Level)
		return w
	}
	w, _ := zlib.NewWriterLevel(nil, c.Level)
	return w
}

const (
	encodingGzip    = "gzip"
	encodingDeflate = "deflate" // which is the format of zlib, not of deflate
)

// preferred is the encoding that an Accept-Encoding header likes best, gzip if it likes both: empty when it likes neither.
func preferred(accept []string) string {
	gzipped, deflated, others := -1.0, -1.0, -1.0
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			q := quality(parameters)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case encodingGzip, "x-gzip":
				gzipped = q
			case encodingDeflate:
				deflated = q
			case "*":
				others = q
			}
		}
	}
	if gzipped < 0 {
		gzipped = others
	}
	if deflated < 0 {
		deflated = others
	}
	switch {
	case gzipped > 0 && gzipped >= deflated:
		return encodingGzip
	case deflated > 0:
		return encodingDeflate
	default:
		return ""
	}
}

// quality reads the weight of an item; one that cannot be read is none.
func quality(parameters string) float64 {
	name, value, ok := strings.Cut(parameters, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}
