package redisbridge_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// TestRun_NodeSaysThatItIsNoMaster_IsAskedOnNoSuchConnectionAgain: the next finds out who is. A script says it in other words
// before Redis 7.0 than a command, and than later ones.
func TestRun_NodeSaysThatItIsNoMaster_IsAskedOnNoSuchConnectionAgain(t *testing.T) {
	for name, answer := range map[string]string{
		"a command": "READONLY You can't write against a read only replica.",
		"a script":  "READONLY You can't write against a read only replica. script: f00, on @user_script:3.",
		"a script, before 7.0": "ERR Error running script (call to f_f00): @user_script:3: @user_script: 3: " +
			"-READONLY You can't write against a read only replica.",
		"a script without its master": "ERR Error running script (call to f_f00): @user_script:3: @user_script: 3: " +
			"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, redisproc.Start(t).Client(), link.Streams{}, "s")
			var refused int64
			require.ErrorContains(t, r.Run(t.Context(), "k", func(ctx context.Context, conn *redis.Conn) error {
				refused = conn.ClientID(ctx).Val()
				return conn.Eval(ctx, "return redis.error_reply(ARGV[1])", []string{"k"}, answer).Err()
			}), "replica")
			require.Positive(t, refused)
			for range 30 {
				require.NoError(t, r.Run(t.Context(), "k", func(ctx context.Context, conn *redis.Conn) error {
					id, err := conn.ClientID(ctx).Result()
					assert.NotEqual(t, refused, id)
					return err
				}))
			}
		})
	}
}
