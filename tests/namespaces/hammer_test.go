package namespaces

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

// Clients come into a few namespaces and leave them, so that each ends all the time, while others come. Some leave before they
// are in.
func TestDynamic_EndsWhileOthersEnter_EverybodyGetsIn(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.OfPattern(regexp.MustCompile(`^/d\d$`))
	p.Use(func(ctx context.Context, socket *actio.Socket) error { return socket.Join(ctx, "asked") })
	p.OnConnection(func(_ context.Context, socket *actio.Socket) {
		assert.NoError(t, socket.Namespace().To(socket.ID()).Emit("hello", socket.Namespace().Name(), socket.ID()))
	})
	const clients, rounds, names = 8, 150, 3
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{})
			if !assert.NoError(t, err) {
				return
			}
			for round := range rounds {
				if !assert.NoError(t, visit(c, fmt.Sprintf("/d%d", (i+round)%names), fmt.Sprintf("/d%d", (i+round+1)%names))) {
					return
				}
			}
			assert.NoError(t, c.Leave())
			c.Farewell()
			c.Close()
		})
	}
	all.Wait()
	s.untilDynamic(t, 0)
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.ConnectsRefused)
	assert.Zero(t, stats.Sockets)
	assert.Zero(t, stats.RoomMembers)
	assert.Zero(t, stats.ParseErrors)
}

// visit enters a namespace, waits until its handlers have greeted it, and leaves. Before that it gives up another at once.
func visit(c *rawclient.Client, name, hasty string) error {
	if err := c.Send("40"+hasty+",", "41"+hasty+",", "40"+name+","); err != nil {
		return err
	}
	id := ""
	for {
		m, err := c.Next()
		switch {
		case err != nil:
			return err
		case m.Namespace != name: // it may have been in for a moment
		case m.Type == wire.Connect:
			var answer struct{ SID string }
			if err := json.Unmarshal(m.Data, &answer); err != nil {
				return err
			}
			id = answer.SID
		case m.Type == wire.Event:
			var from, to string
			if err := errors.Join(m.Args.Decode(0, &from), m.Args.Decode(1, &to)); err != nil {
				return err
			}
			if from != name || to != id {
				return fmt.Errorf("greeted by %s as %s instead of %s as %s", from, to, name, id)
			}
			return c.Send("41" + name + ",")
		default:
			return fmt.Errorf("unexpected %v: %s", m.Type, m.Data)
		}
	}
}
