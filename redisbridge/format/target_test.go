package format

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTarget_Derived_LeavesTheOriginalAsItWas(t *testing.T) {
	base := Target{}.With("a", "", "b").Without("x")
	one, two := base.With("c"), base.With("d").Without("", "y")
	assert.Equal(t, Target{Rooms: []string{"a", "b"}, Except: []string{"x"}}, base)
	assert.Equal(t, Target{Rooms: []string{"a", "b", "c"}, Except: []string{"x"}}, one)
	assert.Equal(t, Target{Rooms: []string{"a", "b", "d"}, Except: []string{"x", "y"}}, two)
	user, err := base.WithUser("ann")
	require.NoError(t, err)
	assert.Empty(t, base.User)
	same, err := user.WithUser("")
	require.NoError(t, err)
	assert.Equal(t, user, same)
	_, err = user.WithUser("bob")
	require.ErrorIs(t, err, ErrTwoUsers)
}
