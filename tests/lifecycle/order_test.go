package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

// repetitions is how often each order is tested.
const repetitions = 10_000

// orderly is a plain server with several shards.
func orderly(t *testing.T) *stand {
	t.Helper()
	return serve(t, actio.Options{NoAuthentication: true, RegistryShards: 4, MaxRooms: repetitions})
}

// noise keeps every shard busy with broadcasts until the test ends: what is queued behind them must keep its order, too. It
// returns when all listeners are there.
func (s *stand) noise(t *testing.T) {
	t.Helper()
	const listeners = 32 // in all shards, but for once in ten thousand
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range listeners {
		c := s.dial(t, rawclient.Options{})
		id, err := c.Join("/", nil)
		require.NoError(t, err)
		require.NoError(t, s.socket(t, id).Join(t.Context(), "noise"))
		group.Go(func() { c.Farewell() })
		t.Cleanup(c.Close)
	}
	// One broadcast is answered before the next is made, so that the listeners are not flooded.
	c := s.dial(t, rawclient.Options{})
	id, err := c.Join("/", nil)
	require.NoError(t, err)
	require.NoError(t, s.socket(t, id).Join(t.Context(), "noise"))
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if s.To("noise").Emit("noise") != nil {
				return
			}
			if _, err := c.Await("noise"); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { // before those above
		close(stop)
		s.end(t)
		group.Wait()
	})
}

// pipeline sends the numbers from 0 to n-1 as questions, as fast as the server takes them, while read gets each packet.
func pipeline(c *rawclient.Client, n int, event string, read func() error) error {
	sent := make(chan error, 1)
	go func() {
		const batch = 50
		packets := make([]string, 0, batch)
		for i := range n {
			packet, err := rawclient.Question(uint64(i), event, i)
			if err != nil {
				sent <- err
				return
			}
			if packets = append(packets, packet); len(packets) == batch || i == n-1 {
				if err := c.Send(packets...); err != nil {
					sent <- err
					return
				}
				packets = packets[:0]
			}
		}
		sent <- nil
	}()
	err := read()
	if err != nil {
		c.Close()
	}
	return errors.Join(err, <-sent)
}

// number is argument i as a number.
func number(m rawclient.Message, i int) int {
	n, err := strconv.Atoi(string(m.Args.Raw(i)))
	if err != nil {
		return -1
	}
	return n
}

func TestOrder_BroadcastEmitAcknowledge_ArriveInThisOrder(t *testing.T) {
	const clients = 8
	s := orderly(t)
	s.noise(t)
	s.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		assert.NoError(t, socket.Join(ctx, "room"))
	})
	s.handle(t, "ask", func(_ context.Context, socket *actio.Socket, e *actio.Event) {
		var n int
		assert.NoError(t, e.Args.Decode(0, &n))
		assert.NoError(t, s.To("room").Emit("a", n, socket.ID()))
		assert.NoError(t, socket.Emit("b", n))
		assert.NoError(t, e.Reply(n))
	})
	require.NoError(t, each(clients, clients, func(int) error {
		c, err := rawclient.Dial(s.address(), rawclient.Options{})
		if err != nil {
			return err
		}
		defer c.Close()
		id, err := c.Join("/", nil)
		if err != nil {
			return err
		}
		return pipeline(c, repetitions/clients, "ask", func() error { return readAnswers(c, id, repetitions/clients) })
	}))
}

// readAnswers wants a, b and the acknowledgement of each question, in this order; and the broadcasts of the other clients in
// theirs.
func readAnswers(c *rawclient.Client, id string, n int) error {
	others := map[string]int{}
	for i := 0; i < 3*n; {
		m, err := c.Next()
		if err != nil {
			return err
		}
		var got string
		switch {
		case m.Type == wire.Ack:
			got = fmt.Sprintf("ack %d", number(m, 0))
		case m.Event == "b":
			got = fmt.Sprintf("b %d", number(m, 0))
		default:
			var from string
			if err := m.Args.Decode(1, &from); err != nil {
				return err
			}
			if from != id {
				if last, known := others[from]; known && number(m, 0) != last+1 {
					return fmt.Errorf("a %d of another client after its a %d", number(m, 0), last)
				}
				others[from] = number(m, 0)
				continue
			}
			got = fmt.Sprintf("a %d", number(m, 0))
		}
		if want := fmt.Sprintf("%s %d", []string{"a", "b", "ack"}[i%3], i/3); got != want {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		i++
	}
	return nil
}

func TestOrder_BroadcastDisconnect_TheLastWordArrives(t *testing.T) {
	const clients = 8
	s := orderly(t)
	s.noise(t)
	s.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		assert.NoError(t, socket.Join(ctx, "room"))
	})
	s.handle(t, "leave", func(_ context.Context, socket *actio.Socket, _ *actio.Event) {
		assert.NoError(t, s.To("room").Emit("bye", socket.ID()))
		socket.Disconnect()
	})
	require.NoError(t, each(clients, clients, func(int) error {
		c, err := rawclient.Dial(s.address(), rawclient.Options{})
		if err != nil {
			return err
		}
		defer c.Close()
		for range repetitions / clients {
			id, err := c.Join("/", nil)
			if err != nil {
				return err
			}
			if err := c.Emit("leave"); err != nil {
				return err
			}
			if err := readBye(c, id); err != nil {
				return err
			}
		}
		return nil
	}))
}

// readBye wants the client's own bye before its DISCONNECT.
func readBye(c *rawclient.Client, id string) error {
	said := false
	for {
		m, err := c.Next()
		switch {
		case err != nil:
			return err
		case m.Event == "bye":
			var who string
			if err := m.Args.Decode(0, &who); err != nil {
				return err
			}
			said = said || who == id
		case m.Type == wire.Disconnect && !said:
			return errors.New("disconnected without a bye")
		case m.Type == wire.Disconnect:
			return nil
		default:
			return fmt.Errorf("got a %s", m.Type)
		}
	}
}

func TestOrder_BroadcastClose_TheLastWordArrivesBeforeTheCloseFrame(t *testing.T) {
	const connections = 1000
	s := orderly(t)
	s.handle(t, "leave", func(ctx context.Context, socket *actio.Socket, _ *actio.Event) {
		assert.NoError(t, socket.Join(ctx, "room"))
		assert.NoError(t, s.To("room").Emit("bye", socket.ID()))
		socket.Close()
	})
	require.NoError(t, each(connections, 32, func(i int) error {
		c, err := rawclient.Dial(s.address(), rawclient.Options{Transport: rawclient.Transport(i % 3)})
		if err != nil {
			return err
		}
		defer c.Close()
		id, err := c.Join("/", nil)
		if err != nil {
			return err
		}
		if err := c.Emit("leave"); err != nil {
			return err
		}
		if err := readBye(c, id); err != nil {
			return err
		}
		if end := c.Farewell(); end.CloseCode != 1000 && !end.ClosePacket {
			return &rawclient.EndError{End: end}
		}
		return nil
	}))
}

func TestOrder_JoinBroadcastLeaveBroadcast_ExactlyTheFirstArrives(t *testing.T) {
	const clients = 8
	s := orderly(t)
	s.noise(t)
	s.handle(t, "enter", func(ctx context.Context, socket *actio.Socket, e *actio.Event) {
		var n int
		assert.NoError(t, e.Args.Decode(0, &n))
		room := fmt.Sprintf("room %d", n)
		assert.NoError(t, socket.Join(ctx, room))
		assert.NoError(t, s.To(room).Emit("in", n, socket.ID()))
		assert.NoError(t, socket.Leave(ctx, room))
		assert.NoError(t, s.To(room).Emit("out", n, socket.ID()))
		assert.NoError(t, e.Reply(n))
	})
	require.NoError(t, each(clients, clients, func(int) error {
		c, err := rawclient.Dial(s.address(), rawclient.Options{})
		if err != nil {
			return err
		}
		defer c.Close()
		id, err := c.Join("/", nil)
		if err != nil {
			return err
		}
		return pipeline(c, repetitions/clients, "enter", func() error { return readOwn(c, id, repetitions/clients) })
	}))
}

// readOwn wants, of the client's own, one "in" before each acknowledgement and no "out".
func readOwn(c *rawclient.Client, id string, n int) error {
	in := 0
	for acked := 0; acked < n; {
		m, err := c.Next()
		if err != nil {
			return err
		}
		if m.Type == wire.Ack {
			if acked++; number(m, 0) != acked-1 || in != acked {
				return fmt.Errorf("acknowledgement %d after %d broadcasts", number(m, 0), in)
			}
			continue
		}
		var who string
		if err := m.Args.Decode(1, &who); err != nil {
			return err
		}
		switch {
		case who != id: // in the same room by chance
		case m.Event == "in" && number(m, 0) == in:
			in++
		default:
			return fmt.Errorf("%s %d after %d", m.Event, number(m, 0), in)
		}
	}
	return nil
}

func TestOrder_TwoBroadcasters_AllMembersOfAllShardsSeeOneOrder(t *testing.T) {
	const members = 40 // in all shards, but for once in twenty-five thousand
	s := orderly(t)
	clients := make([]*rawclient.Client, members)
	for i := range clients {
		clients[i] = s.dial(t, rawclient.Options{})
		id, err := clients[i].Join("/", nil)
		require.NoError(t, err)
		require.NoError(t, s.socket(t, id).Join(t.Context(), "room"))
	}
	seed := maphash.MakeSeed()
	orders := make([]uint64, members)
	broadcasters := make(chan error, 1)
	go func() {
		broadcasters <- each(2, 2, func(i int) error {
			for n := range repetitions / 2 {
				if err := s.To("room").Emit("news", i, n); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	require.NoError(t, each(members, members, func(i int) error {
		var hash maphash.Hash
		hash.SetSeed(seed)
		var next [2]int
		for range repetitions {
			m, err := clients[i].Next()
			if err != nil {
				return err
			}
			from, n := number(m, 0), number(m, 1)
			if n != next[from] {
				return fmt.Errorf("broadcaster %d: got %d, want %d", from, n, next[from])
			}
			next[from]++
			_, _ = hash.Write(m.Data)
		}
		orders[i] = hash.Sum64()
		return nil
	}))
	require.NoError(t, receive(t, broadcasters, "all is broadcast"))
	for _, order := range orders {
		require.Equal(t, orders[0], order, "members see different orders")
	}
}
