package connection

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
)

type jobFunc func()

func (f jobFunc) run() { f() }

func TestInbox_ManyPushers_RunsAllOfEachInOrderOneAtATime(t *testing.T) {
	system := actors.NewSystem(actors.Options{})
	b := inbox{workers: system.Workers()}
	const pushers, each = 8, 1000
	var done, pushing sync.WaitGroup
	done.Add(pushers * each)
	last := make([]int, pushers) // unsynchronised: the race detector proves "one at a time"
	for p := range pushers {
		pushing.Go(func() {
			for i := 1; i <= each; i++ {
				b.push(jobFunc(func() {
					assert.Equal(t, last[p]+1, i)
					last[p] = i
					done.Done()
				}))
			}
		})
	}
	pushing.Wait()
	done.Wait()
	require.NoError(t, system.Close(context.Background()))
}

func TestInbox_PoolStopped_DropsJobs(t *testing.T) {
	system := actors.NewSystem(actors.Options{})
	require.NoError(t, system.Close(context.Background()))
	b := inbox{workers: system.Workers()}
	b.push(jobFunc(func() { t.Error("ran") }))
	b.push(jobFunc(func() { t.Error("ran") }))
	assert.False(t, b.running)
	assert.Nil(t, b.first)
	assert.Empty(t, b.more)
}
