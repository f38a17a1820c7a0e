package redisproc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	masters = 3
	slots   = 16384
	// nodeTimeout is how long, in milliseconds, a node is silent before the others replace it. Shorter, and a busy machine
	// looks like a dead one.
	nodeTimeout = 1500
)

// Cluster is a Redis cluster of three masters with one replica each.
type Cluster struct {
	tb      testing.TB
	servers []*Server
	ids     map[*Server]string // ids of the nodes
	buses   map[*Server]int
}

// StartCluster starts six servers, makes a cluster of them and returns when all of them agree that it is complete. A master
// that dies or stalls is replaced by its replica after about three seconds.
func StartCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, ids: map[*Server]string{}, buses: map[*Server]int{}}
	for range 2 * masters {
		bus := reservePort(tb)
		s := prepare(tb, Options{Arguments: append(clustered(bus),
			"--cluster-node-timeout", strconv.Itoa(nodeTimeout), "--cluster-replica-validity-factor", "0",
			"--cluster-allow-replica-migration", "no", "--repl-ping-replica-period", "1",
		)})
		c.servers = append(c.servers, s)
		c.buses[s] = bus
	}
	showLogs(tb, c.servers...)
	startAll(c.servers)
	c.build()
	return c
}

// StartClusterOfOne starts a server that is a whole cluster.
func StartClusterOfOne(tb testing.TB) *Server {
	tb.Helper()
	s := StartWith(tb, Options{Arguments: clustered(reservePort(tb))})
	s.must("CLUSTER", "ADDSLOTSRANGE", 0, slots-1)
	return s
}

// clustered are arguments of a node.
func clustered(bus int) []string {
	return []string{"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(bus)}
}

// build joins the servers.
func (c *Cluster) build() {
	c.tb.Helper()
	for i, s := range c.servers {
		c.ids[s] = s.must("CLUSTER", "MYID")
		s.must("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		if i < masters {
			s.must("CLUSTER", "ADDSLOTSRANGE", i*slots/masters, (i+1)*slots/masters-1)
		}
		if i > 0 {
			s.must("CLUSTER", "MEET", "127.0.0.1", c.servers[0].port, c.buses[c.servers[0]])
		}
	}
	for i, s := range c.servers {
		poll(c.tb, s.Addr()+" does not know the others", func(ctx context.Context) error { return c.acquainted(ctx, s) })
		if i >= masters {
			s.must("CLUSTER", "REPLICATE", c.ids[c.servers[i-masters]])
		}
	}
	c.WaitStable()
}

func (c *Cluster) acquainted(ctx context.Context, s *Server) error {
	nodes, err := c.nodes(ctx, s)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.has("handshake") || !n.connected {
			return fmt.Errorf("%+v", n)
		}
	}
	if len(nodes) != len(c.servers) {
		return fmt.Errorf("it knows %d", len(nodes))
	}
	return nil
}

// node is a line of CLUSTER NODES.
type node struct {
	id, master string
	flags      []string
	connected  bool
	slots      []string
}

func (n node) has(flag string) bool { return slices.Contains(n.flags, flag) }

// nodes is how a server sees the cluster.
func (c *Cluster) nodes(ctx context.Context, s *Server) ([]node, error) {
	text, err := s.text(ctx, "CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	var all []node
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			return nil, fmt.Errorf("unreadable: %q", line)
		}
		all = append(all, node{
			id: f[0], flags: strings.Split(f[2], ","), master: f[3], connected: f[7] == "connected", slots: f[8:],
		})
	}
	return all, nil
}

// WaitStable waits until all servers that live agree on who owns each slot, all slots are owned by masters that live, no slot
// is on its way, and each replica that lives follows its master and is named to clients.
func (c *Cluster) WaitStable() {
	c.tb.Helper()
	poll(c.tb, "the cluster is not stable", func(ctx context.Context) error {
		var views []string
		for _, s := range c.live() {
			view, err := c.view(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Addr(), err)
			}
			views = append(views, view)
		}
		if len(slices.Compact(views)) != 1 {
			return errors.New("the nodes do not agree")
		}
		return nil
	})
}

// view is what a server knows of the owners of slots; an error unless it finds the cluster in order.
func (c *Cluster) view(ctx context.Context, s *Server) (string, error) {
	info, err := s.text(ctx, "CLUSTER", "INFO")
	if err != nil {
		return "", err
	}
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:"+strconv.Itoa(slots)) {
		return "", errors.New(info)
	}
	if err := c.follows(ctx, s); err != nil {
		return "", err
	}
	if err := c.names(ctx, s); err != nil {
		return "", err
	}
	nodes, err := c.nodes(ctx, s)
	if err != nil {
		return "", err
	}
	var owners []string
	for _, n := range nodes {
		if !n.has("master") || len(n.slots) == 0 {
			continue
		}
		if owner := c.byID(n.id); owner == nil || !owner.Alive() {
			return "", fmt.Errorf("%s owns %v and is dead", n.id, n.slots)
		}
		if strings.Contains(strings.Join(n.slots, ""), "[") {
			return "", fmt.Errorf("on their way: %v", n.slots)
		}
		owners = append(owners, n.id+" "+strings.Join(n.slots, " "))
	}
	slices.Sort(owners)
	return strings.Join(owners, "\n"), nil
}

// follows is nil for a master, and for a replica whose master it hears.
func (c *Cluster) follows(ctx context.Context, s *Server) error {
	replication, err := s.text(ctx, "INFO", "replication")
	if err != nil {
		return err
	}
	known := 0 // a replica that was told a moment ago still is a master without slots
	for i := range masters {
		if s == c.servers[i] {
			known++
		}
	}
	nodes, err := c.nodes(ctx, s)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.has("myself") && n.has("master") && len(n.slots) > 0 {
			return nil
		}
	}
	if known == 0 && !strings.Contains(replication, "role:slave") || strings.Contains(replication, "master_link_status:down") {
		return errors.New(replication)
	}
	return nil
}

// names is nil when a server names all that live to clients. It leaves out replicas until it has heard that they replicate, and
// some clients ask only once.
func (c *Cluster) names(ctx context.Context, s *Server) error {
	client := redis.NewClient(s.ClientOptions())
	defer client.Close()                             //nolint:errcheck // it was only to ask
	ranges, err := client.ClusterSlots(ctx).Result() //nolint:staticcheck // it is what clients ask
	if err != nil {
		return err
	}
	for _, one := range c.live() {
		if !slices.ContainsFunc(ranges, func(r redis.ClusterSlot) bool {
			return slices.ContainsFunc(r.Nodes, func(n redis.ClusterNode) bool { return n.Addr == one.Addr() })
		}) {
			return fmt.Errorf("it does not name %s", one.Addr())
		}
	}
	return nil
}

func (c *Cluster) live() []*Server {
	var live []*Server
	for _, s := range c.servers {
		if s.Alive() {
			live = append(live, s)
		}
	}
	return live
}

func (c *Cluster) byID(id string) *Server {
	for _, s := range c.servers {
		if c.ids[s] == id {
			return s
		}
	}
	return nil
}

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string { return addresses(c.servers) }

// Servers are all nodes.
func (c *Cluster) Servers() []*Server { return slices.Clone(c.servers) }

// ClientOptions are those of a client. They are the caller's.
func (c *Cluster) ClientOptions() *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs:                    c.Addrs(),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Client returns a new client, which is closed at the end of the test.
func (c *Cluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(c.ClientOptions())
	c.tb.Cleanup(func() { _ = client.Close() })
	return client
}

// MasterOf is the node that owns the slot of a key or of a sharded channel.
func (c *Cluster) MasterOf(key string) *Server {
	c.tb.Helper()
	return c.ownerOf(c.slotOf(key))
}

func (c *Cluster) slotOf(key string) int {
	c.tb.Helper()
	slot, err := strconv.Atoi(c.live()[0].must("CLUSTER", "KEYSLOT", key))
	if err != nil {
		c.tb.Fatalf("redisproc: slot of %q: %v", key, err)
	}
	return slot
}

func (c *Cluster) ownerOf(slot int) (owner *Server) {
	c.tb.Helper()
	poll(c.tb, fmt.Sprintf("nobody owns slot %d", slot), func(ctx context.Context) error {
		nodes, err := c.nodes(ctx, c.live()[0])
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.has("master") && owns(n.slots, slot) {
				owner = c.byID(n.id)
				return nil
			}
		}
		return errors.New("nobody in CLUSTER NODES")
	})
	return owner
}

func owns(ranges []string, slot int) bool {
	return slices.ContainsFunc(ranges, func(r string) bool {
		first, last, isRange := strings.Cut(r, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		return err1 == nil && err2 == nil && from <= slot && slot <= to
	})
}

// MigrateSlot moves the slot of a key or of a sharded channel to another master, as an operator would who moves an empty one,
// and returns both.
func (c *Cluster) MigrateSlot(key string) (from, to *Server) {
	c.tb.Helper()
	slot := c.slotOf(key)
	from = c.ownerOf(slot)
	for i := 0; to == nil || to == from; i++ {
		to = c.ownerOf(i * slots / masters)
	}
	to.must("CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[from])
	from.must("CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to])
	to.must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
	from.must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
	return from, to
}

// Failover has the replica of the node that owns the slot of a key or of a sharded channel take its place, in good order, as an
// operator would who wants to stop the node, and returns both. [Cluster.WaitStable] waits until all nodes know.
func (c *Cluster) Failover(key string) (from, to *Server) {
	c.tb.Helper()
	slot := c.slotOf(key)
	from = c.ownerOf(slot)
	poll(c.tb, "the master has no replica", func(ctx context.Context) error {
		nodes, err := c.nodes(ctx, from)
		for _, n := range nodes {
			if n.master == c.ids[from] && n.connected {
				to = c.byID(n.id)
				return nil
			}
		}
		return errors.Join(errors.New("nobody follows it"), err)
	})
	to.must("CLUSTER", "FAILOVER")
	poll(c.tb, "the replica does not take over", func(ctx context.Context) error {
		nodes, err := c.nodes(ctx, from)
		for _, n := range nodes {
			if n.id == c.ids[to] && n.has("master") && owns(n.slots, slot) {
				return nil
			}
		}
		return errors.Join(errors.New("its master does not know"), err)
	})
	return from, to
}

// KillMaster kills the node that owns the slot of a key or of a sharded channel, and returns it. [Cluster.WaitStable] waits
// until its replica has taken its place.
func (c *Cluster) KillMaster(key string) *Server {
	c.tb.Helper()
	master := c.MasterOf(key)
	master.Kill()
	return master
}
