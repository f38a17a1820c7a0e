package link

import (
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// surveyPause is how often a cluster in which all is well is asked for its nodes.
const surveyPause = 5 * time.Second

// survey keeps the list of replicas true until the Link is closed: one that joins, or that was not named because it did not
// replicate yet, breaks no connection of ours, but clients of Node.js subscribe there, and would not be counted.
func (t *topology) survey() {
	for t.l.pause(surveyPause) {
		t.look()
	}
}

// look asks one node. It takes no turn in refresh, which must not wait for a node that happens to be silent now, and changes
// nothing but the replicas: a node that was cut off from the others may be behind in all the rest.
func (t *topology) look() {
	seen := t.seen()
	list := t.candidates()
	if len(list) == 0 {
		return
	}
	slots, from, err := t.inquire(list[0])
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.version != seen {
		return
	}
	t.replicas = nil
	for _, addr := range addresses(slots, from) {
		if !slices.Contains(t.masters, addr) {
			t.replicas = append(t.replicas, addr)
		}
	}
}

// addresses are those of all nodes in the answer of a node, each once.
func addresses(ranges []redis.ClusterSlot, from string) (all []string) {
	for _, r := range ranges {
		for _, n := range r.Nodes {
			if addr := reachable(n.Addr, from); !slices.Contains(all, addr) {
				all = append(all, addr)
			}
		}
	}
	return all
}
