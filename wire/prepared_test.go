package wire_test

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func TestPrepareEngine_AnyPackets_AllFormsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		packets := rapid.SliceOfN(rapid.Custom(enginePacket), 1, 5).Draw(rt, "packets")
		p := wire.PrepareEngine(packets...)
		assert.Equal(rt, len(p.WebSocket()), p.Size())
		assert.Equal(rt, len(p.WebSocket()), cap(p.WebSocket()), "one exact buffer")
		assert.Equal(rt, string(wire.AppendPayload(nil, packets...)), string(p.AppendPayload(nil)))
		assert.Equal(rt, p.PayloadSize(), len(p.AppendPayload([]byte("x")))-1)

		got, frames := slices.Collect(p.Packets()), readFrames(t, p.WebSocket())
		require.Len(rt, got, len(packets))
		require.Len(rt, frames, len(packets))
		for i, want := range packets {
			assert.Equal(rt, want.Type, got[i].Type)
			assert.Equal(rt, want.Binary, got[i].Binary)
			assert.Equal(rt, string(want.Data), string(got[i].Data))
			if want.Binary {
				assert.Equal(rt, wire.Binary, frames[i].op)
				assert.Equal(rt, string(want.Data), string(frames[i].payload))
			} else {
				assert.Equal(rt, wire.Text, frames[i].op)
				assert.Equal(rt, string(wire.AppendEngineText(nil, want)), string(frames[i].payload))
			}
		}
	})
}

func TestPrepareEngine_LargePackets_FramesReadBack(t *testing.T) {
	for _, size := range []int{124, 125, 126, 65534, 65535, 65536, 200_000} {
		text := wire.EnginePacket{Type: wire.EngineMessage, Data: bytes.Repeat([]byte("t"), size)}
		raw := wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: bytes.Repeat([]byte("b"), size)}
		p := wire.PrepareEngine(text, raw)
		got := slices.Collect(p.Packets())
		require.Len(t, got, 2)
		assertSamePacket(t, text, got[0])
		assertSamePacket(t, raw, got[1])
		assert.Equal(t, len(p.WebSocket()), cap(p.WebSocket()))
		assert.Len(t, p.AppendPayload(nil), p.PayloadSize())
	}
}

func TestPrepareEngine_Nothing_Empty(t *testing.T) {
	p := wire.PrepareEngine()
	assert.Zero(t, p.Size())
	assert.Zero(t, p.PayloadSize())
	assert.Empty(t, p.AppendPayload(nil))
	assert.Empty(t, p.Deflated(wire.NewDeflater(1, -1)))
	for range p.Packets() {
		t.Fatal("a packet")
	}
}

func TestPrepareEngine_BinaryFlagOnOtherTypes_Ignored(t *testing.T) {
	p := wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePong, Binary: true, Data: []byte("probe")})
	op, payload := onlyFrame(t, p.WebSocket())
	assert.Equal(t, wire.Text, op)
	assert.Equal(t, "3probe", string(payload))
}

func TestPrepared_Packets_StopsWhenTheReaderDoes(t *testing.T) {
	p := wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing}, wire.EnginePacket{Type: wire.EngineNoop})
	n := 0
	for range p.Packets() {
		n++
		break
	}
	assert.Equal(t, 1, n)
}

// inflate undoes permessage-deflate without context takeover.
func inflate(t testing.TB, data []byte) string {
	t.Helper()
	tail := "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	out, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader(tail))))
	require.NoError(t, err)
	return string(out)
}

func TestPrepared_Deflated_LargeCompressedSmallPlain(t *testing.T) {
	long := strings.Repeat("compress me, ", 100)
	p, err := wire.EncodeEvent("/", "x", long, []byte("short"), []byte(long))
	require.NoError(t, err)
	plain, deflated := readFrames(t, p.WebSocket()), readFrames(t, p.Deflated(wire.NewDeflater(6, 100)))
	require.Len(t, deflated, 3)
	for i, f := range deflated {
		assert.True(t, f.fin)
		assert.Equal(t, plain[i].op, f.op)
		assert.Equal(t, i != 1, f.rsv1)
		got := string(f.payload)
		if f.rsv1 {
			assert.Less(t, len(f.payload), len(plain[i].payload))
			got = inflate(t, f.payload)
		}
		assert.Equal(t, string(plain[i].payload), got)
	}
}

func TestPrepared_Deflated_NothingToGain_SameBytes(t *testing.T) {
	short, err := wire.EncodeEvent("/", "x", "short")
	require.NoError(t, err)
	noise := wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: []byte("\x8f\x13\xc2\x01\xe7")})
	for _, p := range []*wire.Prepared{short, noise} {
		for _, d := range []*wire.Deflater{nil, wire.NewDeflater(9, 0)} {
			assert.Same(t, &p.WebSocket()[0], &p.Deflated(d)[0])
		}
	}
	assert.Same(t, &noise.WebSocket()[0], &noise.Deflated(wire.NewDeflater(9, -1))[0])
}

func TestPrepared_Deflated_Concurrently_CompressedOnce(t *testing.T) {
	d := wire.NewDeflater(1, 0)
	p := wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: bytes.Repeat([]byte("x"), 5000)})
	results := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = p.Deflated(d) })
	}
	wg.Wait()
	for _, r := range results {
		assert.Same(t, &results[0][0], &r[0])
	}
	assert.Less(t, len(results[0]), p.Size())
}

func TestDeflater_AnyMessages_Inflate(t *testing.T) {
	for _, level := range []int{-5, 0, 1, 9, 42} {
		d := wire.NewDeflater(level, -1)
		rapid.Check(t, func(rt *rapid.T) {
			words := rapid.SliceOfN(rapid.SampledFrom([]string{"one ", "two ", "three ", "\x00\x00\xff\xff", "€"}), 0, 200)
			data := []byte(strings.Join(words.Draw(rt, "words"), ""))
			p := wire.PrepareEngine(
				wire.EnginePacket{Type: wire.EnginePing},
				wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: data},
				wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: data})
			deflated := readFrames(t, p.Deflated(d))
			require.Len(rt, deflated, 3)
			assert.False(rt, deflated[0].rsv1)
			for _, f := range deflated[1:] {
				got := string(f.payload)
				if f.rsv1 {
					got = inflate(t, f.payload)
				}
				assert.Equal(rt, string(data), got)
			}
		})
	}
}

func TestDeflater_LargeThenSmall_BothInflate(t *testing.T) {
	d := wire.NewDeflater(1, -1)
	noise := make([]byte, 300_000) // too irregular to shrink below what is kept
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = 'a' + byte(x>>28)
	}
	for _, data := range [][]byte{noise, bytes.Repeat([]byte("small "), 50)} {
		p := wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Binary: true, Data: data})
		deflated := readFrames(t, p.Deflated(d))
		require.True(t, deflated[0].rsv1)
		assert.Equal(t, string(data), inflate(t, deflated[0].payload))
	}
}

func TestDeflater_Threshold_Defaults(t *testing.T) {
	assert.Equal(t, wire.DefaultDeflateThreshold, wire.NewDeflater(1, 0).Threshold())
	assert.Equal(t, 0, wire.NewDeflater(1, -1).Threshold())
	assert.Equal(t, 7, wire.NewDeflater(1, 7).Threshold())
}
