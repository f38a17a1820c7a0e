package wire

import (
	"bytes"
	"compress/flate"
	"sync"
)

// DefaultDeflateThreshold is the size in bytes below which messages are not compressed, as with Node.js.
const DefaultDeflateThreshold = 1024

// Deflater compresses websocket messages for permessage-deflate (RFC 7692) without context takeover: each message for
// itself, so that one result serves all receivers. It is safe for concurrent use. A compressor holds up to 1.2 MB and is
// kept for reuse until the garbage collector takes it; there are as many as there are compressions at one time.
type Deflater struct {
	level       int
	threshold   int
	compressors sync.Pool
}

// NewDeflater returns a Deflater with a level of compress/flate, from 1 (fastest) to 9 (smallest), which compresses
// messages of at least threshold bytes. Any other level means 1. A threshold of 0 means DefaultDeflateThreshold, a
// negative one compresses everything.
func NewDeflater(level, threshold int) *Deflater {
	if level < flate.BestSpeed || level > flate.BestCompression {
		level = flate.BestSpeed
	}
	if threshold == 0 {
		threshold = DefaultDeflateThreshold
	}
	return &Deflater{level: level, threshold: threshold}
}

// Threshold returns the size in bytes below which messages are not compressed.
func (d *Deflater) Threshold() int { return max(d.threshold, 0) }

// frames returns frames with the messages compressed for which it pays, or frames itself if there are none.
func (d *Deflater) frames(frames []byte) []byte {
	if len(frames) < d.threshold {
		return frames
	}
	c := d.compressor()
	defer d.release(c)
	var out []byte
	done := 0 // bytes of frames that are in out
	for rest := frames; len(rest) > 0; {
		start := len(frames) - len(rest)
		var op Opcode
		var payload []byte
		op, payload, rest = cutFrame(rest)
		if len(payload) < d.threshold || len(payload) == 0 {
			continue
		}
		small, ok := c.compress(payload)
		if !ok || len(small) >= len(payload) {
			continue
		}
		out = append(out, frames[done:start]...)
		out = append(AppendFrameHeader(out, true, true, op, len(small)), small...)
		done = len(frames) - len(rest)
	}
	if done == 0 {
		return frames
	}
	return append(out, frames[done:]...)
}

func (d *Deflater) compressor() *compressor {
	if c, ok := d.compressors.Get().(*compressor); ok {
		return c
	}
	c := &compressor{}
	c.writer, _ = flate.NewWriter(&c.out, d.level) // NewDeflater has checked the level
	return c
}

func (d *Deflater) release(c *compressor) {
	if c.out.Cap() > keptBytes {
		c.out = bytes.Buffer{}
	}
	d.compressors.Put(c)
}

// compressor compresses one message at a time.
type compressor struct {
	writer *flate.Writer
	out    bytes.Buffer
}

// compress returns the compressed message, which is valid until the next call.
func (c *compressor) compress(message []byte) ([]byte, bool) {
	c.out.Reset()
	c.writer.Reset(&c.out)
	if _, err := c.writer.Write(message); err != nil {
		return nil, false
	}
	if err := c.writer.Flush(); err != nil {
		return nil, false
	}
	// A flush ends with an empty stored block, of which a message leaves out the last four bytes (RFC 7692, 7.2.1).
	return bytes.CutSuffix(c.out.Bytes(), []byte{0x00, 0x00, 0xff, 0xff})
}
