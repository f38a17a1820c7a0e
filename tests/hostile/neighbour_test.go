package hostile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// neighbour is a client in good health: it reads all the time, and answers heartbeats.
type neighbour struct {
	*socket

	heard chan string
	err   error // after heard is closed
}

func (h *host) neighbour(t *testing.T) *neighbour {
	t.Helper()
	n := &neighbour{socket: h.connect(t), heard: make(chan string, 16)}
	go func() {
		defer close(n.heard)
		var message string
		for message, n.err = n.next(); n.err == nil; message, n.err = n.next() {
			n.heard <- message
		}
	}()
	t.Cleanup(func() {
		_ = n.Close()
		for range n.heard { // until the reader has ended
		}
	})
	return n
}

// echo proves that it is served, and says how soon.
func (n *neighbour) echo(t *testing.T, word string) time.Duration {
	t.Helper()
	start := time.Now()
	n.say(t, `42["echo","`+word+`"]`)
	heard, ok := <-n.heard
	require.True(t, ok, "neighbour: %v", n.err)
	assert.Equal(t, `42["echo","`+word+`"]`, heard)
	return time.Since(start)
}
