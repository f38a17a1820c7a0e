package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
)

// patience bounds every wait of a test.
const patience = 20 * time.Second

// requestTimeout is how long members wait for each other's answers. It is only waited for in full where somebody is silent.
const requestTimeout = 3 * time.Second

// medium is how the members of a cluster talk to each other.
type medium struct {
	name  string
	ignis bool           // the neighbour is the helper of Ignis
	node  jspeer.Options // of the neighbour
	actio actio.RedisOptions
}

// media are all of them.
func media() []medium {
	sharded := func(name, mode string, m actio.SubscriptionMode, prefix string) medium {
		return medium{
			name: name, node: jspeer.Options{Adapter: jspeer.Sharded, Mode: mode, Prefix: prefix},
			actio: actio.RedisOptions{Adapter: actio.ShardedAdapter, SubscriptionMode: m, Prefix: prefix},
		}
	}
	return []medium{
		{name: "classic"},
		{name: "classic, rooms subscribed to", actio: actio.RedisOptions{DynamicRooms: true}},
		{
			name: "classic, answers to who asked", node: jspeer.Options{Specific: true, Prefix: "app"},
			actio: actio.RedisOptions{SpecificResponses: true, Prefix: "app"},
		},
		{name: "classic, only Node answers to who asked", node: jspeer.Options{Specific: true}},
		{name: "ignis", ignis: true},
		sharded("sharded dynamic", "", actio.DynamicMode, ""),
		sharded("sharded static", jspeer.Static, actio.StaticMode, "app"),
		sharded("sharded dynamic-private", jspeer.DynamicPrivate, actio.DynamicPrivateMode, ""),
		{
			name: "streams", node: jspeer.Options{Adapter: jspeer.Streams}, actio: actio.RedisOptions{Adapter: actio.StreamsAdapter},
		},
		{
			name: "streams, several, sharded channels",
			node: jspeer.Options{Adapter: jspeer.Streams, Stream: "app", StreamCount: 3, ShardedChannels: true, Prefix: "app"},
			actio: actio.RedisOptions{Adapter: actio.StreamsAdapter, Prefix: "app", Streams: actio.StreamsOptions{
				Name: "app", Count: 3, UseShardedPubSub: true,
			}},
		},
	}
}

// overEachMedium runs a test for each medium.
func overEachMedium(t *testing.T, test func(t *testing.T, m medium)) {
	t.Helper()
	t.Parallel()
	for _, m := range media() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// classic tells whether the members speak the wire of the classic adapter.
func (m medium) classic() bool { return m.actio.Adapter == actio.ClassicAdapter }

// sharded tells whether they speak that of the sharded adapter.
func (m medium) sharded() bool { return m.actio.Adapter == actio.ShardedAdapter }

// prefix of the channels.
func (m medium) prefix() string {
	if m.actio.Prefix == "" {
		return "socket.io"
	}
	return m.actio.Prefix
}

// redisOptions are those of an instance of actio.
func (m medium) redisOptions(r store) actio.RedisOptions {
	o := m.actio
	o.Client, o.RequestTimeout = r.client(), requestTimeout
	return o
}

// startNode starts a neighbour.
func (m medium) startNode(t *testing.T, r store) *node {
	t.Helper()
	if m.ignis {
		return newNode(jspeer.StartIgnis(t, r.where))
	}
	o := m.node
	o.Redis, o.Timeout, o.Namespaces = r.where, requestTimeout, []string{"/", "/custom"}
	return newNode(jspeer.Start(t, o))
}

// cluster is a server of Node.js, two instances of actio, and two clients on each.
type cluster struct {
	medium medium
	store  store
	look   redis.UniversalClient // of the test's own
	js     *jsclient.Harness

	node     *node
	one, two *instance
	members  []member
	speakers []speaker // members, and emitters where a test wants them
	clients  []*client
}

// The rooms of the clients. One looks like a socket id of Node.js, and one like a pattern of Redis.
const (
	roomLikeID   = "abcdefghij0123456789"
	roomLikeGlob = "ünï[*]?\\#"
)

// prepare makes a cluster that has nothing but a server of Node.js.
func (m medium) prepare(t *testing.T, r store, js *jsclient.Harness) *cluster {
	t.Helper()
	return &cluster{medium: m, store: r, look: r.client(), js: js, node: m.startNode(t, r)}
}

// start starts a cluster on one server of Redis.
func (m medium) start(t *testing.T) *cluster {
	t.Helper()
	return m.startOn(t, oneServer(t))
}

// startOn starts a cluster.
func (m medium) startOn(t *testing.T, r store) *cluster {
	t.Helper()
	c := m.prepare(t, r, jsclient.Start(t))
	c.one = startInstance(t, "one", m.redisOptions(r))
	c.two = startInstance(t, "two", m.redisOptions(r))
	c.members = []member{c.node, c.one, c.two}
	for _, member := range c.members {
		c.speakers = append(c.speakers, member)
	}
	c.connect(t, c.node, "red")
	c.connect(t, c.node, "blue", "42", roomLikeGlob)
	c.connect(t, c.one, "red", "blue", roomLikeID)
	c.connect(t, c.one)
	c.connect(t, c.two, "42", roomLikeGlob)
	c.connect(t, c.two, "red", "only")
	c.settle(t)
	return c
}

// dial connects a client to a member and waits until it is authenticated, where that is the custom.
func (c *cluster) dial(t *testing.T, home member, o jsclient.Options) *jsclient.Client {
	t.Helper()
	url, path := home.where()
	o.Transports, o.Path = jsclient.WebSocket, path
	if o.Auth == nil {
		o.Auth = map[string]any{"token": "good"}
	}
	if _, ofNode := home.(*node); !ofNode || c.medium.ignis {
		o.Greet = "authenticate"
	}
	dialled, err := c.js.Dial(t.Context(), url, o)
	require.NoError(t, err)
	if o.Greet != "" {
		wait(t, dialled, "authenticated")
	}
	return dialled
}

// connect connects a client that is in some rooms. It answers questions with its title.
func (c *cluster) connect(t *testing.T, home member, rooms ...string) *client {
	t.Helper()
	title := fmt.Sprintf("client %d of %s", len(c.clients), home.name())
	dialled := c.dial(t, home, jsclient.Options{Answer: []any{title, "a second argument"}})
	added := &client{Client: dialled, home: home, title: title, rooms: rooms}
	if len(rooms) > 0 {
		home.join(t, dialled.ID(), rooms...)
	}
	c.clients = append(c.clients, added)
	return added
}

// ordered tells whether what a speaker publishes on several channels arrives in order: on a cluster of Redis with the classic
// adapter it does only from members that run actio. The packages, and actio's emitter, send each channel by another node.
func (c *cluster) ordered(by speaker) bool {
	_, ours := by.(*instance)
	return ours || !c.store.where.Cluster || !c.medium.classic()
}

// meant are the clients that an operation is for.
func (c *cluster) meant(by speaker, to target) []*client {
	return slices.DeleteFunc(slices.Clone(c.clients), func(one *client) bool { return !one.meant(by, to) })
}

// ids of clients.
func ids(clients []*client) []string {
	all := make([]string, len(clients))
	for i, c := range clients {
		all[i] = c.ID()
	}
	return all
}

// titles of clients, as their answers come.
func titles(clients []*client) []any {
	all := make([]any, len(clients))
	for i, c := range clients {
		all[i] = c.title
	}
	return all
}

// settle waits until the subscriptions of the members to the channels of rooms are what the rooms of the clients demand,
// where rooms have channels: adapters do not wait for them.
func (c *cluster) settle(t *testing.T) {
	t.Helper()
	rooms := make(map[string]bool)
	for _, one := range c.clients {
		rooms[one.ID()] = true
		for _, room := range one.rooms {
			rooms[room] = true
		}
	}
	for room := range rooms {
		c.settleRoom(t, room)
	}
}

// settleRoom does so for one room.
func (c *cluster) settleRoom(t *testing.T, room string) {
	t.Helper()
	channel := c.medium.prefix() + "#/#" + room + "#"
	homes := make(map[member]bool)
	for _, one := range c.clients {
		if one.in(room) {
			homes[one.home] = true
		}
	}
	switch o := c.medium.actio; {
	case o.DynamicRooms: // Node.js has a pattern
		delete(homes, c.node)
	case c.medium.sharded() && o.SubscriptionMode == actio.DynamicPrivateMode,
		c.medium.sharded() && o.SubscriptionMode == actio.DynamicMode && len(utf16.Encode([]rune(room))) != 20:
	default:
		return
	}
	require.EventuallyWithT(t, func(collect *assert.CollectT) {
		assert.Equal(collect, len(homes), listeners(collect, c.look, !c.medium.classic(), channel))
	}, patience, 5*time.Millisecond, room)
}

// waiter is what events come from.
type waiter interface {
	WaitEvent(ctx context.Context, name string) (jsclient.Args, error)
}

// wait waits for the next event of that name and returns its arguments.
func wait(t *testing.T, from waiter, event string) []any {
	t.Helper()
	args, err := from.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	return args.Values()
}

// mark makes a speaker send an event to all clients and waits until all have it: what it sent before has arrived then.
func (c *cluster) mark(t *testing.T, by speaker) {
	t.Helper()
	event := "mark of " + by.name()
	by.emit(t, target{}, event)
	for _, one := range c.clients {
		wait(t, one, event)
	}
}

// heard are the names of the events that a client received and that begin with a prefix, in the order of their arrival.
func heard(c *jsclient.Client, prefix string) []string {
	return slices.DeleteFunc(c.Events(), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}
