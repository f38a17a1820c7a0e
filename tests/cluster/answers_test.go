package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// acknowledgements: every member gets the answers of the clients of all.
func acknowledgements(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range c.members {
		rows := c.targets()
		if _, ours := by.(*instance); ours { // Node.js waits for the other servers, which it does not ask
			rows = append(rows, local()...)
		}
		for _, row := range rows {
			t.Run(row.name+" by "+by.name(), func(t *testing.T) {
				got := by.ask(t, row.to, patience, "question", 1, []byte{2}, nil)
				assert.ElementsMatch(t, titles(c.meant(by, row.to)), got.answers)
				assert.Zero(t, got.missing)
				for _, one := range c.meant(by, row.to) {
					assert.Equal(t, []any{1.0, []byte{2}, nil}, wait(t, one, "question"), one.title)
				}
			})
		}
	}
	for _, by := range c.members {
		t.Run("binary and structures for "+by.name(), func(t *testing.T) { variousAnswers(t, c, by) })
		t.Run("silent clients of "+by.name(), func(t *testing.T) { silentClients(t, c, by) })
	}
}

// variousAnswers: whatever clients answer arrives.
func variousAnswers(t *testing.T, c *cluster, by member) {
	t.Helper()
	answers := []any{
		[]byte{0, 255}, map[string]any{"deep": []any{[]byte{1}, nil, "x"}}, nil, 1.5, 9007199254740991.0, "text", false,
	}
	for _, answer := range answers {
		var asking []string
		var clients []*jsclient.Client
		for _, home := range c.members {
			dialled := c.dial(t, home, jsclient.Options{Answer: []any{answer}})
			clients, asking = append(clients, dialled), append(asking, dialled.ID())
		}
		got := by.ask(t, to(asking...), patience, "question")
		assert.ElementsMatch(t, []any{answer, answer, answer}, got.answers)
		assert.Zero(t, got.missing)
		for _, one := range clients {
			one.Disconnect()
		}
	}
}

// silentClients: those that do not answer are missed, and cost none of the other answers.
func silentClients(t *testing.T, c *cluster, by member) {
	t.Helper()
	var clients []*jsclient.Client
	for _, home := range c.members {
		mute := c.dial(t, home, jsclient.Options{Mute: true})
		home.join(t, mute.ID(), "red")
		clients = append(clients, mute)
	}
	got := by.ask(t, to("red"), 2*time.Second, "question")
	assert.ElementsMatch(t, titles(c.meant(by, to("red"))), got.answers)
	want := len(clients)
	if by == member(c.node) {
		want = 1 // it does not say more
	}
	assert.Equal(t, want, got.missing)
	for _, one := range clients {
		one.Disconnect()
	}
	c.mark(t, by) // nobody's answer comes later and is taken for that of another question
	got = by.ask(t, to("red"), patience, "question")
	assert.ElementsMatch(t, titles(c.meant(by, to("red"))), got.answers)
	assert.Zero(t, got.missing)
}

// serverEvents: an event of whoever speaks reaches the other members, and what they answer comes back.
func serverEvents(t *testing.T, c *cluster) {
	t.Helper()
	for _, m := range c.members {
		m.answer(t, "hello", map[string]any{"from": m.name(), "list": []any{1.5, nil}})
	}
	for _, by := range c.speakers {
		t.Run("from "+by.name(), func(t *testing.T) {
			var others []member
			for _, m := range c.members {
				if speaker(m) != by {
					others = append(others, m)
				}
			}
			args := []any{"text", 1.5, nil, map[string]any{"a": []any{true}}}
			by.serverEvent(t, "nobody listens to this")
			by.serverEvent(t, "hello", args...)
			for _, m := range others {
				assert.Equal(t, append([]any{"hello"}, args...), m.served(t), m.name())
			}
			asking, ok := by.(member)
			if !ok {
				return
			}
			got := asking.askServers(t, "hello", 2)
			assert.Zero(t, got.missing)
			var want []any
			for _, m := range others {
				want = append(want, map[string]any{"from": m.name(), "list": []any{1.5, nil}})
				assert.Equal(t, []any{"hello", 2.0}, m.served(t), m.name())
			}
			assert.ElementsMatch(t, want, got.answers)
		})
	}
	await.Nothing(t, c.one.events)
	await.Nothing(t, c.two.events)
	assert.Zero(t, c.node.peer.Received("server"))
	t.Run("without an answer", func(t *testing.T) { silentMembers(t, c) })
}

// silentMembers: a member that does not answer is missed, and costs none of the other answers.
func silentMembers(t *testing.T, c *cluster) {
	t.Helper()
	c.node.answer(t, "only Node and one know this", "node")
	c.one.answer(t, "only Node and one know this", "one")
	got := c.two.askServers(t, "only Node and one know this")
	assert.ElementsMatch(t, []any{"node", "one"}, got.answers)
	assert.Zero(t, got.missing)
	// Each of these waits for answers that do not come.
	ofOne := meanwhile(func() (actio.ServerReplies, error) { // two is silent
		return c.one.ServerSideEmitWithAck(t.Context(), "only Node and one know this")
	})
	ofNode := meanwhile(func() (jsclient.Args, error) {
		return c.node.peer.ServerSideEmitWithAck(t.Context(), "", "only Node and one know this")
	})
	r, err := c.one.ServerSideEmitWithAck(t.Context(), "only two knows this")
	assert.NoError(t, err)
	assert.Empty(t, r.Replies)
	assert.Equal(t, []string{c.two.ID()}, r.Missing.Instances)
	assert.Equal(t, 1, r.Missing.Unnamed)
	r, err = ofOne()
	assert.Equal(t, asked{answers: []any{"node"}, missing: 1}, c.one.asked(t, r, err))
	answers, err := ofNode()
	assert.Equal(t, asked{answers: []any{"one"}, missing: 1}, c.node.asked(t, answers.Values(), err))
}

// meanwhile calls a function now, and returns what waits for its result.
func meanwhile[T any](f func() (T, error)) func() (T, error) {
	var (
		value T
		err   error
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		value, err = f()
	}()
	return func() (T, error) {
		<-done
		return value, err
	}
}
