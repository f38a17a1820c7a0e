package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// refugee is a client whose instance is killed.
type refugee struct {
	identity

	offset string // of the event that it got last
	*rawclient.Client
}

// enterStorm connects so many clients and has them get one event.
func enterStorm(t *testing.T, source *stand, at *child, clients int) []*refugee {
	t.Helper()
	all := make([]*refugee, clients)
	for i := range all {
		c, err := rawclient.Dial(at.address(), rawclient.Options{Path: source.Path()})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		all[i] = &refugee{Client: c, identity: enter(t, c, "40")}
		at.entered(t)
	}
	require.NoError(t, source.To("r").Emit("before"))
	for _, r := range all {
		_, r.offset = event(t, r.Client)
	}
	return all
}

// flee connects to another instance, where the client gets what it has missed and what comes, up to an event that ends it:
// numbers from 0 on, each once and in order.
func (r *refugee) flee(address, path string, arrived func()) error {
	c, err := rawclient.Dial(address, rawclient.Options{Path: path})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Send(connectWith(r.PID, r.offset)); err != nil {
		return err
	}
	m, err := c.Next()
	if err != nil {
		return err
	}
	var now identity
	if err := json.Unmarshal(m.Data, &now); err != nil || m.Type != wire.Connect || now != r.identity {
		return errors.Join(err, fmt.Errorf("it began afresh: %v %s", m.Type, m.Data))
	}
	for next := 0; ; next++ {
		m, err := c.Next()
		switch {
		case err != nil:
			return err
		case m.Event == "end":
			return nil
		}
		if next == 0 {
			arrived()
		}
		var n int
		if err := m.Args.Decode(0, &n); err != nil || n != next {
			return errors.Join(err, fmt.Errorf("%d came, not %d", n, next))
		}
	}
}

// TestStreams_InstanceOfManyKilled_AllGoOnAtOnce: all clients of an instance come to another in the same moment, each has missed
// 1000 events, and further events follow.
func TestStreams_InstanceOfManyKilled_AllGoOnAtOnce(t *testing.T) {
	const missed = 1000
	clients := sized(20, 400)
	server := redisproc.Start(t)
	source, first := serve(t, onStreams(server.Client())), startChild(t, server.Addr())
	second, err := actio.New(onStreams(server.Client()))
	require.NoError(t, err)
	refuge := &stand{Server: second}
	refuge.host(t)
	all := enterStorm(t, source, first, clients)
	look := server.Client()
	require.Eventually(t, func() bool {
		keys, err := look.DBSize(t.Context()).Result()
		return err == nil && keys == int64(clients)+1 // the stream is one
	}, patience, time.Millisecond)
	first.kill(t)
	number := 0
	emit := func() {
		require.NoError(t, source.To("r").Emit("n", number))
		number++
	}
	for range missed {
		emit()
	}

	failed := make([]error, clients)
	arrived := make(chan struct{}, clients)
	var running sync.WaitGroup
	for i, r := range all {
		running.Go(func() {
			if failed[i] = r.flee(refuge.address, refuge.Path(), func() { arrived <- struct{}{} }); failed[i] != nil {
				arrived <- struct{}{}
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for there := 0; there < clients; {
		select {
		case <-arrived:
			there++
		case <-tick.C:
			emit()
		}
	}
	require.NoError(t, source.To("r").Emit("end"))
	running.Wait()
	stats, err := second.Stats(t.Context())
	require.NoError(t, err)
	assert.NoError(t, errors.Join(failed...))
	assert.Equal(t, actio.RecoveryStats{Recovered: uint64(clients)}, stats.Recovery)
}
