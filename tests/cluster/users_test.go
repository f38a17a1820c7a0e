package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// users are clients of all members. Those of Node.js have a user in their handshake as well, which means nothing there.
type users struct {
	*cluster

	ann, bob  []*jsclient.Client // on one and two
	strangers []*jsclient.Client // on all three
}

func (m medium) startUsers(t *testing.T) *users {
	t.Helper()
	u := &users{cluster: m.start(t)}
	as := func(home member, user string) *jsclient.Client {
		return u.dial(t, home, jsclient.Options{Auth: map[string]any{"token": "good", "user": user}, Answer: []any{user}})
	}
	for _, home := range []member{u.one, u.two} {
		u.ann = append(u.ann, as(home, "ann"))
		u.bob = append(u.bob, as(home, "bob"))
		u.strangers = append(u.strangers, as(home, ""))
	}
	u.strangers = append(u.strangers, as(u.node, "ann"))
	return u
}

// mark sends an event to all by a member that sent before, and waits until all have it.
func (u *users) mark(t *testing.T, by *instance) {
	t.Helper()
	require.NoError(t, by.Emit("mark"))
	for _, list := range [][]*jsclient.Client{u.ann, u.bob, u.strangers} {
		for _, c := range list {
			wait(t, c, "mark")
		}
	}
}

func idsOf(clients ...[]*jsclient.Client) []string {
	var all []string
	for _, list := range clients {
		for _, c := range list {
			all = append(all, c.ID())
		}
	}
	return all
}

func TestToUser_AcrossInstances_ReachesTheUsersClientsAlone(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		u := m.startUsers(t)
		for _, by := range []*instance{u.one, u.two} {
			require.NoError(t, by.ToUser("ann").Emit("news", "ann", []byte{1}))
			by.SendToUser("ann", actio.Message{Payload: actio.Payload{Topic: "news", Data: "sent"}})
			require.NoError(t, by.ToUser("ann").Except(u.ann[0].ID()).Emit("news", "except the first"))
			require.NoError(t, by.ToUser("nobody").Emit("news", "nobody"))
			require.NoError(t, by.ToUser("").Emit("news", "the empty user is nobody"))
			require.NoError(t, by.ToUser("ann").Local().Emit("news", "local"))
			require.NoError(t, by.ToUser("ann").To(u.bob[0].ID(), u.strangers[2].ID()).Emit("news", "and two ids"))
			u.mark(t, by)
			for i, c := range u.ann {
				assert.Equal(t, []any{"ann", []byte{1}}, wait(t, c, "news"))
				assert.Equal(t, []any{"sent"}, wait(t, c, "news"))
				if i != 0 {
					assert.Equal(t, []any{"except the first"}, wait(t, c, "news"))
				}
				if by == []*instance{u.one, u.two}[i] {
					assert.Equal(t, []any{"local"}, wait(t, c, "news"))
				}
				assert.Equal(t, []any{"and two ids"}, wait(t, c, "news"))
				assert.Zero(t, c.Received("news"))
			}
			for _, c := range []*jsclient.Client{u.bob[0], u.strangers[2]} {
				assert.Equal(t, []any{"and two ids"}, wait(t, c, "news"))
			}
			for _, list := range [][]*jsclient.Client{u.bob, u.strangers} {
				for _, c := range list {
					assert.Zero(t, c.Received("news"))
				}
			}
		}
	})
}

func TestToUser_Requests_ConcernInstancesOfActioAlone(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		ctx := t.Context()
		u := m.startUsers(t)
		for _, by := range []*instance{u.one, u.two} {
			started := time.Now()
			f, err := by.ToUser("ann").FetchSockets(ctx)
			require.NoError(t, err)
			assert.True(t, f.Missing.None(), "%+v", f.Missing)
			found := by.known(t, f)
			assert.ElementsMatch(t, idsOf(u.ann), keys(found))
			for _, s := range found {
				assert.Equal(t, "ann", s.user)
			}
			f, err = by.To(u.bob[0].ID(), u.strangers[2].ID()).ToUser("ann").FetchSockets(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, idsOf(u.ann, u.bob[:1], u.strangers[2:]), keys(by.known(t, f)))
			f, err = by.ToUser("nobody").FetchSockets(ctx)
			require.NoError(t, err)
			assert.Empty(t, f.Sockets)

			r, err := by.ToUser("bob").EmitWithAck(ctx, "question")
			require.NoError(t, err)
			assert.True(t, r.Missing.None(), "%+v", r.Missing)
			assert.Zero(t, r.Unanswered)
			var answered []string
			for _, a := range r.Answers {
				require.NoError(t, a.Err)
				assert.Equal(t, "bob", firstOf(t, a.Args))
				answered = append(answered, a.SocketID)
			}
			assert.ElementsMatch(t, idsOf(u.bob), answered)
			assert.Less(t, time.Since(started), requestTimeout, "nobody was waited for who is not asked")
		}
	})
}

func TestToUser_JoinLeaveAndDisconnect_ConcernTheUsersClientsAlone(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		ctx := t.Context()
		u := m.startUsers(t)
		require.NoError(t, u.one.ToUser("ann").SocketsJoin(ctx, "team"))
		require.NoError(t, u.one.ToUser("bob").SocketsJoin(ctx, "team"))
		require.NoError(t, u.one.ToUser("bob").SocketsLeave(ctx, "team"))
		u.mark(t, u.one)
		for _, member := range u.members {
			assert.ElementsMatch(t, idsOf(u.ann), keys(member.fetch(t, to("team"))), member.name())
		}
		require.NoError(t, u.two.ToUser("ann").Emit("farewell"))
		require.NoError(t, u.two.ToUser("ann").DisconnectSockets(ctx, true))
		for _, c := range u.ann {
			await.Value(t, c.Disconnected())
			assert.Equal(t, 1, c.Received("farewell"))
		}
		u.ann = nil
		u.mark(t, u.two)
	})
}
