package engine

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// faulty is a websocket whose server has said everything and takes nothing any more once it is broken.
type faulty struct {
	io.Reader

	broken atomic.Bool
}

func (f *faulty) Write(p []byte) (int, error) {
	if f.broken.Load() {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (*faulty) Close() error { return nil }

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	response, _ := switched(r)
	response.Body = f
	return response, nil
}

// frames are messages of text as a server sends them, each shorter than 126 bytes.
func frames(texts ...string) io.Reader {
	var all []byte
	for _, text := range texts {
		all = append(append(all, 0x81, byte(len(text))), text...)
	}
	return bytes.NewReader(all)
}

func TestWebSocket_WriteFailsWhileTheApplicationKeepsTheReader_WhatTheServerSaidIsRead(t *testing.T) {
	texts := append([]string{opening}, slices.Repeat([]string{"4e"}, 100)...)
	conn := &faulty{Reader: frames(append(texts, "1")...)}
	_, o := start(t)
	o.Transports, o.HTTP = []Transport{WebSocket}, &http.Client{Transport: conn}
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	messages := 0
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error {
		if messages++; messages == 1 {
			conn.broken.Store(true)
			s.Send(message("lost"))
			require.Eventually(t, s.Deaf, time.Second, time.Millisecond)
			assert.False(t, s.Ended())
			s.Send(message("lost"))
			assert.Zero(t, s.Queued())
		}
		return nil
	}), ErrServerClosed)
	assert.Equal(t, 100, messages)
}

func TestWebSocket_WriteFailsAndTheApplicationDoesNotGoOn_TheHeartbeatEndsIt(t *testing.T) {
	conn := &faulty{Reader: frames(opening, "4e")}
	_, o := start(t)
	o.Transports, o.HTTP = []Transport{WebSocket}, &http.Client{Transport: conn}
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	require.ErrorIs(t, s.Run(func(wire.EnginePacket) error {
		conn.broken.Store(true)
		s.Send(message("lost"))
		ended := make(chan struct{})
		s.AfterEnd(func() { close(ended) })
		<-ended
		return nil
	}), ErrPingTimeout)
}
