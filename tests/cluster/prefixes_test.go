package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jspeer"
)

// TestPrefixes_TwoApplicationsOnOneRedis_HearNothingOfEachOther: each application is a server of Node.js and one of actio.
// Some of the prefixes are such that a careless pattern of one matches the channels of another.
func TestPrefixes_TwoApplicationsOnOneRedis_HearNothingOfEachOther(t *testing.T) {
	t.Parallel()
	for _, sharded := range []bool{false, true} {
		name := "classic"
		if sharded {
			name = "sharded"
		}
		t.Run(name, func(t *testing.T) {
			redis, js := oneServer(t), jsclient.Start(t)
			var apps []*cluster
			for _, prefix := range []string{"", "app", "app1", "a*"} {
				m := medium{node: jspeer.Options{Prefix: prefix}, actio: actio.RedisOptions{Prefix: prefix}}
				if sharded {
					m.node.Adapter, m.actio.Adapter = jspeer.Sharded, actio.ShardedAdapter
				}
				c := m.prepare(t, redis, js)
				c.one = startInstance(t, "one of "+m.prefix(), m.redisOptions(redis))
				c.members = []member{c.node, c.one}
				c.connect(t, c.node, "red")
				c.connect(t, c.one, "red")
				c.settle(t)
				apps = append(apps, c)
			}
			for _, app := range apps {
				foreign(t, app, apps)
			}
		})
	}
}

// foreign does everything in one application, and looks at all.
func foreign(t *testing.T, app *cluster, apps []*cluster) {
	t.Helper()
	for _, other := range apps {
		for _, m := range other.members {
			if other == app {
				m.answer(t, "hello of "+app.one.name(), m.name())
			} else {
				m.answer(t, "hello of "+app.one.name(), "foreign")
			}
		}
	}
	for _, by := range app.members {
		by.emit(t, target{}, "news", "all")
		by.emit(t, to("red"), "news", "room")
		by.emit(t, to("red", "blue"), "news", "rooms")
		by.socketsJoin(t, target{}, "team of "+app.one.name())
		by.serverEvent(t, "hello of "+app.one.name())
		assert.Len(t, by.askServers(t, "hello of "+app.one.name()).answers, 1)
		assert.ElementsMatch(t, titles(app.clients), by.ask(t, to("red"), patience, "question").answers)
		assert.ElementsMatch(t, ids(app.clients), keys(by.fetch(t, target{})))
		app.mark(t, by)
		for _, one := range app.clients {
			for _, want := range []any{"all", "room", "rooms"} {
				assert.Equal(t, []any{want}, wait(t, one, "news"))
			}
			wait(t, one, "question")
		}
	}
	for _, other := range apps {
		for _, by := range other.members {
			other.mark(t, by)
		}
		for _, one := range other.clients {
			assert.Zero(t, one.Received("news")+one.Received("question"), one.title)
		}
		stats, err := other.one.Stats(t.Context())
		require.NoError(t, err)
		assert.Zero(t, stats.Redis.Malformed)
		if other != app {
			await.Nothing(t, other.one.events)
			assert.Zero(t, other.node.peer.Received("server"))
			assert.Empty(t, other.one.fetch(t, to("team of "+app.one.name())))
		}
	}
	for range 2 { // from the other member, without and with an answer
		app.one.served(t)
		app.node.served(t)
	}
}
