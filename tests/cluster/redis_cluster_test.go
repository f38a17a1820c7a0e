package cluster

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRedisCluster_EveryOperation_InEveryDirection: the same on a cluster of Redis. There channels are on different nodes, and
// nobody promises an order among them; so broadcasts are looked at otherwise. Prefixes and streams keep the media apart.
func TestRedisCluster_EveryOperation_InEveryDirection(t *testing.T) {
	t.Parallel()
	r := sixNodes(t)
	for _, m := range media() {
		if m.ignis || m.node.Specific {
			continue // that makes no difference here
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.node.Prefix = "on six nodes, " + m.name
			m.actio.Prefix = m.node.Prefix
			c := m.startOn(t, r)
			c.speakers = append(c.speakers, c.emitters(t)...)
			for _, operation := range []struct {
				name string
				run  func(t *testing.T, c *cluster)
			}{
				{"broadcasts", unorderedBroadcasts},
				{"acknowledgements", acknowledgements},
				{"fetched sockets", fetchedSockets},
				{"all rooms", allRooms},
				{"server events", serverEvents},
				{"disconnected sockets", disconnected},
			} {
				t.Run(operation.name, func(t *testing.T) { operation.run(t, c) })
			}
		})
	}
}

// unorderedBroadcasts: whoever speaks reaches all whom he means, and nobody gets anything twice.
func unorderedBroadcasts(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range c.speakers {
		want := make(map[*client][]string)
		for i, row := range c.targets() {
			event := fmt.Sprintf("%s: %d, to %s", by.name(), i, row.name)
			by.emit(t, row.to, event, i, []byte{1})
			for _, one := range c.meant(by, row.to) {
				want[one] = append(want[one], event)
			}
		}
		for _, one := range c.clients {
			for _, event := range want[one] {
				wait(t, one, event)
			}
		}
		c.mark(t, by)
		for _, one := range c.clients {
			assert.ElementsMatch(t, want[one], heard(one.Client, by.name()+": "), one.title)
		}
	}
}
