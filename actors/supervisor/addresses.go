package supervisor

import (
	"net/netip"
	"time"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/transport"
)

const (
	// maxBuckets bounds the addresses whose handshakes are remembered. When there are more within the time in which they count,
	// all are forgotten: what comes from so many places, no limit for one of them would stop.
	maxBuckets = 1 << 16
	// forgetInterval is the time between two looks for addresses that may be forgotten.
	forgetInterval = 10 * time.Second
)

// addresses is what is known of the addresses of clients: how many connections each has, and how often it came. It remembers an
// address as long as it has connections, and for as long as its last handshakes count.
type addresses struct {
	connections int         // of one address, at most; 0: no bound
	rate        actors.Rate // of the handshakes of one address

	held    map[netip.Addr]int
	buckets map[netip.Addr]actors.Bucket
}

func newAddresses(o Options) addresses {
	return addresses{
		connections: o.MaxConnectionsPerIP, rate: o.HandshakesPerIP,
		held: make(map[netip.Addr]int), buckets: make(map[netip.Addr]actors.Bucket),
	}
}

// placeOf is what counts as one address: of version 6 a network of 64 bits, the least that a client is given.
func placeOf(client netip.Addr) netip.Addr {
	client = client.Unmap().WithZone("")
	if client.Is6() {
		if network, err := client.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return client
}

// full tells whether an address has as many connections as it may have. One that is unknown has no limit.
func (a *addresses) full(client netip.Addr) bool {
	return a.connections > 0 && client.IsValid() && a.held[placeOf(client)] >= a.connections
}

// came counts a handshake of an address, and reports whether it may have one more.
func (a *addresses) came(client netip.Addr, now time.Duration) bool {
	if !a.rate.Limited() || !client.IsValid() {
		return true
	}
	place := placeOf(client)
	b, known := a.buckets[place]
	if !b.Take(a.rate, 1, now) {
		return false
	}
	if !known && len(a.buckets) >= maxBuckets {
		if a.forget(now); len(a.buckets) >= maxBuckets {
			a.buckets = make(map[netip.Addr]actors.Bucket)
		}
	}
	a.buckets[place] = b
	return true
}

// forget drops the buckets that are full again, and the room that they took.
func (a *addresses) forget(now time.Duration) {
	rest := make(map[netip.Addr]actors.Bucket)
	for place, b := range a.buckets {
		if !b.Full(now) {
			rest[place] = b
		}
	}
	a.buckets = rest
}

// opened and closed count the connections of an address.
func (a *addresses) opened(client netip.Addr) {
	if a.connections > 0 && client.IsValid() {
		a.held[placeOf(client)]++
	}
}

func (a *addresses) closed(client netip.Addr) {
	if a.connections == 0 || !client.IsValid() {
		return
	}
	place := placeOf(client)
	if a.held[place]--; a.held[place] <= 0 {
		delete(a.held, place)
	}
}

// admit answers for a handshake, and counts it if it may go on.
func (s *supervisor) admit(m *admit) {
	now := time.Since(s.began)
	err := s.refuse()
	switch total := s.handshakes; {
	case err != nil:
	case s.addresses.full(m.client):
		err = transport.ErrTooManyOfClient
	case s.options.Handshakes.Limited() && !total.Take(s.options.Handshakes, 1, now):
		err = transport.ErrTooFast
	case !s.addresses.came(m.client, now):
		err = transport.ErrClientTooFast
	default:
		s.handshakes = total
		s.remember()
	}
	m.reply <- err
}

// remember sees to it that addresses are forgotten.
func (s *supervisor) remember() {
	if len(s.addresses.buckets) > 0 && !s.forgetting && !s.stopping {
		s.forgetting = true
		s.forgetTimer.Reset(forgetInterval)
	}
}

func (s *supervisor) forget() {
	s.forgetting = false
	s.addresses.forget(time.Since(s.began))
	s.remember()
}
