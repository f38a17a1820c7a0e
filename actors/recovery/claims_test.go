package recovery

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
)

// claims are made by hand. Their answers are written down by their names.
type claims struct {
	rig     *rig
	pid     string
	answers []string
}

// kept returns claims of a session that is kept.
func (r *rig) kept() *claims {
	r.t.Helper()
	c, _, pid := r.session()
	c.cut()
	return &claims{rig: r, pid: pid}
}

func (c *claims) claim(name string) *connection.Claim {
	claim := connection.NewClaim(c.pid, "/", "", func(k *connection.Kept, err error) {
		c.answers = append(c.answers, fmt.Sprint(name, " ", k != nil, " ", err))
	})
	c.rig.keeper.Claim(claim)
	synctest.Wait()
	return claim
}

func (c *claims) answered() []string {
	synctest.Wait()
	answers := c.answers
	c.answers = nil
	return answers
}

func TestClaims_OneAtATime_FirstGivesBack_SecondHasIt(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c := r.kept()
		a := c.claim("a")
		b := c.claim("b")
		assert.Equal(t, []string{"a true <nil>"}, c.answered())
		r.keeper.Unclaim(a)
		assert.Equal(t, []string{"b true <nil>"}, c.answered())
		r.keeper.Unclaim(b)
		r.keeper.Unclaim(b)
		assert.Empty(t, c.answered())
		c.claim("c")
		assert.Equal(t, []string{"c true <nil>"}, c.answered())
		assert.Equal(t, 1, r.keeper.Kept())
	})
}

func TestClaims_OneAtATime_FirstGoesOn_SecondIsRefused(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c := r.kept()
		c.claim("a")
		c.claim("b")
		c.claim("c")
		assert.Equal(t, []string{"a true <nil>", "b false actio: session taken by another client"}, c.answered())
		r.keeper.Opened(r.app.sockets[0]) // any socket of that session
		assert.Equal(t, []string{"c false actio: session taken by another client"}, c.answered())
		assert.Zero(t, r.keeper.Kept())
	})
}

func TestClaims_SecondGivesUp_IsNotAnswered(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c := r.kept()
		a := c.claim("a")
		r.keeper.Unclaim(c.claim("b"))
		r.keeper.Unclaim(a)
		assert.Equal(t, []string{"a true <nil>"}, c.answered())
	})
}

func TestClaims_SessionIsOfNoUse_IsOverForAll(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c := r.kept()
		a := c.claim("a")
		c.claim("b")
		r.keeper.Spent(a, nil)
		r.keeper.Spent(a, nil)
		c.claim("c")
		assert.Equal(t, []string{
			"a true <nil>", "b false actio: session unknown or expired", "c false actio: session unknown or expired",
		}, c.answered())
		assert.Zero(t, r.keeper.Kept())
		assert.False(t, r.registry.MayHave("/", r.app.sockets[0].ID()))
	})
}

func TestClaims_SessionWouldExpireMeanwhile_HasTimeUntilItIsSettled(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		c := r.kept()
		time.Sleep(9 * time.Second)
		a := c.claim("a")
		time.Sleep(5 * time.Second)
		assert.Equal(t, 1, r.keeper.Kept())
		r.keeper.Unclaim(a)
		c.claim("b")
		assert.Equal(t, []string{"a true <nil>", "b true <nil>"}, c.answered())
	})
}

func TestClaims_LiveSessionThatEndsForGood_AreRefused(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		_, _, pid := r.session()
		c := &claims{rig: r, pid: pid}
		socket := r.app.last()
		r.keeper.Ended(socket, nil) // before it has surrendered
		c.claim("a")
		assert.Equal(t, []string{"a false actio: session unknown or expired"}, c.answered())
		require.False(t, socket.Closed())
	})
}

func TestProgress_After_SaysWhereToBegin(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		for range 9 {
			r.emit("x")
		}
		c, _, _ := r.session() // its event has the number 10
		at := func(n int) string { return c.offset[:9] + string("0123456789a"[n]) }
		since := func(seen, last uint64) connection.Progress {
			return connection.Progress{Marked: true, Since: 4, Seen: seen, Last: last}
		}
		for name, row := range map[string]struct {
			progress connection.Progress
			offset   string
			want     uint64
			err      error
		}{
			"has everything":                         {since(8, 6), at(6), 8, nil},
			"has everything, nothing seen since":     {since(5, 6), at(6), 6, nil},
			"missed some":                            {since(8, 6), at(5), 5, nil},
			"missed all":                             {since(8, 6), "", 4, nil},
			"missed all, knows an older session":     {since(8, 6), at(2), 4, nil},
			"was sent nothing":                       {since(8, 0), "", 8, nil},
			"was sent nothing, knows an older":       {since(8, 0), at(3), 8, nil},
			"was sent nothing, says none of ours":    {since(8, 0), at(0), 8, nil},
			"was sent nothing, nothing seen since":   {since(4, 0), at(0), 4, nil},
			"was sent nothing, knows another server": {since(8, 0), "1-0", 8, nil},
			"another server":                         {since(8, 6), "1-0", 0, connection.ErrOffsetUnknown},
			"none of ours":                           {since(8, 6), at(0), 0, connection.ErrOffsetUnknown},
			"the future":                             {since(8, 6), at(7), 0, connection.ErrOffsetUnknown},
			"no beginning":                           {connection.Progress{Last: 6}, at(5), 0, connection.ErrOffsetUnknown},
			"no beginning, was sent nothing":         {connection.Progress{}, at(0), 0, connection.ErrOffsetUnknown},
			"no beginning, has everything":           {connection.Progress{Last: 6}, at(6), 6, nil},
		} {
			got, err := row.progress.After(r.registry, row.offset)
			assert.Equal(t, row.want, got, name)
			assert.ErrorIs(t, err, row.err, name)
		}
	})
}
