package lifecycle

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// cyclesVariable is how many connections come and go in TestChurn; `make churn` sets it.
const cyclesVariable = "ACTIO_CHURN"

func cycles(t *testing.T) int {
	t.Helper()
	text := os.Getenv(cyclesVariable)
	if text == "" {
		return 1500
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, cyclesVariable)
	return n
}

func TestChurn_ManyCycles_LeaveNothing(t *testing.T) {
	const (
		atATime = 50
		warmUp  = 500
		// What the heap may keep of one connection, in bytes: the table of actors grows with the first twenty thousand, and
		// little thereafter.
		table, first, further = 20_000, 384, 64
	)
	s := serve(t, actio.Options{ValidateRooms: anyRoom})
	cycle := func(i int) error {
		transport := rawclient.Transport(i % 3)
		c, err := rawclient.Dial(s.address(), rawclient.Options{Transport: transport})
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Login(user(fmt.Sprintf("user %d", i))); err != nil {
			return err
		}
		if _, err := c.Ask(1, "join", map[string]any{"rooms": []string{fmt.Sprintf("room %d", i)}}); err != nil {
			return err
		}
		if i%2 == 0 && transport != rawclient.Polling { // of which the server would not know before the ping timeout
			c.Reset()
			return nil
		}
		if err := c.Leave(); err != nil {
			return err
		}
		c.Farewell()
		return nil
	}
	n := cycles(t)
	require.NoError(t, each(warmUp, atATime, cycle))
	before := s.idleBaseline(t, 10*atATime)
	opened := s.stats(t).SessionsOpened
	require.NoError(t, each(n, atATime, cycle))
	s.untilEmpty(t)
	require.EqualValues(t, n, s.stats(t).SessionsOpened-opened)
	before.returned(t, min(n, table)*first+max(0, n-table)*further)
}
