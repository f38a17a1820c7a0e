package actio

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPatience_DeadlineJustOver_IsNotTheDefault(t *testing.T) {
	s, err := New(Options{NoAuthentication: true})
	require.NoError(t, err)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, d, release := s.patience(ctx, 0)
	defer release()
	assert.Positive(t, d)
	assert.Less(t, d, time.Millisecond)
}
