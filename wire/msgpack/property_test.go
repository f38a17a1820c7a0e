package msgpack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire/msgpack"
)

// document generates the text of a JSON value. Placeholders in it number ten attachments in turn.
type document struct {
	t            *rapid.T
	text         strings.Builder
	placeholders int
}

func (d *document) space() {
	d.text.WriteString(rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(d.t, "space"))
}

func (d *document) value(depth int) {
	kinds := []string{"number", "string", "word", "attachment"}
	if depth > 0 {
		kinds = append(kinds, "array", "object", "object")
	}
	switch rapid.SampledFrom(kinds).Draw(d.t, "kind") {
	case "number":
		d.text.WriteString(number().Draw(d.t, "number"))
	case "string":
		d.text.WriteString(quoted().Draw(d.t, "string"))
	case "word":
		d.text.WriteString(rapid.SampledFrom([]string{"true", "false", "null"}).Draw(d.t, "word"))
	case "attachment":
		d.text.WriteString(`{"_placeholder":true,"num":` + string(rune('0'+d.placeholders%10)) + `}`)
		d.placeholders++
	case "array":
		d.list('[', ']', func() { d.value(depth - 1) })
	case "object":
		d.list('{', '}', func() {
			d.text.WriteString(quoted().Draw(d.t, "name"))
			d.space()
			d.text.WriteByte(':')
			d.space()
			d.value(depth - 1)
		})
	}
}

func (d *document) list(begin, end byte, element func()) {
	d.text.WriteByte(begin)
	d.space()
	for i := range rapid.IntRange(0, 18).Draw(d.t, "elements") {
		if i > 0 {
			d.text.WriteByte(',')
			d.space()
		}
		element()
		d.space()
	}
	d.text.WriteByte(end)
}

func number() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,23})`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})\.[0-9]{1,3}`),
		rapid.SampledFrom([]string{
			"9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "1e20", "1e21", "-0", "1e309",
		}),
	)
}

func quoted() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(
		rapid.StringMatching(`[a-z é€]{0,12}`),
		rapid.SampledFrom([]string{`\n`, `\"`, `\\`, `\/`, `\u0000`, `\u00e9`, `\ud83d\ude00`, "😀", "\u2028", `\u2029`, "<"}),
	), 0, 6), func(parts []string) string { return `"` + strings.Join(parts, "") + `"` })
}

func TestRoundTrip_AnyJSON_IsExactWhenReported(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := document{t: rt}
		d.value(4)
		text := d.text.String()
		out, exact, err := msgpack.AppendJSON(nil, []byte(text), nil)
		require.NoError(rt, err)
		rest, err := msgp.Skip(out)
		require.NoError(rt, err)
		require.Empty(rt, rest)

		back, attachments, rest, err := msgpack.ReadJSON(nil, nil, out)
		require.NoError(rt, err)
		require.Empty(rt, rest)
		require.Empty(rt, attachments)
		assert.Equal(rt, sameJSON(t, []byte(text), back), exact, "%s\n%s", text, back)

		again, exact, err := msgpack.AppendJSON(nil, back, nil)
		require.NoError(rt, err)
		assert.True(rt, exact, "what ReadJSON writes is exact: %s", back)
		last, _ := unpack(t, again)
		assert.Equal(rt, string(back), last)
	})
}

func TestRoundTrip_Attachments_ComeBackInTheOrderOfTheText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := document{t: rt}
		d.value(3)
		attachments := make([][]byte, 10)
		for i := range attachments {
			attachments[i] = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "attachment")
		}
		out, _, err := msgpack.AppendJSON(nil, []byte(d.text.String()), attachments)
		require.NoError(rt, err)
		_, back, rest, err := msgpack.ReadJSON(nil, nil, out)
		require.NoError(rt, err)
		require.Empty(rt, rest)
		require.Len(rt, back, d.placeholders)
		for i, b := range back {
			assert.Equal(rt, string(attachments[i%10]), string(b))
		}
	})
}
