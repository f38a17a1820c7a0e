package engine

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

func TestSendVolatile_SomethingWaitsToBeWritten_Dropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, o := bubbled(t)
		s, err := Dial(t.Context(), o)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- s.Run(func(wire.EnginePacket) error { return nil }) }()

		assert.True(t, s.SendVolatile(message("idle")))
		synctest.Wait() // the POST is under way
		assert.False(t, s.SendVolatile(message("dropped")), "the writer has something")
		s.Send(message("kept"))
		assert.False(t, s.SendVolatile(message("dropped")), "the queue too")
		assert.Equal(t, "4idle", <-server.posts)
		synctest.Wait()
		assert.False(t, s.SendVolatile(message("dropped")), "the next POST is under way")
		assert.Equal(t, "4kept", <-server.posts)
		synctest.Wait()
		assert.True(t, s.SendVolatile(message("idle again")))
		assert.Equal(t, "4idle again", <-server.posts)
		synctest.Wait()
		assert.Zero(t, s.Queued())

		s.Close()
		assert.False(t, s.SendVolatile(message("dropped")), "the session ends")
		assert.Equal(t, "1", <-server.posts)
		require.ErrorIs(t, <-ended, ErrClosed)
		assert.False(t, s.SendVolatile(message("dropped")), "the session has ended")
	})
}
