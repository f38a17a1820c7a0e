package recovery

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/tests/internal/wirecutter"
)

// home is an instance that clients come to, of actio or of Node.js.
type home interface {
	address() string
	entered(t *testing.T) // waits until a new client is in room "r"
	kill(t *testing.T)
}

// nodeHome is one of Node.js.
type nodeHome struct {
	*jspeer.Peer

	witness *jsclient.Client
}

func startNode(t *testing.T, server *redisproc.Server) nodeHome {
	t.Helper()
	peer := jspeer.Start(t, jspeer.Options{
		Redis: jspeer.Redis{Nodes: []string{server.Addr()}}, Adapter: jspeer.Streams, Recovery: time.Minute,
	})
	witness, err := jsclient.Start(t).Dial(t.Context(), peer.URL(), jsclient.Options{Transports: jsclient.WebSocket})
	require.NoError(t, err)
	_, err = peer.WaitEvent(t.Context(), "connection")
	require.NoError(t, err)
	return nodeHome{peer, witness}
}

// reached waits until it has read what was emitted before.
func (n nodeHome) reached(t *testing.T, source *actio.Server) {
	t.Helper()
	require.NoError(t, source.To(n.witness.ID()).Emit("reached"))
	_, err := n.witness.WaitEvent(t.Context(), "reached")
	require.NoError(t, err)
}

func (n nodeHome) address() string { return strings.TrimPrefix(n.URL(), "http://") }

func (n nodeHome) entered(t *testing.T) {
	t.Helper()
	args, err := n.WaitEvent(t.Context(), "connection")
	require.NoError(t, err)
	var id string
	require.NoError(t, args.Decode(0, &id))
	require.NoError(t, n.Join(t.Context(), "", id, "r"))
}

func (n nodeHome) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, n.Process().Signal(os.Kill))
	await.Value(t, n.Process().Ended())
}

// journey is an official client that numbered messages flow to from an instance of its own, while it comes from one home to the
// next.
type journey struct {
	server *redisproc.Server
	look   *redis.Client
	source *actio.Server
	proxy  *wirecutter.Proxy
	client *jsclient.Client
	at     home
	id     string
	next   int // the number of the next message
	read   int // how many the client has got
}

// depart starts a client at its first home.
func depart(t *testing.T, server *redisproc.Server, first home, transports []string) *journey {
	t.Helper()
	j := &journey{server: server, look: server.Client(), at: first, proxy: wirecutter.Start(t, first.address())}
	j.source = serve(t, onStreams(server.Client())).Server
	o := (&stand{Server: j.source}).options(transports)
	o.Path = "/socket.io/"
	var err error
	j.client, err = jsclient.Start(t).Dial(t.Context(), j.proxy.URL(), o)
	require.NoError(t, err)
	id, recovered := again(t, j.client)
	require.False(t, recovered)
	j.id = id
	first.entered(t)
	upgraded(t, j.client, transports)
	return j
}

// emit sends n messages.
func (j *journey) emit(n int) error {
	for range n {
		if err := j.source.To("r").Emit("n", j.next); err != nil {
			return err
		}
		j.next++
	}
	return nil
}

// flow sends n messages while something is done, which is how many of them nobody knows.
func (j *journey) flow(t *testing.T, n int, meanwhile func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- j.emit(n) }()
	meanwhile()
	require.NoError(t, await.Value(t, done))
}

// got has the client read until it has n messages: all so far, once, in order.
func (j *journey) got(t *testing.T, n int) {
	t.Helper()
	for ; j.read < n; j.read++ {
		require.Equal(t, j.read, numberOf(t, j.client, "n"))
	}
}

// stored waits until Redis has the session. While it does not, nothing of a client is left with its instance: that is so for
// the time that one command takes, and with Node.js until it has lost the transport.
func (j *journey) stored(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		keys, err := j.look.Keys(t.Context(), "sio:session:*").Result()
		return err == nil && len(keys) == 1
	}, patience, time.Millisecond)
}

// leg has the client lose its connection by what cut does, in the middle of n messages, and come back to a home as who it was.
func (j *journey) leg(t *testing.T, n int, to home, transports []string, cut func()) {
	t.Helper()
	if _, is := j.at.(nodeHome); !is {
		j.stored(t)
	}
	j.flow(t, n/2, func() {
		j.got(t, j.read+1+n/8)
		cut()
		j.proxy.Down()
		_, err := j.client.WaitEvent(t.Context(), "disconnect")
		require.NoError(t, err)
	})
	j.stored(t)
	require.NoError(t, j.emit(n/4)) // while it is away
	j.at = to
	j.proxy.To(to.address())
	rest := n - n/2 - n/4
	if node, is := to.(nodeHome); is {
		// A server of Node.js loses or doubles what it reads while it restores a session.
		require.NoError(t, j.emit(rest))
		node.reached(t, j.source)
		j.arrive(t)
	} else {
		j.flow(t, rest, func() { j.arrive(t) })
	}
	upgraded(t, j.client, transports)
}

// arrive lets the client come back.
func (j *journey) arrive(t *testing.T) {
	t.Helper()
	j.proxy.Up()
	id, recovered := again(t, j.client)
	require.True(t, recovered)
	require.Equal(t, j.id, id)
}

// end wants the client to have got everything.
func (j *journey) end(t *testing.T) {
	t.Helper()
	j.got(t, j.next)
	require.NoError(t, j.source.To("r").Emit("last"))
	_, err := j.client.WaitEvent(t.Context(), "last")
	require.NoError(t, err)
	assert.Zero(t, j.client.Received("n"), "something came twice")
}

// TestStreams_ClientIsCutUnderALoadAndItsInstanceKilled_EveryMessageArrivesOnceAndInOrder: half of the cuts are with the first
// instance, the last of which kills it.
func TestStreams_ClientIsCutUnderALoadAndItsInstanceKilled_EveryMessageArrivesOnceAndInOrder(t *testing.T) {
	overEach(t, func(t *testing.T, transports []string, _ *jsclient.Harness) {
		cuts, each := sized(4, 10), sized(500, 1000)
		server := redisproc.Start(t)
		first, second := startChild(t, server.Addr()), startChild(t, server.Addr())
		j := depart(t, server, first, transports)
		for i := 1; i <= cuts; i++ {
			switch {
			case i < cuts/2:
				j.leg(t, each, first, transports, j.proxy.Down)
			case i == cuts/2:
				j.leg(t, each, second, transports, func() { first.kill(t) })
			default:
				j.leg(t, each, second, transports, j.proxy.Down)
			}
		}
		j.end(t)
	})
}

func TestStreams_InstanceKilledAndTheNextIsNode_EveryMessageArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	cuts, each := sized(4, 10), sized(500, 1000)
	server := redisproc.Start(t)
	first, second := startChild(t, server.Addr()), startNode(t, server)
	j := depart(t, server, first, jsclient.WebSocket)
	for range cuts/2 - 1 {
		j.leg(t, each, first, jsclient.WebSocket, j.proxy.Down)
	}
	j.leg(t, each, second, jsclient.WebSocket, func() { first.kill(t) })
	for range cuts - cuts/2 {
		j.leg(t, each, second, jsclient.WebSocket, j.proxy.Down)
	}
	j.end(t)
}

func TestStreams_ClientCutFromNode_GoesOnHereAndEveryMessageArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	cuts, each := sized(4, 10), sized(500, 1000)
	server := redisproc.Start(t)
	first, second := startNode(t, server), startChild(t, server.Addr())
	j := depart(t, server, first, jsclient.WebSocket)
	homes := []home{second, first}
	for i := range cuts { // to and fro
		j.leg(t, each, homes[i%2], jsclient.WebSocket, j.proxy.Down)
	}
	j.end(t)
}

// TestStreams_NodeKilled_ClientBeginsAfreshAndTheApplicationSeesWhy: Node.js stores nothing beforehand.
func TestStreams_NodeKilled_ClientBeginsAfreshAndTheApplicationSeesWhy(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	first, second := startNode(t, server), serve(t, onStreams(server.Client()))
	j := depart(t, server, first, jsclient.WebSocket)
	require.NoError(t, j.emit(10))
	j.got(t, 10)
	j.proxy.To(second.address)
	first.kill(t)
	id, recovered := again(t, j.client)
	assert.False(t, recovered)
	assert.NotEqual(t, j.id, id)
	socket := second.join(t)
	assert.False(t, socket.Recovered())
	require.ErrorIs(t, socket.RecoveryFailure(), actio.ErrSessionUnknown)
	require.NoError(t, socket.Emit("welcome"))
	_, err := j.client.WaitEvent(t.Context(), "welcome")
	require.NoError(t, err)
}

// TestStreams_RollingDeploy_LosesNothing: instances are shut down one after another, each when the next is there.
func TestStreams_RollingDeploy_LosesNothing(t *testing.T) {
	overEach(t, func(t *testing.T, transports []string, _ *jsclient.Harness) {
		deploys, each := sized(3, 10), sized(500, 1000)
		server := redisproc.Start(t)
		at := startChild(t, server.Addr())
		j := depart(t, server, at, transports)
		for range deploys {
			next := startChild(t, server.Addr())
			j.leg(t, each, next, transports, func() {
				j.proxy.To(next.address())
				at.stop(t)
			})
			at = next
		}
		j.end(t)
	})
}

// TestStreams_ShutDown_ClientsHaveRoomsDataAndPrincipalOnTheNext: they come to it while the first is still being shut down.
func TestStreams_ShutDown_ClientsHaveRoomsDataAndPrincipalOnTheNext(t *testing.T) {
	t.Parallel()
	const clients = 20
	server := redisproc.Start(t)
	options := func() actio.Options {
		o := onStreams(server.Client())
		o.NoAuthentication = false
		o.Authenticate = func(context.Context, *actio.Handshake) (*actio.Principal, error) {
			return &actio.Principal{UserID: "ann", Claims: "not kept"}, nil
		}
		return o
	}
	first, second := serve(t, options()), serve(t, options())
	node := jsclient.Start(t)
	proxy := wirecutter.Start(t, first.address)
	o := first.options(jsclient.WebSocket)
	o.Greet, o.Path = "authenticate", "/socket.io/"
	ids := make(map[string]*jsclient.Client)
	for range clients {
		c, err := node.Dial(t.Context(), proxy.URL(), o)
		require.NoError(t, err)
		again(t, c)
		socket := first.join(t)
		require.NoError(t, socket.Emit("n", 1))
		require.Equal(t, 1, numberOf(t, c, "n"))
		socket.Data().Store("key", socket.ID())
		ids[c.ID()] = c
	}
	proxy.To(second.address)
	first.end(t)
	for range clients {
		require.Equal(t, actio.ReasonServerShutdown, await.Value(t, first.ended))
	}
	for range clients {
		socket := second.join(t)
		require.NoError(t, socket.RecoveryFailure())
		require.True(t, socket.Recovered())
		c := ids[socket.ID()]
		require.NotNil(t, c)
		assert.Equal(t, actio.Authenticated, socket.State())
		assert.Equal(t, &actio.Principal{UserID: "ann"}, socket.Principal())
		rooms, err := socket.Rooms(t.Context())
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{socket.ID(), "r"}, rooms)
		value, _ := socket.Data().Load("key")
		assert.Equal(t, socket.ID(), value)
		_, recovered := again(t, c)
		assert.True(t, recovered)
	}
	require.NoError(t, second.ToUser("ann").Emit("n", 2))
	for _, c := range ids {
		require.Equal(t, 2, numberOf(t, c, "n"))
	}
	stats, err := second.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, clients, stats.Recovery.Recovered)
}
