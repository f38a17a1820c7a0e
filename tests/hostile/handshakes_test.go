package hostile

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

const (
	tooMany     = `{"code":3,"message":"Too many requests"}`
	unavailable = `{"code":3,"message":"Service unavailable"}`
	fromPage    = "Origin: https://page.test\r\n"
)

// from makes a request one of a client behind this machine, which is a trusted proxy in these tests.
func from(address string) string { return "X-Forwarded-For: " + address + "\r\n" }

func proxied(o actio.EngineOptions) actio.Options {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return actio.Options{Engine: o}
}

// enter opens a session over websocket, and waits until it is open. It returns the status of the answer.
func (h *host) enter(t *testing.T, headers string) (s *socket, status int) {
	t.Helper()
	s, response := h.handshake(t, overSocket, headers)
	if response.StatusCode == http.StatusSwitchingProtocols {
		assert.Contains(t, s.mustNext(t), `0{"sid"`)
	}
	return s, response.StatusCode
}

// knock opens a session and leaves it.
func (h *host) knock(t *testing.T, headers string) (status int) {
	t.Helper()
	s, status := h.enter(t, headers)
	require.NoError(t, s.Close())
	return status
}

// refusedFor checks what a page can read of a refusal, and that a websocket gets the same before it is upgraded.
func (h *host) refusedFor(t *testing.T, headers string, status int, retryAfter, body string) {
	t.Helper()
	a := h.ask(t, http.MethodGet, overPoll, headers+fromPage, "")
	assert.Equal(t, status, a.status)
	assert.Equal(t, retryAfter, a.header.Get("Retry-After"))
	assert.Equal(t, "*", a.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, body, a.body)
	assert.Equal(t, status, h.knock(t, headers))
}

func TestHandshakes_TooManyConnectionsOfOneAddress_RefuseItAlone(t *testing.T) {
	h := serve(t, proxied(actio.EngineOptions{MaxConnectionsPerIP: 2}))
	n := h.neighbour(t) // of 127.0.0.1
	const address = "2001:db8:1:2::1"
	for range 2 {
		_, status := h.enter(t, from(address))
		require.Equal(t, http.StatusSwitchingProtocols, status)
	}

	h.refusedFor(t, from(address), http.StatusTooManyRequests, "5", tooMany)
	h.refusedFor(t, from("2001:db8:1:2:ffff::9"), http.StatusTooManyRequests, "5", tooMany)
	assert.Equal(t, uint64(4), h.stats(t).RefusedPerIP)
	h.log.await(t, "WARN", "handshake refused", "too many connections from this address", "remote="+address)

	assert.Equal(t, http.StatusSwitchingProtocols, h.knock(t, from("2001:db8:1:3::1")))
	n.echo(t, "afterwards")
}

// A client that could name itself would have as many addresses as it likes.
func TestHandshakes_AddressMadeUp_DoesNotCount(t *testing.T) {
	h := serve(t, actio.Options{Engine: actio.EngineOptions{MaxConnectionsPerIP: 2}})
	n := h.neighbour(t)
	_, status := h.enter(t, from("192.0.2.1"))
	require.Equal(t, http.StatusSwitchingProtocols, status)
	h.refusedFor(t, from("192.0.2.2"), http.StatusTooManyRequests, "5", tooMany)
	n.echo(t, "afterwards")
}

func TestHandshakes_UpgradeOfASession_IsNoFurtherConnection(t *testing.T) {
	h := serve(t, actio.Options{Engine: actio.EngineOptions{
		MaxConnectionsPerIP: 1, MaxHandshakesPerSecond: 1, MaxHandshakesPerSecondPerIP: 1,
	}})
	p := h.pollConnected(t)
	s := p.probe(t)
	s.say(t, "2probe")
	s.expect(t, "3probe")
	s.say(t, "5")
	s.echo(t, "upgraded")
	require.NoError(t, s.Close())
	assert.Zero(t, h.stats(t).RefusedPerIP)
}

func TestHandshakes_TooFast_RefuseThatAddressAlone(t *testing.T) {
	h := serve(t, proxied(actio.EngineOptions{MaxHandshakesPerSecondPerIP: 1, HandshakeBurstPerIP: 3}))
	n := h.neighbour(t)
	statuses := map[int]int{}
	for range 200 {
		statuses[h.knock(t, from("192.0.2.1"))]++
	}
	assert.GreaterOrEqual(t, statuses[http.StatusSwitchingProtocols], 3)
	assert.Positive(t, statuses[http.StatusTooManyRequests])
	assert.Equal(t, 200, statuses[http.StatusSwitchingProtocols]+statuses[http.StatusTooManyRequests])
	assert.Equal(t, uint64(statuses[http.StatusTooManyRequests]), h.stats(t).RefusedRatePerIP)
	assert.Equal(t, http.StatusSwitchingProtocols, h.knock(t, from("192.0.2.2")))
	n.echo(t, "afterwards")
}

func TestHandshakes_TooFastInTotal_HarmNobodyWhoIsThere(t *testing.T) {
	h := serve(t, proxied(actio.EngineOptions{MaxHandshakesPerSecond: 1, HandshakeBurst: 3}))
	n := h.neighbour(t)
	statuses := map[int]int{}
	for i := range byte(200) {
		address := netip.AddrFrom4([4]byte{192, 0, 2, i})
		statuses[h.knock(t, from(address.String()))]++
	}
	assert.GreaterOrEqual(t, statuses[http.StatusSwitchingProtocols], 2)
	assert.Positive(t, statuses[http.StatusTooManyRequests])
	assert.Equal(t, uint64(statuses[http.StatusTooManyRequests]), h.stats(t).RefusedRate)
	h.log.await(t, "WARN", "handshake refused", "too many handshakes")
	n.echo(t, "afterwards")
}

func TestHandshakes_TooManyConnections_AreRefusedAndSeen(t *testing.T) {
	h := serve(t, actio.Options{Engine: actio.EngineOptions{MaxConnections: 2}})
	n := h.neighbour(t)
	_, status := h.enter(t, "")
	require.Equal(t, http.StatusSwitchingProtocols, status)
	h.refusedFor(t, "", http.StatusServiceUnavailable, "5", unavailable)
	assert.Equal(t, uint64(2), h.stats(t).RefusedConnections)
	h.log.await(t, "WARN", "handshake refused", "too many connections")
	n.echo(t, "afterwards")
}

// Who does not authenticate keeps others out, not those who have.
func TestHandshakes_TooManyUnauthenticated_AreRefusedAndSeen(t *testing.T) {
	h := serve(t, actio.Options{
		Authenticate:       func(context.Context, *actio.Handshake) (*actio.Principal, error) { return &actio.Principal{}, nil },
		MaxUnauthenticated: 1,
	})
	s := h.connect(t)
	h.refusedFor(t, "", http.StatusServiceUnavailable, "5", unavailable)
	assert.Equal(t, uint64(2), h.stats(t).RefusedUnauthenticated)
	h.log.await(t, "WARN", "handshake refused", "too many connections without authentication")

	s.say(t, `420["authenticate"]`)
	assert.Contains(t, s.mustNext(t), `42["authenticated"`)
	assert.Contains(t, s.mustNext(t), `42["ping"`)
	require.Zero(t, h.stats(t).Unauthenticated)
	h.connect(t)
	h.refusedFor(t, "", http.StatusServiceUnavailable, "5", unavailable)
	s.echo(t, "afterwards")
}

// Polling handshakes that nobody comes back for take the place of others, but not for long, and the log says who they were.
func TestHandshakes_Abandoned_CloseTheServerForAMomentOnly(t *testing.T) {
	const all = 3
	h := serve(t, actio.Options{
		Authenticate:       func(context.Context, *actio.Handshake) (*actio.Principal, error) { return &actio.Principal{}, nil },
		MaxUnauthenticated: all,
		Engine:             actio.EngineOptions{HandshakeTimeout: 500 * time.Millisecond},
	})
	n := h.connect(t) // who answers no heartbeat in the time that this takes
	n.say(t, `420["authenticate"]`)
	assert.Contains(t, n.mustNext(t), `42["authenticated"`)
	assert.Contains(t, n.mustNext(t), `42["ping"`)
	opened := 0
	for opened < all {
		if h.ask(t, http.MethodGet, overPoll, "", "").status == http.StatusOK {
			opened++
		}
	}
	refused := 0
	for h.knock(t, "") == http.StatusServiceUnavailable { // what a client does that is refused
		refused++
	}
	assert.Positive(t, refused)
	st := h.stats(t)
	assert.Positive(t, st.HandshakesAbandoned)
	assert.Positive(t, st.RefusedUnauthenticated)
	h.log.await(t, "WARN", "handshake refused", "too many connections without authentication", "remote=127.0.0.1")
	h.log.await(t, "INFO", "polling client never came back", "remote=127.0.0.1")
	n.echo(t, "afterwards")
}
