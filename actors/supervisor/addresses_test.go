package supervisor

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/transport"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func perIP(n int) func(*Options) {
	return func(o *Options) { o.MaxConnections, o.MaxUnauthenticated, o.MaxConnectionsPerIP = 100, 100, n }
}

func TestMaxConnectionsPerIP_Reached_RefusesThatAddressAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		one, other := addr("192.0.2.1"), addr("192.0.2.2")
		first := r.openFrom(one)
		r.openFrom(one)
		require.ErrorIs(t, r.Admit(r.ctx, one), transport.ErrTooManyOfClient)
		require.ErrorIs(t, r.refusal(handshakeFrom(one)), transport.ErrTooManyOfClient)
		require.NoError(t, r.Admit(r.ctx, other))
		r.openFrom(other)
		assert.EqualValues(t, 2, r.env.Counters.RefusedPerIP.Load())
		first.leave()
		require.NoError(t, r.Admit(r.ctx, one))
		r.openFrom(one)
		require.ErrorIs(t, r.Admit(r.ctx, one), transport.ErrTooManyOfClient)
	}, perIP(2))
}

func TestMaxConnectionsPerIP_Version6_CountsANetworkOf64Bits(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.openFrom(addr("2001:db8::1"))
		require.ErrorIs(t, r.Admit(r.ctx, addr("2001:db8::ffff:0:0:2")), transport.ErrTooManyOfClient)
		require.NoError(t, r.Admit(r.ctx, addr("2001:db8:0:1::1")))
		r.openFrom(addr("192.0.2.1"))
		require.ErrorIs(t, r.Admit(r.ctx, addr("::ffff:192.0.2.1")), transport.ErrTooManyOfClient, "the same in other words")
	}, perIP(1))
}

func TestMaxConnectionsPerIP_NoAddress_IsNoLimit(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 3 {
			require.NoError(t, r.Admit(r.ctx, netip.Addr{}))
			r.openFrom(netip.Addr{})
		}
	}, perIP(1))
}

func TestHandshakeRate_OfOneAddress_RefusesTheExcessOfThatAddress(t *testing.T) {
	inBubble(t, func(r *rig) {
		one, other := addr("192.0.2.1"), addr("192.0.2.2")
		for range 3 {
			require.NoError(t, r.Admit(r.ctx, one))
		}
		require.ErrorIs(t, r.Admit(r.ctx, one), transport.ErrClientTooFast)
		require.NoError(t, r.Admit(r.ctx, other))
		time.Sleep(500 * time.Millisecond)
		require.NoError(t, r.Admit(r.ctx, one))
		require.ErrorIs(t, r.Admit(r.ctx, one), transport.ErrClientTooFast)
		assert.EqualValues(t, 2, r.env.Counters.RefusedRatePerIP.Load())
		assert.Zero(t, r.env.Counters.RefusedRate.Load())
	}, func(o *Options) { o.HandshakesPerIP = actors.Rate{PerSecond: 2, Burst: 3} })
}

func TestHandshakeRate_OfAll_RefusesTheExcess(t *testing.T) {
	inBubble(t, func(r *rig) {
		for i := range byte(3) {
			require.NoError(t, r.Admit(r.ctx, netip.AddrFrom4([4]byte{192, 0, 2, i})))
		}
		err := r.Admit(r.ctx, addr("192.0.2.99"))
		require.ErrorIs(t, err, transport.ErrTooFast)
		require.NotErrorIs(t, err, transport.ErrClientTooFast)
		assert.EqualValues(t, 1, r.env.Counters.RefusedRate.Load())
		time.Sleep(time.Second)
		require.NoError(t, r.Admit(r.ctx, addr("192.0.2.99")), "its own share was not taken")
	}, func(o *Options) {
		o.Handshakes, o.HandshakesPerIP = actors.Rate{PerSecond: 2, Burst: 3}, actors.Rate{PerSecond: 1, Burst: 1}
	})
}

func TestAddresses_AMillionOfThem_TakeBoundedRoomAndAreForgotten(t *testing.T) {
	a := newAddresses(Options{HandshakesPerIP: actors.Rate{PerSecond: 1, Burst: 5}, MaxConnectionsPerIP: 1})
	now := time.Minute
	for i := range 1_000_000 {
		client := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if !a.came(client, now) || len(a.buckets) > maxBuckets {
			require.Fail(t, "refused, or over the bound", "%d: %d", i, len(a.buckets))
		}
		a.opened(client)
		a.closed(client)
		now += 10 * time.Microsecond // 100 000 in a second: more than there is room for
	}
	assert.NotEmpty(t, a.buckets)
	assert.Empty(t, a.held)
	a.forget(now + time.Second)
	assert.Empty(t, a.buckets)
}

func TestAddresses_TableFull_ForgetsThoseThatCountNoMore(t *testing.T) {
	a := newAddresses(Options{HandshakesPerIP: actors.Rate{PerSecond: 1, Burst: 2}})
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range maxBuckets - 1 {
		a.came(at(i), 0)
	}
	guilty := addr("192.0.2.1")
	for range 2 {
		require.True(t, a.came(guilty, time.Second))
	}
	require.True(t, a.came(addr("192.0.2.2"), time.Second))
	assert.False(t, a.came(guilty, time.Second), "remembered")
	assert.Len(t, a.buckets, 2)
}

func TestAddresses_NobodyComesAnyMore_AreForgottenByThemselves(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 15 {
			require.NoError(t, r.Admit(r.ctx, addr("192.0.2.1")))
		}
		synctest.Wait()
		assert.Equal(t, 1, r.system.Clock().Armed()["addresses"])
		time.Sleep(forgetInterval)
		synctest.Wait()
		assert.Equal(t, 1, r.system.Clock().Armed()["addresses"], "its handshakes count for 15 s")
		time.Sleep(2 * forgetInterval)
		synctest.Wait()
		assert.Zero(t, r.system.Clock().Armed()["addresses"])
	}, func(o *Options) { o.HandshakesPerIP = actors.Rate{PerSecond: 1, Burst: 15} })
}
