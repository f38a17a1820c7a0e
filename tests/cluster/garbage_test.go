package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// garbage is what no adapter sends, on whatever channel.
func garbage() []string {
	const opts = `"opts":{"rooms":[],"except":[],"flags":{}}`
	all := []string{
		"", " ", "garbage", "\xff\xfe\xfd", "null", "[1,2]", "{", "{}", "{} {}", `{"type":"x"}`, `{"type":-1}`, `{"type":1e300}`, `{"type":null}`,
		`{"uid":5,"requestId":{},"type":5,"opts":[]}`, `{"uid":"x","type":2,"opts":{"rooms":"red","except":7},"rooms":9}`,
		// Without saying whom they are for.
		`{"type":4}`, `{"uid":"x","type":4,"close":true}`, `{"type":4,"sid":""}`, `{"type":4,"sid":5,"close":true}`,
		`{"uid":"x","type":2,"rooms":["stolen"]}`, `{"uid":"x","type":3,"rooms":["red"]}`,
		`{"uid":"x","nsp":"/","type":6,"data":{}}`, `{"uid":"x","nsp":"/","type":4,"data":{"rooms":["stolen"]}}`,
		// With something that is no event.
		`{"uid":"x","nsp":"/","type":3,"data":5}`, `{"uid":"x","nsp":"/","type":3,"data":{"packet":[],"opts":null}}`,
		`{"uid":"x","nsp":"/","type":9,"data":{"packet":5}}`, `{"uid":"x","type":6,"data":[]}`, `{"uid":"x","type":6,"data":{}}`,
		`{"actio":1,"kind":"hello"}`, `{"actio":"x"}`, strings.Repeat(`{"a":`, 100_000),
		"\xc0", "\xc1", "\x90", "\x93\xc0\xc0\xc0", "\x93\xa1x\x80\x80", "\x80", "\x81\xa4type",
		"\x85\xa3uid\xa1x\xa4type\x07", "\x83\xa4type\x09\xa9requestId\xc0\xa6packet\xc0",
	}
	for _, data := range []string{`[]`, `"text"`, `5`, `null`, `{}`, `[null]`, `[{}]`, `["connect"]`, `["disconnect","x"]`} {
		all = append(all, `{"uid":"x","nsp":"/","type":3,"data":{`+opts+`,"packet":{"type":2,"data":`+data+`}}}`,
			`{"uid":"x","nsp":"/","type":3,"data":{"requestId":"0",`+opts+`,"packet":{"type":2,"data":`+data+`}}}`)
	}
	const packed = "\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80"
	for _, data := range []string{"\x90", "\xa4text", "\x05", "\xc0", "\x80", "\x91\xc0", "\x91\x80", "\x91\xa7connect"} {
		all = append(all, "\x93\xa1x\x83\xa4type\x02\xa4data"+data+"\xa3nsp\xa1/"+packed,
			"\x85\xa3uid\xa1x\xa9requestId\xa10\xa4type\x07\xa6packet\x83\xa4type\x02\xa4data"+data+"\xa3nsp\xa1/\xa4opts"+packed)
	}
	huge := string(binary.BigEndian.AppendUint32(nil, 0xffffffff))
	for _, header := range []string{"\xdd", "\xdf", "\xdb", "\xc6", "\xc9"} { // lengths of 4 GiB
		all = append(all, header+huge)
	}
	return append(all, strings.Repeat("\x91", 100_000), string(bytes.Repeat([]byte{0x81, 0xa1, 'a'}, 100_000)))
}

// channels are all that an instance of actio listens to.
func (m medium) channels(i *instance) []string {
	p := m.prefix()
	if !m.classic() {
		all := []string{p + "#/#", p + "#/#" + i.ID() + "#", p + "-actio#/#", p + "-actio-members#"}
		if m.sharded() && m.actio.SubscriptionMode != actio.StaticMode {
			all = append(all, p+"#/#red#")
		}
		return all
	}
	return []string{
		p + "#/#", p + "#/#red#", p + "-request#/#", p + "-response#/#", p + "-response#/#" + i.ID() + "#",
		p + "-actio#/#", p + "-actio-members#",
	}
}

// noticed is how many messages an instance has counted as none that concerns it.
func noticed(t require.TestingT, i *instance) uint64 {
	stats, err := i.Stats(context.Background())
	require.NoError(t, err)
	r := stats.Redis
	return r.Malformed + r.Unknown + r.Unwanted + r.Late
}

// TestGarbage_OnEveryChannel_IsCountedAndHarmless: nothing of it ends an instance of actio, does anything, or is lost sight of.
func TestGarbage_OnEveryChannel_IsCountedAndHarmless(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		c := m.withoutNode(t)
		command := "PUBLISH"
		if m.sharded() || m.actio.Streams.UseShardedPubSub {
			command = "SPUBLISH"
		}
		for _, channel := range m.channels(c.one) {
			for _, payload := range garbage() {
				before := noticed(t, c.one)
				heard, err := c.look.Do(t.Context(), command, channel, payload).Int()
				require.NoError(t, err)
				assert.Positive(t, heard, channel)
				require.EventuallyWithT(t, func(collect *assert.CollectT) {
					assert.Equal(collect, before+1, noticed(collect, c.one))
				}, patience, time.Millisecond, "%s: %.200q", channel, payload)
			}
		}
		for _, by := range []*instance{c.one, c.two} {
			c.mark(t, by)
			assert.Len(t, by.fetch(t, target{}), len(c.clients))
			assert.ElementsMatch(t, titles(c.clients), by.ask(t, target{}, patience, "question").answers)
			stats, err := by.Stats(t.Context())
			require.NoError(t, err)
			assert.Zero(t, stats.HandlerPanics)
			assert.Equal(t, actio.HealthReady, by.Health().Status)
		}
		assert.Empty(t, c.one.fetch(t, to("stolen")))
		assert.Len(t, c.one.fetch(t, to("red")), 2)
		for _, one := range c.clients {
			assert.Empty(t, one.DisconnectReason())
			want := []string{"connect", "authenticated", "ping", "mark of one", "question", "mark of two", "question"}
			require.EventuallyWithT(t, func(collect *assert.CollectT) { // the client acknowledges before its event is told here
				assert.ElementsMatch(collect, want, one.Events())
			}, patience, time.Millisecond)
		}
	})
}

// withoutNode starts a cluster of two instances of actio with one client each.
func (m medium) withoutNode(t *testing.T) *cluster {
	t.Helper()
	r := oneServer(t)
	c := &cluster{medium: m, store: r, look: r.client(), js: jsclient.Start(t)}
	c.one = startInstance(t, "one", m.redisOptions(r))
	c.two = startInstance(t, "two", m.redisOptions(r))
	c.members = []member{c.one, c.two}
	c.connect(t, c.one, "red")
	c.connect(t, c.two, "red")
	c.settle(t)
	return c
}

// TestGarbage_OneMessage_EndsNodeWithTheOfficialAdapterAndNotActio: what the instances of actio in the same cluster count and
// forget ends a process of Node.js.
func TestGarbage_OneMessage_EndsNodeWithTheOfficialAdapterAndNotActio(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ medium, command, payload, cause string }{
		{"classic", "PUBLISH", "garbage", "trailing bytes"},
		{"sharded dynamic", "SPUBLISH", "\xc0", "Cannot read properties of null"},
	} {
		t.Run(test.medium, func(t *testing.T) {
			var m medium
			for _, one := range media() {
				if one.name == test.medium {
					m = one
				}
			}
			c := m.start(t)
			before := noticed(t, c.one)
			require.NoError(t, c.look.Do(t.Context(), test.command, m.prefix()+"#/#", test.payload).Err())
			await.Value(t, c.node.peer.Process().Ended())
			require.ErrorContains(t, c.node.peer.Process().Err(), test.cause)
			require.EventuallyWithT(t, func(collect *assert.CollectT) {
				assert.Equal(collect, uint64(1), noticed(collect, c.one)-before)
			}, patience, 5*time.Millisecond)

			c.clients = c.clients[2:]
			c.mark(t, c.one)
			c.mark(t, c.two)
			assert.ElementsMatch(t, ids(c.clients), keys(c.one.fetch(t, target{})), "nobody waits for the dead")
		})
	}
}
