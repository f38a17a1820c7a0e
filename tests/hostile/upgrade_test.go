package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// upgrading is one session over polling, and a server that emits numbers to it.
type upgrading struct {
	*poller

	t    *testing.T
	side *actio.Socket // the server's
	sent int
}

func startUpgrade(t *testing.T, o actio.EngineOptions) *upgrading {
	t.Helper()
	h := serve(t, actio.Options{Engine: o})
	u := &upgrading{poller: h.pollConnected(t), t: t}
	side, err := h.Socket(t.Context(), u.id)
	require.NoError(t, err)
	u.side = side
	return u
}

// emit sends the next n numbers.
func (u *upgrading) emit(n int) {
	u.t.Helper()
	for range n {
		u.sent++
		require.NoError(u.t, u.side.Emit("n", u.sent))
	}
}

func number(n int) string { return fmt.Sprintf(`42["n",%d]`, n) }

// numbers are the numbers from the first to what was sent last, as a payload.
func (u *upgrading) numbers(first int) string {
	var all []string
	for n := first; n <= u.sent; n++ {
		all = append(all, number(n))
	}
	return strings.Join(all, "\x1e")
}

// probed opens a candidate and exchanges the probe.
func (u *upgrading) probed() *socket {
	u.t.Helper()
	c := u.probe(u.t)
	c.say(u.t, "2probe")
	c.expect(u.t, "3probe")
	return c
}

// onPolling proves that polling goes on and that nothing was lost.
func (u *upgrading) onPolling(first int) {
	u.t.Helper()
	if u.sent >= first {
		require.Equal(u.t, u.numbers(first), u.hear(u.t))
	}
	u.echo(u.t, "by polling")
	require.EventuallyWithT(u.t, func(t *assert.CollectT) { // the server hears of the candidate's end on another connection
		st, err := u.host.Stats(u.t.Context())
		require.NoError(t, err)
		assert.Equal(t, [2]uint64{0, 1}, [2]uint64{st.Upgrades, st.UpgradesFailed})
	}, patience, time.Millisecond)
}

// onSocket proves that the candidate took over and that nothing was lost.
func (u *upgrading) onSocket(c *socket, first int) {
	u.t.Helper()
	for n := first; n <= u.sent; n++ {
		c.expect(u.t, number(n))
	}
	c.echo(u.t, "by websocket")
	for _, a := range []answer{u.host.ask(u.t, http.MethodGet, u.target, "", ""), u.host.ask(u.t, http.MethodPost, u.target, "", "6")} {
		assert.Equal(u.t, http.StatusBadRequest, a.status)
	}
	second := u.probe(u.t)
	second.gone(u.t)
	c.echo(u.t, "and goes on")
	assert.Equal(u.t, uint64(1), u.host.stats(u.t).Upgrades)
}

func TestUpgrade_AnyInterleaving_LosesNothing(t *testing.T) {
	t.Parallel()
	short := actio.EngineOptions{UpgradeTimeout: 150 * time.Millisecond}
	for _, c := range []struct {
		name    string
		options actio.EngineOptions
		test    func(t *testing.T, u *upgrading)
	}{
		{"a candidate that says nothing is given up in time", short, func(t *testing.T, u *upgrading) {
			c := u.probe(t)
			u.emit(2)
			require.Equal(t, u.numbers(1), u.hear(t)) // no probe: polling is not held up
			c.gone(t)
			u.onPolling(3)
		}},
		{"probe, then nothing", short, func(_ *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(3)
			c.gone(u.t)
			u.onPolling(1)
		}},
		{"probe, then nothing, while a poll takes what is sent", short, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(3)
			require.Equal(t, u.numbers(1), u.hear(t))
			c.gone(t)
			u.onPolling(4)
		}},
		{"probe, then the end of the connection", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(3)
			reset(t, c.Conn)
			require.Equal(t, u.numbers(1), u.hear(t))
			u.onPolling(4)
		}},
		{"probe, then a close frame", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(3)
			c.raw(t, frameOf(1000))
			c.gone(t)
			u.onPolling(1)
		}},
		{"probe, then a close packet", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(1)
			c.say(t, "1")
			c.gone(t)
			u.onPolling(1)
		}},
		{"probe and upgrade back to back", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			u.emit(3)
			c := u.probe(t)
			c.raw(t, append(text("2probe"), text("5")...))
			c.expect(t, "3probe")
			u.emit(3)
			u.onSocket(c, 1)
		}},
		{"probe, upgrade and an event back to back", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probe(t)
			c.raw(t, append(append(text("2probe"), text("5")...), text(`42["echo","early"]`)...))
			c.expect(t, "3probe", `42["echo","early"]`)
			u.emit(1)
			u.onSocket(c, 1)
		}},
		{"everything in the segment of the handshake", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			l := u.host.line(t)
			target := strings.Replace(u.target, "polling", "websocket", 1)
			all := []byte(request(http.MethodGet, target, upgrade, ""))
			all = append(append(append(all, text("2probe")...), text("5")...), text(`42["echo","early"]`)...)
			_, err := l.Write(all)
			require.NoError(t, err)
			response, err := http.ReadResponse(l.r, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
			c := &socket{Conn: l.Conn, r: l.r}
			c.expect(t, "3probe", `42["echo","early"]`)
			u.onSocket(c, 1)
		}},
		{"emits before, during and after arrive once and in order", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			u.emit(50)
			c := u.probed()
			u.emit(50)
			require.Equal(t, u.numbers(1), u.hear(t))
			u.emit(50)
			c.say(t, "5")
			u.emit(50)
			u.onSocket(c, 101)
		}},
		{"events posted during the probe are answered after it", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.say(t, `42["echo","a"]`, `42["echo","b"]`)
			c.say(t, "5")
			c.expect(t, `42["echo","a"]`, `42["echo","b"]`)
			u.onSocket(c, 1)
		}},
		{"a poll that waits when the probe comes carries what is sent", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			u.ask(t)
			u.say(t, "6") // the poll waits
			c := u.probed()
			u.emit(1)
			require.Equal(t, number(1), u.listen(t))
			u.emit(1)
			c.say(t, "5")
			u.onSocket(c, 2)
		}},
		{"a poll that waits when the probe comes is answered soon, with nothing", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			u.ask(t)
			u.say(t, "6") // the poll waits
			c := u.probed()
			require.Equal(t, "6", u.listen(t))
			c.say(t, "5")
			u.emit(1)
			u.onSocket(c, 1)
		}},
		{"polls that come after the probe are answered, too", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			for range 5 {
				require.Equal(t, "6", u.hear(t))
			}
			c.say(t, "5")
			u.onSocket(c, 1)
		}},
		{"a second candidate is closed, the first goes on", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(1)
			u.probe(t).gone(t)
			second := u.probe(t)
			_, _ = second.Write(append(text("2probe"), text("5")...))
			second.gone(t)
			c.say(t, "5")
			u.onSocket(c, 1)
		}},
		{"a failed candidate may be followed by a good one", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			first := u.probed()
			u.emit(2)
			first.say(t, "6")
			first.gone(t)
			c := u.probed()
			u.emit(2)
			c.say(t, "5")
			u.onSocket(c, 1)
		}},
		{"the client closes the session during the probe", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.ask(t)
			u.say(t, "1")
			require.Equal(t, "6", u.listen(t))
			c.gone(t)
			u.over(t)
			assert.Equal(t, actio.ReasonTransportClose, u.host.reasonOf(t, u.id))
		}},
		{"the server closes the session during the probe, the upgrade comes", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(1)
			u.side.Close()
			assert.Equal(t, actio.ReasonForcedServerClose, u.host.reasonOf(t, u.id))
			c.say(t, "5")
			c.expect(t, number(1), "41")
			assert.Equal(t, uint16(1000), c.end(t))
		}},
		{"the server closes the session during the probe, the candidate is closed", actio.EngineOptions{}, func(t *testing.T, u *upgrading) {
			c := u.probed()
			u.emit(1)
			u.side.Close()
			assert.Equal(t, actio.ReasonForcedServerClose, u.host.reasonOf(t, u.id))
			reset(t, c.Conn)
			require.Equal(t, number(1)+"\x1e41", u.hear(t))
			require.Equal(t, "1", u.hear(t))
			u.over(t)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, startUpgrade(t, c.options))
		})
	}
}

// Whatever a candidate says beside probe and upgrade, it is given up and polling goes on as if nothing had been.
func TestUpgrade_GarbageOnTheCandidate_LeavesPollingAlone(t *testing.T) {
	t.Parallel()
	for name, garbage := range map[string][]byte{
		"engine type":             text("x"),
		"empty message":           text(""),
		"ping without the word":   text("2"),
		"probe of something else": text("2prob"),
		"upgrade without a probe": text("5"),
		"pong":                    text("3probe"),
		"noop":                    text("6"),
		"open":                    text("0{}"),
		"event":                   text(`42["echo","stolen"]`),
		"connect":                 text("40/other,"),
		"bad event":               text("42["),
		"beginning of a packet":   text(`451-["echo",` + placeholder + "]"),
		"attachment":              bytesOf("a"),
		"not UTF-8":               text("4\xff"),
		"unmasked":                {fin | opText, 1, '5'},
		"reserved bits":           frame(fin|0x70|opText, []byte("5")),
		"too big":                 append(header(fin|opText, 1_000_001), make([]byte, 1_000_001)...),
	} {
		for _, first := range []string{"", "2probe"} {
			t.Run(name+" after "+first, func(t *testing.T) {
				t.Parallel()
				u := startUpgrade(t, actio.EngineOptions{})
				if first != "" && name == "upgrade without a probe" {
					first, garbage = "", text("5")
				}
				c := u.probe(t)
				if first != "" {
					c.say(t, first)
					c.expect(t, "3probe")
				}
				u.emit(2)
				_, _ = c.Write(garbage)
				c.gone(t)
				u.onPolling(1)
				assert.Zero(t, u.host.stats(t).ParseErrors)
			})
		}
	}
}

// The heartbeat waits for the end of an upgrade: a ping could not leave, and nobody may die of that.
func TestUpgrade_ThatTakesManyHeartbeats_IsNotKilledByThem(t *testing.T) {
	t.Parallel()
	for _, finish := range []bool{true, false} {
		t.Run(fmt.Sprintf("finished %v", finish), func(t *testing.T) {
			t.Parallel()
			u := startUpgrade(t, actio.EngineOptions{PingInterval: 50 * time.Millisecond, PingTimeout: 500 * time.Millisecond})
			clock := u.host.connect(t)
			require.Equal(t, "2", u.hear(t))
			c := u.probed()
			u.say(t, "3") // the pong for the last ping of polling
			u.emit(2)
			for range 14 { // a client beside it has many heartbeats meanwhile, for longer than one may take
				first, payload, err := clock.readFrame()
				require.NoError(t, err)
				require.Equal(t, byte(fin|opText), first)
				require.Equal(t, "2", string(payload))
				clock.say(t, "3")
			}
			u.emit(2)
			if finish {
				c.say(t, "5")
				c.expect(t, number(1), number(2), number(3), number(4))
				c.echo(t, "alive")
				for range 3 {
					_, payload, err := c.readFrame()
					require.NoError(t, err)
					require.Equal(t, "2", string(payload))
					c.say(t, "3")
				}
				return
			}
			require.NoError(t, c.Close())
			heard := u.hear(t)
			require.True(t, strings.HasPrefix(heard, u.numbers(1)), heard)
			assert.Equal(t, uint64(1), u.host.stats(t).UpgradesFailed)
		})
	}
}
