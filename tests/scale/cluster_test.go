package scale

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestCluster_VeryManyConnections_AreHeldAndReachedByOneBroadcast(t *testing.T) {
	instances, connections := sized(2, 5), sized(200, 18_000)
	store := redisproc.Start(t)
	var servers, crowds []*child
	for i := range instances {
		server := start(t, fmt.Sprintf("server %d", i), childConfig{Redis: store.Addr()})
		servers = append(servers, server)
		hello, err := server.ask("address")
		require.NoError(t, err)
		crowds = append(crowds, start(t, fmt.Sprintf("clients %d", i), childConfig{Address: hello.Address, Clients: connections}))
	}
	before := askAll(t, servers, "stats")

	began := time.Now()
	for _, crowd := range askAll(t, crowds, "connect") {
		t.Log(crowd.Text)
	}
	t.Logf("%d connections within %v", instances*connections, time.Since(began).Round(100*time.Millisecond))
	held := askAll(t, servers, "stats")
	for i, server := range held {
		assert.Equal(t, connections, server.Sockets)
		t.Logf("server %d, each connection: %v; %.3f ms CPU to connect", i,
			server.Memory.per(connections, before[i].Memory), 1000*(server.CPU-before[i].CPU)/float64(connections))
	}

	began = time.Now()
	timer := time.NewTimer(hold())
	defer timer.Stop()
	<-timer.C
	for _, crowd := range askAll(t, crowds, "heartbeats") {
		t.Log(crowd.Text)
	}
	took := time.Since(began)
	for i, server := range askAll(t, servers, "stats") {
		assert.Equal(t, connections, server.Sockets)
		assert.Zero(t, server.Closed)
		t.Logf("server %d, each connection: %v; heartbeats took %.1f %% of one core", i,
			server.Memory.per(connections, before[i].Memory), 100*(server.CPU-held[i].CPU)/took.Seconds())
	}

	began = time.Now()
	_, err := servers[0].ask("broadcast")
	require.NoError(t, err)
	askAll(t, crowds, "news")
	t.Logf("a broadcast reached all within %v", time.Since(began).Round(time.Millisecond))

	askAll(t, crowds, "leaving")
	askAll(t, servers, "shutdown")
	askAll(t, crowds, "gone")
}
