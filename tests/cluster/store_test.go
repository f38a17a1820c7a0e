package cluster

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jspeer"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// store is the Redis of a cluster: one server, or a cluster of six.
type store struct {
	where  jspeer.Redis
	client func() redis.UniversalClient // a new one; the test closes it
}

func oneServer(t *testing.T) store {
	t.Helper()
	r := redisproc.Start(t)
	return store{
		where:  jspeer.Redis{Nodes: []string{r.Addr()}},
		client: func() redis.UniversalClient { return r.Client() },
	}
}

func sixNodes(t *testing.T) store {
	t.Helper()
	r := redisproc.StartCluster(t)
	return store{
		where:  jspeer.Redis{Nodes: r.Addrs(), Cluster: true},
		client: func() redis.UniversalClient { return r.Client() },
	}
}

// listeners counts who is subscribed to a channel, on whatever node.
func listeners(t require.TestingT, client redis.UniversalClient, sharded bool, channel string) int {
	var sum atomic.Int64
	ask := func(ctx context.Context, node redis.Cmdable) error {
		count := node.PubSubNumSub
		if sharded {
			count = node.PubSubShardNumSub
		}
		answer, err := count(ctx, channel).Result()
		sum.Add(answer[channel])
		return err
	}
	var err error
	if nodes, ok := client.(*redis.ClusterClient); ok {
		err = nodes.ForEachShard(context.Background(), func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
	} else {
		err = ask(context.Background(), client)
	}
	require.NoError(t, err)
	return int(sum.Load())
}
