package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// Each test is named after the advisory whose packet it sends.

func TestCVE_2020_36049_PayloadOfManyPackets_MemoryIsLinear(t *testing.T) {
	body := []byte(strings.TrimSuffix(strings.Repeat("4\x1e", 500_000), "\x1e"))
	n := 0
	allocations := testing.AllocsPerRun(1, func() {
		n = 0
		require.NoError(t, wire.DecodePayload(body, func(wire.EnginePacket) error {
			n++
			return nil
		}))
	})
	assert.Equal(t, 500_000, n)
	assert.Zero(t, allocations)
}

func TestCVE_2022_2421_PlaceholderNamesNoAttachment_ErrPlaceholder(t *testing.T) {
	for _, num := range []string{
		`1`, `-1`, `1.5`, `0.0`, `0e0`, `-0`, `1e999`, `18446744073709551616`, `"0"`, `"splice"`, `"__proto__"`, `null`, `true`, `[0]`, `{}`,
		`{"toString":"x"}`,
	} {
		in := `["x",{"a":[{"_placeholder":true,"num":` + num + `}]}]`
		_, _, err := wire.ParseEvent(event(in, []byte("only one")))
		assert.ErrorIs(t, err, wire.ErrPlaceholder, num)
		ack := event(in[:1]+in[5:], []byte("only one"))
		ack.Packet.Type = wire.BinaryAck
		_, err = wire.ParseAck(ack)
		assert.ErrorIs(t, err, wire.ErrPlaceholder, num)
	}
	_, _, err := wire.ParseEvent(event(`["x",{"_placeholder":true}]`, []byte("only one")))
	assert.ErrorIs(t, err, wire.ErrPlaceholder)
}

func TestCVE_2022_2421_PlaceholderAsEventName_Refused(t *testing.T) {
	_, err := wire.DecodePacket([]byte(`51-[{"_placeholder":true,"num":0}]`), wire.Limits{})
	assert.ErrorIs(t, err, wire.ErrPayload)
	_, _, err = wire.ParseEvent(event(`[{"_placeholder":true,"num":0}]`, []byte("name")))
	assert.ErrorIs(t, err, wire.ErrPayload)
}

func TestCVE_2023_32695_EventNameOfWrongType_Refused(t *testing.T) {
	for _, name := range []string{
		`null`, `true`, `false`, `[]`, `{}`, `["x"]`, `{"toString":"x"}`, `{"_placeholder":true,"num":0}`, ``,
	} {
		for _, header := range []string{"2", "51-", "2/admin,7"} {
			_, err := wire.DecodePacket([]byte(header+`[`+name+`]`), wire.Limits{})
			assert.ErrorIs(t, err, wire.ErrPayload, header+name)
		}
	}
}

func TestCVE_2024_38355_EventNamedError_OrdinaryEvent(t *testing.T) {
	p, err := wire.DecodePacket([]byte(`2["error",1]`), wire.Limits{})
	require.NoError(t, err)
	name, args, err := wire.ParseEvent(wire.Complete{Packet: p})
	require.NoError(t, err)
	assert.Equal(t, "error", name)
	assert.Equal(t, 1, args.Len())
}

func TestCVE_2026_33151_AnnouncedAttachments_Bounded(t *testing.T) {
	for _, n := range []string{"11", "1000000", "2147483648", "9223372036854775808", strings.Repeat("9", 1000)} {
		_, err := wire.DecodePacket([]byte(`5`+n+`-["x"]`), wire.Limits{})
		assert.ErrorIs(t, err, wire.ErrTooManyAttachments, n)
	}
	var r wire.Reassembler
	_, err := r.Text(binaryEvent(1_000_000), wire.Limits{})
	assert.ErrorIs(t, err, wire.ErrTooManyAttachments)
}

func TestCVE_2026_69185_AttachmentsThatNeverEnd_Bounded(t *testing.T) {
	var r wire.Reassembler
	for range 1000 { // announcing again and again keeps nothing
		_, _ = r.Text(binaryEvent(10), wire.Limits{})
	}
	limits := wire.Limits{PacketBytes: 1000}
	r = wire.Reassembler{}
	_, err := r.Text(binaryEvent(10), limits)
	require.NoError(t, err)
	kept := 0
	for {
		if _, err = r.Binary(make([]byte, 300), limits); err != nil {
			break
		}
		kept += 300
	}
	require.ErrorIs(t, err, wire.ErrTooBig)
	assert.LessOrEqual(t, kept, 1000)
}

func TestCVE_2022_21676_And_41940_AnyFirstByte_NoPanic(t *testing.T) {
	for c := range 256 {
		for _, rest := range []string{"", "x", "\x1e", "\x00", "\xff", "-", "1-", "/", "[", `["x"]`} {
			data := []byte(string([]byte{byte(c)}) + rest)
			assert.NotPanics(t, func() {
				_, _ = wire.DecodeEngineText(data)
				_, _ = wire.DecodePacket(data, wire.Limits{})
				_, _ = decodePayload(string(data))
			})
		}
	}
}

func TestCVE_2026_59725_InvalidBinaryInPost_DefinedError(t *testing.T) {
	for _, in := range []string{"b!", "b=", "b====", "bA", "b\x00\x01", "b\xff\xfe", "bAAAA=", "bb"} {
		packets, err := decodePayload("4before\x1e" + in)
		assert.ErrorIs(t, err, wire.ErrBase64, "%q", in)
		assert.Len(t, packets, 1)
	}
}

func TestManyPlaceholders_OneAttachment_NotMultiplied(t *testing.T) {
	data := make([]byte, 1<<20)
	in := `["x",[` + strings.TrimSuffix(strings.Repeat(place(0)+",", 1000), ",") + `]]`
	var all [][]byte
	require.NoError(t, parse(t, in, data).Decode(0, &all))
	require.Len(t, all, 1000)
	for _, b := range all {
		assert.Same(t, &data[0], &b[0])
	}
}

func TestErrors_OfDecoders_HoldNothingOfThePacket(t *testing.T) {
	for _, in := range []string{
		`2["secret"`, `secret`, `5secret-[]`, `2/secret` + "\x00" + `,[]`, `2["connect","secret"]`, `4secret`, `2999999999999999999secret`,
	} {
		_, err := wire.DecodePacket([]byte(in), wire.Limits{})
		require.Error(t, err, in)
		assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), "secret")
	}
}
