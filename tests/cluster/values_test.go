package cluster

import (
	"context"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// parcel is the arguments of an event.
type parcel struct {
	name string
	args []any // as actio takes them
	node []any // as the driver of Node.js takes them; nil: the same
	want []any // as official clients get them; nil: the same
	// huge: integral and not below 2^64, which the encoder of the classic packages corrupts.
	huge bool
}

func parcels() []parcel {
	date := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	text := "2026-01-02T03:04:05.678Z"
	return []parcel{
		{name: "none", args: []any{}},
		{name: "null", args: []any{nil}},
		{name: "null among others", args: []any{1.0, nil, "x", nil}},
		{name: "booleans", args: []any{true, false}},
		{name: "texts", args: []any{"", "x", "ünï 😀 \u2028\x00\"\\", strings.Repeat("long", 20_000)}},
		{name: "integers", args: []any{
			0.0, 1.0, -1.0, 127.0, 128.0, -32.0, -33.0, 255.0, 256.0, 65535.0, 65536.0, -32769.0, 4294967295.0, 4294967296.0, -2147483649.0,
		}},
		{name: "integers around 2^53", args: []any{
			9007199254740991.0, -9007199254740991.0, 9007199254740992.0, 9007199254740994.0, -9007199254740994.0,
			math.Ldexp(1, 63), -math.Ldexp(1, 63),
		}},
		{name: "integers from 2^64", args: []any{math.Ldexp(1, 64), 1e21, -1e25, 1e300}, huge: true},
		{name: "floats", args: []any{1.5, -0.1, 0.1, 1e-300, 5e-324, 3.141592653589793}},
		{name: "structures", args: []any{
			map[string]any{}, []any{}, map[string]any{"a": []any{map[string]any{"b": nil, "ü": []any{1.0, "x"}}}, "": false}, []any{[]any{[]any{}}},
		}},
		{name: "like placeholders", args: []any{map[string]any{"num": 0.0, "placeholder": true}}},
		{name: "binary", args: []any{[]byte{0, 1, 2, 255}}},
		{name: "binary in structures", args: []any{
			map[string]any{"file": []byte("content"), "more": []any{[]byte{}, nil, []byte{9}}, "n": 1.5},
			"text",
			[]byte(strings.Repeat("b", 70_000)),
		}},
		{name: "date", args: []any{date}, node: []any{jspeer.Date(date)}, want: []any{text}},
		{
			name: "date beside binary", args: []any{[]byte{1}, map[string]any{"at": date}},
			node: []any{[]byte{1}, map[string]any{"at": jspeer.Date(date)}},
			want: []any{[]byte{1}, map[string]any{"at": text}},
		},
	}
}

// theirs tells whether a speaker is one of the official packages.
func theirs(by speaker) bool {
	switch by.(type) {
	case *node, outside:
		return true
	default:
		return false
	}
}

// values: arguments arrive as they were sent, whoever sends them to whom.
func values(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range c.speakers {
		for _, p := range parcels() {
			t.Run(p.name+" from "+by.name(), func(t *testing.T) {
				args := p.args
				if theirs(by) {
					if p.huge && c.medium.classic() {
						t.Skip("their encoder corrupts such numbers")
					}
					if p.node != nil {
						args = p.node
					}
				}
				want := p.want
				if want == nil {
					want = p.args
				}
				by.emit(t, target{}, "values", args...)
				by.emit(t, to("red"), "values", args...)
				for _, one := range c.clients {
					assert.Equal(t, want, wait(t, one, "values"), one.title)
				}
				for _, one := range c.meant(by, to("red")) {
					assert.Equal(t, want, wait(t, one, "values"), one.title)
				}
			})
		}
	}
}

// number is a JSON number as it stands.
func number(text string) json.RawMessage { return json.RawMessage(text) }

// exactTexts are numbers that no float64 holds, and some that one holds.
func exactTexts() []string {
	return []string{
		"9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615",
		"18446744073709551616", "18446744073709551617", "123456789012345678901234567890", "0.1", "-0.25", "1e-300", "1.7976931348623157e308",
		"0.1000000000000000055511151231257827", "3.14159265358979323846264338327950288", "12345678901234567890.5", "0", "-1", "1e3",
	}
}

// sameNumber compares two numbers exactly.
func sameNumber(t *testing.T, want, got string) {
	t.Helper()
	a, ok := new(big.Rat).SetString(want)
	require.True(t, ok, want)
	b, ok := new(big.Rat).SetString(got)
	require.True(t, ok, got)
	assert.Zero(t, a.Cmp(b), "%s arrived as %s", want, got)
}

// exactNumbers: between instances of actio numbers arrive exactly, whatever their size; at Node's clients as the float64 next
// to them.
func exactNumbers(t *testing.T, c *cluster) {
	t.Helper()
	raw, err := rawclient.Dial(c.two.address(), rawclient.Options{})
	require.NoError(t, err)
	defer raw.Close()
	id, err := raw.Login(map[string]any{"token": "good"})
	require.NoError(t, err)
	for _, text := range exactTexts() {
		args := []any{number(text), []any{map[string]any{"n": number(text)}}}
		c.one.emit(t, target{}, "exact", args...)
		m, err := raw.Await("exact")
		require.NoError(t, err)
		require.Equal(t, 2, m.Args.Len())
		sameNumber(t, text, string(m.Args.Raw(0)))
		var nested []struct{ N json.RawMessage }
		require.NoError(t, m.Args.Decode(1, &nested))
		sameNumber(t, text, string(nested[0].N))
		c.one.emit(t, except(id), "exact", append(args, []byte{1})...) // beside binary it takes another way

		nearest, err := json.Number(text).Float64()
		require.NoError(t, err)
		want := []any{nearest, []any{map[string]any{"n": nearest}}}
		for _, one := range c.clients {
			assert.Equal(t, want, wait(t, one, "exact"), one.title)
			assert.Equal(t, append(want, []byte{1}), wait(t, one, "exact"), one.title)
		}
	}
	exactAnswers(t, c)
}

// exactAnswers: the same among the servers.
func exactAnswers(t *testing.T, c *cluster) {
	t.Helper()
	var all []any
	for _, text := range exactTexts() {
		all = append(all, number(text))
	}
	exact := func(t *testing.T, args actio.Args) {
		t.Helper()
		require.Equal(t, len(all), args.Len())
		for i, text := range exactTexts() {
			sameNumber(t, text, string(args.Raw(i)))
		}
	}
	got := make(chan actio.Args, 1)
	require.NoError(t, c.two.OnServerSideEmit("exact", func(_ context.Context, e *actio.ServerEvent) {
		got <- e.Args
		assert.NoError(t, e.Reply(all...))
	}))
	c.node.answer(t, "exact", "of Node")
	replies, err := c.one.ServerSideEmitWithAck(t.Context(), "exact", all...)
	require.NoError(t, err)
	exact(t, await.Value(t, got))
	c.node.served(t)
	require.Len(t, replies.Replies, 2)
	i := slices.IndexFunc(replies.Replies, func(r actio.ServerReply) bool { return r.Instance == c.two.ID() })
	require.NotEqual(t, -1, i)
	exact(t, replies.Replies[i].Args)
}
