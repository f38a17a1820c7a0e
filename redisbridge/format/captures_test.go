package format_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// captured is a message that an official package has published.
type captured struct {
	step    string
	channel string
	payload []byte
}

// capture is what was published in one run.
type capture struct {
	name       string
	asks       string // uid of the server that did the steps; "" for the emitter
	answers    string // uid of the other one
	messages   []captured
	subscribed []string
}

func (c capture) sharded() bool { return strings.HasPrefix(c.name, "sharded") }

// dialect is that of the run, for an instance with the given uid.
func (c capture) dialect(uid string) format.Dialect {
	config := format.Config{UID: uid}
	switch c.name {
	case "sharded-dynamic":
		return format.Sharded(format.ShardedConfig{Config: config})
	case "sharded-static":
		return format.Sharded(format.ShardedConfig{Config: config, Mode: format.StaticMode})
	case "sharded-dynamic-private":
		return format.Sharded(format.ShardedConfig{Config: config, Mode: format.DynamicPrivateMode})
	default:
		return format.Classic(format.ClassicConfig{Config: config, SpecificResponses: c.name == "classic-specific"})
	}
}

func captures(t testing.TB) (all []capture) {
	t.Helper()
	for _, name := range []string{
		"classic", "classic-specific", "emitter", "sharded-dynamic", "sharded-static", "sharded-dynamic-private",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		require.NoError(t, err)
		c := capture{name: name}
		if uids := regexp.MustCompile(`uid A=(\S+).* (?:uid )?B=(\S+)`).FindStringSubmatch(string(data)); uids != nil {
			c.asks, c.answers = uids[1], uids[2]
		}
		c.read(t, string(data))
		require.NotEmpty(t, c.messages, name)
		all = append(all, c)
	}
	return all
}

var quotedWords = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// read reads the lines of a file: those of the classic packages say CH and HEX or JSON, those of the sharded adapter are what
// MONITOR of Redis prints.
func (c *capture) read(t testing.TB, text string) {
	t.Helper()
	step, channel := "", ""
	add := func(payload []byte) { c.messages = append(c.messages, captured{step, channel, payload}) }
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch rest := ""; {
		case cut(line, "### ", &rest):
			step = rest
		case cut(line, "CH  ", &rest):
			channel = rest
		case cut(line, "HEX ", &rest):
			payload, err := hex.DecodeString(rest)
			require.NoError(t, err)
			add(payload)
		case cut(line, "JSON ", &rest):
			add([]byte(rest))
		case cut(line, `  "`, &rest):
			var words []string
			for _, quoted := range quotedWords.FindAllString(line, -1) {
				word, err := strconv.Unquote(quoted)
				require.NoError(t, err)
				words = append(words, word)
			}
			switch words[0] {
			case "spublish":
				channel = words[1]
				add([]byte(words[2]))
			case "ssubscribe":
				c.subscribed = append(c.subscribed, words[1])
			}
		}
	}
}

func cut(line, prefix string, rest *string) (ok bool) {
	*rest, ok = strings.CutPrefix(line, prefix)
	return ok
}

var socketID = regexp.MustCompile(`\b[A-Za-z0-9_-]{16}AAA[AB]\b`)

// anonymous replaces what differs in each run.
func (c *capture) anonymous(t *testing.T, p plain) plain {
	t.Helper()
	switch p.Sender {
	case "":
	case c.asks:
		p.Sender = "A"
	case c.answers:
		p.Sender = "B"
	}
	if p.Request != "" {
		assert.Regexp(t, `^([A-Za-z0-9_-]{6}|[0-9a-f]{16})$`, p.Request)
		p.Request = "REQ"
	}
	for _, list := range [][]string{p.Target.Rooms, p.Target.Except, p.Rooms} {
		anonymousIDs(list)
	}
	for i := range p.Sockets {
		s := &p.Sockets[i]
		anonymousIDs(s.Rooms)
		s.ID = socketID.ReplaceAllString(s.ID, "SID")
		assert.Regexp(t, `^\{"headers":\{.*"query":\{"EIO":"4","transport":"websocket"\},"auth":\{\}\}$`, s.Handshake)
		s.Handshake = ""
	}
	return p
}

func anonymousIDs(list []string) {
	for i := range list {
		list[i] = socketID.ReplaceAllString(list[i], "SID")
	}
}

// prefix of the channels of a message.
func (c captured) prefix() string {
	if strings.HasPrefix(c.step, "new Emitter(c,{key:'k'}") {
		return "k"
	}
	return "socket.io"
}

func (c capture) reader(m captured, uid string) format.Dialect {
	if m.prefix() != "socket.io" {
		return format.Classic(format.ClassicConfig{Config: format.Config{UID: uid, Prefix: m.prefix()}})
	}
	return c.dialect(uid)
}

func TestDecode_CapturedMessages_SayWhatWasDone(t *testing.T) {
	for _, c := range captures(t) {
		got := map[string][]plain{}
		want := expectation(&c)
		for step, messages := range want {
			for i := range messages {
				p := &messages[i]
				if p.Namespace == "" {
					p.Namespace = "/"
				}
				question := p.Sender == "" && (p.Kind <= format.ServerEvent)
				switch {
				case c.name == "emitter" && (p.Kind == format.Broadcast || p.Kind == format.ServerEvent):
					p.Sender = format.Emitter
				case c.name != "emitter" && question:
					p.Sender = "A"
				}
			}
			want[step] = messages
		}
		for _, m := range c.messages {
			// The uid of the reader is that of who asked where the channel is its own.
			d := c.reader(m, foreignUID)
			if strings.HasSuffix(m.channel, "#"+c.asks+"#") {
				d = c.reader(m, c.asks)
			}
			got[m.step] = append(got[m.step], c.anonymous(t, mustPlain(t, decode(t, d, m.channel, m.payload))))
		}
		assert.Equal(t, want, got, c.name)
	}
}

func TestEncode_CapturedMessages_GiveTheSameBytes(t *testing.T) {
	for _, c := range captures(t) {
		for _, m := range c.messages {
			d := c.reader(m, c.asks+"x")
			decoded := decode(t, c.reader(m, foreignUID), m.channel, m.payload)
			decoded.Namespace = strings.TrimSuffix(decoded.Namespace, "#"+c.asks) // own channel of another
			if c.name == "emitter" {
				decoded.Sender = format.Emitter
			}
			if decoded.Kind > format.ServerEvent {
				decoded.To = c.asks
			}
			frame := encode(t, d, decoded)
			assert.Equal(t, m.channel, frame.Channel, m.step)
			assert.Equal(t, c.sharded(), frame.Sharded)
			if strings.Contains(m.step, "compress(false)") {
				continue // the model has no such flag
			}
			assert.Equal(t, string(m.payload), string(frame.Payload), "%s: %s", c.name, m.step)
		}
	}
}

// TestEncode_CapturedEvents_GiveTheSameBytesFromText begins with JSON, as what is emitted here does.
func TestEncode_CapturedEvents_GiveTheSameBytesFromText(t *testing.T) {
	for _, c := range captures(t) {
		for _, m := range c.messages {
			decoded := decode(t, c.reader(m, foreignUID), m.channel, m.payload)
			decoded.Namespace = strings.TrimSuffix(decoded.Namespace, "#"+c.asks)
			if c.name == "emitter" {
				decoded.Sender = format.Emitter
			}
			text, attachments, err := decoded.Event.JSON()
			require.NoError(t, err)
			if text == nil || strings.Contains(m.step, "compress(false)") {
				continue
			}
			decoded.Event = format.NewPayload(text, attachments)
			assert.Equal(t, string(m.payload), string(encode(t, c.reader(m, "x"), decoded).Payload), "%s: %s", c.name, m.step)
		}
	}
}

func TestDecode_CapturedMessages_OwnOnesAreDropped(t *testing.T) {
	for _, c := range captures(t) {
		if c.name == "emitter" {
			continue
		}
		for _, m := range c.messages {
			own := c.asks
			if c.sharded() && strings.HasSuffix(m.channel, "#"+c.asks+"#") {
				own = c.answers
			} else if strings.Contains(m.channel, "-response#") {
				continue // answers of Node.js do not say who answers
			}
			_, err := c.dialect(own).Decode(m.channel, m.payload)
			assert.Equal(t, format.ErrOwn, err, m.step) // nothing else, as it is frequent
		}
	}
}

func TestChannels_CapturedSubscriptions_AreAmongThem(t *testing.T) {
	for _, c := range captures(t) {
		d := c.dialect(c.asks)
		var names []string
		for _, s := range append(d.Channels("/"), c.dialect(c.answers).Channels("/")...) {
			names = append(names, s.Name)
		}
		for _, name := range c.subscribed {
			_, room, ok := d.Room(name)
			if !ok || room == c.answers {
				assert.Contains(t, names, name)
				continue
			}
			s, subscribes := d.RoomChannel("/", room)
			assert.True(t, subscribes, name)
			assert.Equal(t, format.Subscription{Kind: format.Shard, Name: name}, s)
		}
	}
}
