package format_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/redisbridge/format"
)

// text makes strings of all kinds.
func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, 8, 32), rapid.SampledFrom([]string{"room", "", `"`, `\`, "\x00\n", "ü", "\u2028", "1", "a b"}))
}

func texts() *rapid.Generator[[]string] { return rapid.SliceOfN(text(), 0, 4) }

// number makes JSON numbers in the spelling of JavaScript, also those that no float64 and no integer of 64 bit is.
func number() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "integer"), 10) }),
		rapid.SampledFrom([]string{
			"0", "-1", "127", "128", "255", "256", "65536", "-32", "-33", "4294967296", "9007199254740993", "18446744073709551615",
			"18446744073709551616", "36893488147419103233", "1.5", "0.1", "-0", "1e+21", "1e-7", "0.10000000000000000001", "1e-400", "1e400",
		}),
	)
}

func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s)
	return string(b)
}

// value makes JSON values with placeholders for some of the attachments.
func value(attachments, depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kinds := []string{"text", "number", "word"}
		if attachments > 0 {
			kinds = append(kinds, "placeholder")
		}
		if depth > 0 {
			kinds = append(kinds, "array", "object")
		}
		inner := func() []string { return rapid.SliceOfN(value(attachments, depth-1), 0, 3).Draw(t, "inner") }
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case "text":
			return quote(text().Draw(t, "text"))
		case "number":
			return number().Draw(t, "number")
		case "word":
			return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
		case "placeholder":
			return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, rapid.IntRange(0, attachments-1).Draw(t, "num"))
		case "array":
			return "[" + strings.Join(inner(), ",") + "]"
		default:
			members := inner()
			for i := range members {
				members[i] = quote(text().Draw(t, "name")+strconv.Itoa(i)) + ":" + members[i]
			}
			return "{" + strings.Join(members, ",") + "}"
		}
	})
}

// payload makes a payload around a value: format has its place as %s.
func payload(around string) *rapid.Generator[format.Payload] {
	return rapid.Custom(func(t *rapid.T) format.Payload {
		attachments := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 4), 0, 3).Draw(t, "attachments")
		values := rapid.SliceOfN(value(len(attachments), 3), 1, 3).Draw(t, "values")
		return format.NewPayload([]byte(strings.ReplaceAll(around, "%s", strings.Join(values, ","))), attachments)
	})
}

func target() *rapid.Generator[format.Target] {
	return rapid.Custom(func(t *rapid.T) format.Target {
		return format.Target{
			Rooms: texts().Draw(t, "rooms"), Except: texts().Draw(t, "except"),
			User: rapid.SampledFrom([]string{"", "", "user", `"`}).Draw(t, "user"),
		}
	})
}

func flags(timeout bool) *rapid.Generator[format.Flags] {
	return rapid.Custom(func(t *rapid.T) format.Flags {
		f := format.Flags{Volatile: rapid.Bool().Draw(t, "volatile"), Compress: rapid.Bool().Draw(t, "compress")}
		if timeout {
			f.Timeout = time.Duration(rapid.IntRange(0, 1<<20).Draw(t, "timeout")) * time.Millisecond
		}
		return f
	})
}

func socket() *rapid.Generator[format.Socket] {
	return rapid.Custom(func(t *rapid.T) format.Socket {
		object := payload(`{"a":[%s]}`)
		return format.Socket{
			ID: "s" + text().Draw(t, "id"), Rooms: texts().Draw(t, "rooms"), User: text().Draw(t, "user"),
			Handshake: object.Draw(t, "handshake"), Data: object.Draw(t, "data"),
		}
	})
}

// message makes messages of a kind with everything that the kind has on the wire of one adapter.
func message(kind format.Kind, sender string, isSharded bool) *rapid.Generator[*format.Message] {
	return rapid.Custom(func(t *rapid.T) *format.Message {
		m := &format.Message{
			Kind: kind, Sender: sender, Namespace: rapid.SampledFrom([]string{"/", "/custom", "/ü"}).Draw(t, "namespace"),
		}
		answers := kind > format.ServerEvent
		asks := kind == format.AckBroadcast || kind == format.Fetch || kind == format.ListIDs || kind == format.ListRooms
		if answers || asks {
			m.Request = "r" + text().Draw(t, "request")
		}
		if answers {
			m.To = rapid.SampledFrom([]string{"asker", foreignUID}).Draw(t, "to")
		}
		switch kind { //nolint:exhaustive // the rest has nothing else
		case format.Broadcast, format.AckBroadcast:
			m.Event = payload(`["name",%s]`).Draw(t, "event")
			m.Target, m.Flags = target().Draw(t, "target"), flags(kind == format.AckBroadcast).Draw(t, "flags")
			m.Extended = kind == format.AckBroadcast && rapid.Bool().Draw(t, "extended")
		case format.Join, format.Leave:
			m.Target, m.Rooms = target().Draw(t, "target"), texts().Draw(t, "rooms")
		case format.Disconnect:
			m.Target, m.Close = target().Draw(t, "target"), rapid.Bool().Draw(t, "close")
		case format.Fetch:
			m.Target = target().Draw(t, "target")
		case format.ListIDs:
			m.Target.Rooms = texts().Draw(t, "rooms")
		case format.ServerEvent:
			m.Event = payload(`["name",%s]`).Draw(t, "event")
			m.Request = text().Draw(t, "request")
		case format.ClientCount:
			m.Count, m.IDs = rapid.IntRange(0, 1e6).Draw(t, "count"), texts().Draw(t, "ids")
		case format.Ack:
			m.Socket = text().Draw(t, "socket")
			if m.Gone = rapid.Bool().Draw(t, "gone"); m.Gone {
				break
			}
			m.Event = rapid.OneOf(payload("[%s]"), rapid.Just(event("[]"))).Draw(t, "event")
		case format.ServerReply:
			m.Event = rapid.OneOf(payload("[%s]"), rapid.Just(event("[]"))).Draw(t, "event")
		case format.Fetched:
			m.Sockets = rapid.SliceOfN(socket(), 0, 3).Draw(t, "sockets")
		case format.IDs:
			m.IDs = rapid.SliceOfN(text(), 1, 4).Draw(t, "ids")
		case format.RoomNames:
			m.Rooms = texts().Draw(t, "rooms")
		case format.Taken:
			m.Session = text().Draw(t, "session")
			m.Namespace, m.Request, m.To = "", "", ""
		case format.Hello, format.Beat, format.Bye:
			m.Namespace, m.Request, m.To = "", "", ""
		}
		if isSharded && (kind == format.Join || kind == format.Leave || kind == format.Disconnect || kind == format.Fetch) {
			m.Flags = flags(true).Draw(t, "flags")
		}
		return m
	})
}

func kindsOf(isSharded bool) (kinds []format.Kind) {
	for k := format.Broadcast; k <= format.Taken; k++ {
		classicOnly := k == format.ListIDs || k == format.ListRooms || k == format.IDs || k == format.RoomNames || k == format.Done
		if !isSharded || !classicOnly {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// checkRoundTrips encodes with one instance and decodes with another.
func checkRoundTrips(t *testing.T, from, to format.Dialect, sender string, isSharded bool) {
	t.Helper()
	for _, kind := range kindsOf(isSharded) {
		t.Run(fmt.Sprintf("%d", kind), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := message(kind, sender, isSharded).Draw(rt, "message")
				want, err := plainly(m)
				require.NoError(rt, err)
				f, err := from.Encode(m)
				require.NoError(rt, err)
				again, err := from.Encode(m)
				require.NoError(rt, err)
				require.Equal(rt, f, again)
				got, err := to.Decode(f.Channel, f.Payload)
				require.NoError(rt, err, "%s %q", f.Channel, f.Payload)
				decoded, err := plainly(got)
				require.NoError(rt, err)
				require.Equal(rt, want, decoded, "%q", f.Payload)

				// What was decoded can be passed on as it is.
				got.To = m.To
				f, err = from.Encode(got)
				require.NoError(rt, err)
				got, err = to.Decode(f.Channel, f.Payload)
				require.NoError(rt, err)
				decoded, err = plainly(got)
				require.NoError(rt, err)
				require.Equal(rt, want, decoded, "%q", f.Payload)

				_, err = from.Decode(f.Channel, f.Payload)
				require.ErrorIs(rt, err, format.ErrOwn)
			})
		})
	}
}

func TestClassic_AnyMessage_ComesBack(t *testing.T) {
	checkRoundTrips(t, classic(), format.Classic(format.ClassicConfig{Config: format.Config{UID: "asker"}}), classicUID, false)
}

func TestClassicSpecific_AnyMessage_ComesBack(t *testing.T) {
	from := format.Classic(format.ClassicConfig{Config: format.Config{UID: classicUID}, SpecificResponses: true})
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]format.Kind{format.Ack, format.Fetched, format.ServerReply}).Draw(rt, "kind")
		m := message(kind, classicUID, false).Draw(rt, "message")
		m.To = "asker"
		want, err := plainly(m)
		require.NoError(rt, err)
		f, err := from.Encode(m)
		require.NoError(rt, err)
		got, err := format.Classic(format.ClassicConfig{Config: format.Config{UID: "asker"}}).Decode(f.Channel, f.Payload)
		require.NoError(rt, err)
		decoded, err := plainly(got)
		require.NoError(rt, err)
		require.Equal(rt, want, decoded)
	})
}

func TestSharded_AnyMessage_ComesBack(t *testing.T) {
	checkRoundTrips(t, sharded(), format.Sharded(format.ShardedConfig{Config: format.Config{UID: "asker"}}), shardedUID, true)
}
