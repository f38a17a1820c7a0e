package cluster

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
)

// named is a target with a name for messages of tests.
type named struct {
	name string
	to   target
}

// targets are all kinds of them.
func (c *cluster) targets() []named {
	all := []named{
		{"all", target{}},
		{"room", to("red")},
		{"room of two members", to("blue")},
		{"room of one member", to("only")},
		{"numeric room", to("42")},
		{"room like a glob", to(roomLikeGlob)},
		{"room like an id", to(roomLikeID)},
		{"room of nobody", to("nobody")},
		{"several rooms", to("red", "blue")},
		{"several rooms, one of nobody", to("nobody", "42")},
		{"room and id", to("only", c.clients[3].ID())},
		{"all except a room", except("red")},
		{"all except rooms", except("red", "42")},
		{"all except an id", except(c.clients[4].ID())},
		{"all except nobody", except("nobody")},
		{"room except a room", target{Rooms: []string{"red"}, Except: []string{"blue"}}},
		{"rooms except rooms", target{Rooms: []string{"red", "blue"}, Except: []string{"42", "only"}}},
		{"room except itself", target{Rooms: []string{"red"}, Except: []string{"red"}}},
	}
	for _, one := range c.clients {
		all = append(all, named{"id of " + one.title, to(one.ID())})
	}
	return all
}

// local are targets for the sockets of one member alone, which only members know.
func local() []named {
	return []named{
		{"local", target{Local: true}},
		{"local room", target{Rooms: []string{"red"}, Local: true}},
		{"local except a room", target{Except: []string{"red"}, Local: true}},
	}
}

// broadcasts: whoever speaks reaches all whom he means, once and in order, and nobody else.
func broadcasts(t *testing.T, c *cluster) {
	t.Helper()
	for _, by := range c.speakers {
		t.Run("from "+by.name(), func(t *testing.T) {
			rows := c.targets()
			if _, ok := by.(member); ok {
				rows = append(rows, local()...)
			}
			want := make(map[*client][]string)
			for i, row := range rows {
				event := fmt.Sprintf("%s: %d, to %s", by.name(), i, row.name)
				by.emit(t, row.to, event)
				for _, one := range c.meant(by, row.to) {
					want[one] = append(want[one], event)
				}
			}
			c.mark(t, by)
			for _, one := range c.clients {
				assert.Equal(t, want[one], heard(one.Client, by.name()+": "), one.title)
			}
		})
	}
}

// namespaces: what is sent in one stays in it.
func namespaces(t *testing.T, c *cluster) {
	t.Helper()
	if c.medium.ignis {
		t.Skip("the helper of Ignis knows one namespace")
	}
	elsewhere := make([]*jsclient.Client, 0, len(c.clients))
	for _, one := range c.clients {
		custom, err := one.Of(t.Context(), "/custom", map[string]any{"token": "good"})
		require.NoError(t, err)
		if one.home != member(c.node) {
			custom.Emit("authenticate")
			wait(t, custom, "authenticated")
		}
		elsewhere = append(elsewhere, custom)
	}
	for _, by := range c.speakers {
		by.emit(t, target{Namespace: "/custom"}, "only in custom", by.name(), []byte{1})
		by.emit(t, target{Namespace: "/custom", Rooms: []string{"red"}}, "only in custom", "nobody")
		by.emit(t, target{Namespace: "/custom"}, "mark")
		for _, one := range elsewhere {
			wait(t, one, "mark")
			assert.Equal(t, []any{by.name(), []byte{1}}, wait(t, one, "only in custom"))
		}
		c.mark(t, by)
	}
	for _, one := range c.clients {
		assert.Empty(t, heard(one.Client, "only in custom"))
	}
	for _, one := range elsewhere {
		assert.Zero(t, one.Received("only in custom"))
		one.Disconnect()
	}
}
