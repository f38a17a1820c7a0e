package cluster

import "testing"

// TestMixedCluster runs every operation of a cluster in every direction, for each medium. The operations share a cluster and
// leave it as they found it.
func TestMixedCluster_EveryOperation_InEveryDirection(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		c := m.start(t)
		c.speakers = append(c.speakers, c.emitters(t)...)
		for _, operation := range []struct {
			name string
			run  func(t *testing.T, c *cluster)
		}{
			{"broadcasts", broadcasts},
			{"values", values},
			{"exact numbers", exactNumbers},
			{"namespaces", namespaces},
			{"acknowledgements", acknowledgements},
			{"fetched sockets", fetchedSockets},
			{"all rooms", allRooms},
			{"joined and left rooms", joinedAndLeft},
			{"joined rooms reached at once", joinedAndReached},
			{"server events", serverEvents},
			{"disconnected sockets", disconnected},
		} {
			t.Run(operation.name, func(t *testing.T) { operation.run(t, c) })
		}
	})
}
