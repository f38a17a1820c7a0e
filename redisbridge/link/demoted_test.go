package link

import (
	"fmt"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
)

// slotsAnswer is that of CLUSTER SLOTS: one master serves all.
func slotsAnswer(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	return fmt.Sprintf("*1\r\n*3\r\n:0\r\n:%d\r\n*2\r\n$%d\r\n%s\r\n:%s\r\n", slots-1, len(host), host, port)
}

func TestSend_NodeGetsFramesToFewer_AreDoubtfulIfItIsNoMaster(t *testing.T) {
	const master, replica = "*1\r\n$6\r\nmaster\r\n", "*1\r\n$5\r\nslave\r\n"
	for name, c := range map[string]struct {
		role      string
		served    bool // by this node, as it says
		receivers int
		had       int // at the last frame
		want      fate
		broken    bool
	}{
		"to nobody, replica":                {replica, false, 0, 0, doubtful, false},
		"to nobody, master":                 {master, true, 0, 3, confirmed, false},
		"to fewer, replica":                 {replica, false, 2, 3, doubtful, false},
		"to fewer, master":                  {master, true, 2, 3, confirmed, false},
		"to as many, not asked":             {replica, false, 3, 3, confirmed, false},
		"to nobody, must not ask, replaced": {"-NOPERM no\r\n", false, 0, 3, doubtful, false},
		"to nobody, must not ask, serving":  {"-NOPERM no\r\n", true, 0, 3, confirmed, false},
		"to nobody, no answer":              {hangUp, false, 0, 0, doubtful, true},
	} {
		t.Run(name, func(t *testing.T) {
			fake := startFake(t)
			here, elsewhere := fake.listener.Addr().String(), "127.0.0.1:1"
			fake.script(func(command []string) string {
				switch command[0] {
				case "spublish":
					return fmt.Sprintf(":%d\r\n", c.receivers)
				case "role":
					return c.role
				case "cluster":
					return slotsAnswer(map[bool]string{true: here, false: elsewhere}[c.served])
				default:
					return ""
				}
			})
			l := newLink(actortest.NewSystem(t), Options{}.withDefaults(), &hearer{}, &source{cluster: &redis.ClusterOptions{}})
			require.NoError(t, l.topology.learn([]redis.ClusterSlot{{End: slots - 1, Nodes: []redis.ClusterNode{{Addr: here}}}}, here))
			s := l.emitter.sender
			defer s.close()
			if c.had > 0 {
				s.trail.follow([]parcel{{frame: format.Frame{Channel: "c", Sharded: true}, fate: confirmed, addr: here, receivers: c.had}})
			}
			batch := []parcel{{frame: format.Frame{Channel: "c", Sharded: true}}}
			assert.Equal(t, c.broken, s.send(batch) != nil)
			assert.Equal(t, c.want, batch[0].fate)
			if addr, err := l.topology.owner("c"); c.want == doubtful && !c.broken {
				require.NoError(t, err)
				assert.Equal(t, elsewhere, addr, "it has said who is")
				assert.True(t, s.moved("c", addr), "whose subscribers are waited for")
			}
		})
	}
}
