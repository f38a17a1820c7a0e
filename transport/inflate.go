package transport

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
)

// deflateTail is what a compressed message leaves out (RFC 7692, section 7.2.2), and an empty last block, by which the end of
// the message is told from a message that breaks off.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflater decompresses one message at a time. It holds a window of 32 KiB.
type inflater struct {
	source bytes.Reader
	reader io.ReadCloser
}

// inflate decompresses a message, at most as many bytes as a message may have.
func (ws *WebSocket) inflate(packed []byte) ([]byte, error) {
	f, ok := ws.shared.inflaters.Get().(*inflater)
	if !ok {
		f = &inflater{}
		f.reader = flate.NewReader(&f.source)
	}
	defer func() {
		f.source.Reset(nil)
		ws.shared.inflaters.Put(f)
	}()
	f.source.Reset(append(packed, deflateTail...))
	if err := f.reader.(flate.Resetter).Reset(&f.source, nil); err != nil {
		return nil, ws.violated(err.Error())
	}
	var data []byte
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, max(len(data), readChunk))
		}
		n, err := f.reader.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case len(data) > ws.shared.maxPayload:
			return nil, ws.tooBig()
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, ws.violated(err.Error())
		}
	}
}
