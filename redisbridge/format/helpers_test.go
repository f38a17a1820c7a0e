package format_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// The instances of the tests.
const (
	classicUID = "UID_01"
	shardedUID = "0123456789abcdef"
	foreignUID = "fedcba9876543210"
)

func classic() format.Dialect {
	return format.Classic(format.ClassicConfig{Config: format.Config{UID: classicUID}})
}

func sharded() format.Dialect {
	return format.Sharded(format.ShardedConfig{Config: format.Config{UID: shardedUID}})
}

func event(text string, attachments ...[]byte) format.Payload {
	return format.NewPayload([]byte(text), attachments)
}

func encode(t testing.TB, d format.Dialect, m *format.Message) format.Frame {
	t.Helper()
	f, err := d.Encode(m)
	require.NoError(t, err)
	return f
}

func decode(t testing.TB, d format.Dialect, channel string, payload []byte) *format.Message {
	t.Helper()
	m, err := d.Decode(channel, payload)
	require.NoError(t, err, "%s %q", channel, payload)
	return m
}

// plain is a message whose payloads are text, and in which nothing and an empty list are the same.
type plain struct {
	Kind      format.Kind
	Sender    string
	Namespace string
	Request   string
	Target    format.Target
	Flags     format.Flags
	Extended  bool
	Event     string
	Rooms     []string
	Close     bool
	Sockets   []plainSocket
	IDs       []string
	Count     int
	Socket    string
	Gone      bool
}

type plainSocket struct {
	ID              string
	Rooms           []string
	User            string
	Handshake, Data string
}

// plainly makes the plain form of a message. Errors are those of its payloads.
func plainly(m *format.Message) (p plain, err error) {
	p = plain{
		Kind: m.Kind, Sender: m.Sender, Namespace: m.Namespace, Request: m.Request,
		Target: format.Target{Rooms: some(m.Target.Rooms), Except: some(m.Target.Except), User: m.Target.User},
		Flags:  m.Flags, Extended: m.Extended, Rooms: some(m.Rooms), Close: m.Close, IDs: some(m.IDs), Count: m.Count,
		Socket: m.Socket, Gone: m.Gone,
	}
	if p.Event, err = resolved(m.Event); err != nil {
		return p, err
	}
	if (m.Kind == format.Ack || m.Kind == format.ServerReply) && p.Event == "[]" {
		p.Event = ""
	}
	for _, s := range m.Sockets {
		q := plainSocket{ID: s.ID, Rooms: some(s.Rooms), User: s.User}
		if q.Handshake, err = resolved(s.Handshake); err != nil {
			return p, err
		}
		if q.Data, err = resolved(s.Data); err != nil {
			return p, err
		}
		if q.Data == "" {
			q.Data = "null"
		}
		p.Sockets = append(p.Sockets, q)
	}
	return p, nil
}

func some(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

var placeholder = regexp.MustCompile(`\{"_placeholder":true,"num":([0-9]+)\}`)

// resolved is the text of a payload with attachments in hexadecimal in place of their placeholders.
func resolved(p format.Payload) (string, error) {
	text, attachments, err := p.JSON()
	if err != nil || attachments == nil {
		return string(text), err
	}
	return placeholder.ReplaceAllStringFunc(string(text), func(s string) string {
		n, _ := strconv.Atoi(placeholder.FindStringSubmatch(s)[1])
		if n >= len(attachments) {
			return s
		}
		return fmt.Sprintf("<%x>", attachments[n])
	}), nil
}

func mustPlain(t testing.TB, m *format.Message) plain {
	t.Helper()
	p, err := plainly(m)
	require.NoError(t, err)
	return p
}

// validText tells whether all that a message says is UTF-8: what is not is replaced when it is written.
func validText(p plain) bool { return utf8.ValidString(fmt.Sprint(p)) }
