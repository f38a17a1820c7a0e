package wire_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

func binaryEvent(n int) wire.Packet {
	return wire.Packet{Type: wire.BinaryEvent, Namespace: "/", Attachments: n, Data: []byte(`["x"]`)}
}

func TestReassembler_TextPacket_CompleteAtOnce(t *testing.T) {
	var r wire.Reassembler
	p := wire.Packet{Type: wire.Event, Namespace: "/", Data: []byte(`["x"]`)}
	c, err := r.Text(p, wire.Limits{})
	require.NoError(t, err)
	require.NotNil(t, c)
	assert.Equal(t, wire.Complete{Packet: p}, *c)
	assert.False(t, r.Pending())
}

func TestReassembler_BinaryPacket_CompleteWithLastAttachment(t *testing.T) {
	var r wire.Reassembler
	for range 2 { // a second packet finds nothing of the first
		c, err := r.Text(binaryEvent(3), wire.Limits{})
		require.NoError(t, err)
		assert.Nil(t, c)
		for _, a := range []string{"a", ""} {
			assert.True(t, r.Pending())
			c, err = r.Binary([]byte(a), wire.Limits{})
			require.NoError(t, err)
			assert.Nil(t, c)
		}
		c, err = r.Binary([]byte("c"), wire.Limits{})
		require.NoError(t, err)
		require.NotNil(t, c)
		assert.Equal(t, [][]byte{[]byte("a"), {}, []byte("c")}, c.Attachments)
		assert.Equal(t, binaryEvent(3), c.Packet)
		assert.False(t, r.Pending())
	}
}

func TestReassembler_OutOfStep_ErrorAndEmpty(t *testing.T) {
	var r wire.Reassembler
	_, err := r.Binary([]byte("a"), wire.Limits{})
	require.ErrorIs(t, err, wire.ErrUnexpectedBinary)

	_, err = r.Text(binaryEvent(2), wire.Limits{})
	require.NoError(t, err)
	_, err = r.Text(wire.Packet{Type: wire.Event}, wire.Limits{})
	require.ErrorIs(t, err, wire.ErrUnexpectedText)
	assert.False(t, r.Pending())

	_, err = r.Text(binaryEvent(0), wire.Limits{})
	require.ErrorIs(t, err, wire.ErrAttachmentCount)
	_, err = r.Text(binaryEvent(11), wire.Limits{})
	require.ErrorIs(t, err, wire.ErrTooManyAttachments)
	assert.False(t, r.Pending())
}

func TestReassembler_AttachmentsTogether_BoundedExactly(t *testing.T) {
	var r wire.Reassembler
	limits := wire.Limits{PacketBytes: 10}
	_, err := r.Text(binaryEvent(3), limits)
	require.NoError(t, err)
	_, err = r.Binary(make([]byte, 4), limits)
	require.NoError(t, err)
	_, err = r.Binary(make([]byte, 6), limits)
	require.NoError(t, err)
	_, err = r.Binary(make([]byte, 1), limits)
	require.ErrorIs(t, err, wire.ErrTooBig)
	assert.False(t, r.Pending())
}

func TestReassembler_Idle_OnePointer(t *testing.T) {
	assert.Equal(t, unsafe.Sizeof(uintptr(0)), unsafe.Sizeof(wire.Reassembler{}))
}
