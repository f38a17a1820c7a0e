package link

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/actors/actortest"
)

// piped dials one end of a pipe and hands the other to the test.
func piped(other chan<- net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		other <- there
		return here, nil
	}
}

func TestTracker_Close_EndsWhatWaitsForTheNetwork(t *testing.T) {
	var tr tracker
	other := make(chan net.Conn, 1)
	conn, err := tr.dial(t.Context(), piped(other), "tcp", "x")
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		failed <- err
	}()
	tr.close()
	require.Error(t, <-failed)
	_, err = (<-other).Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "0 connections, 0 attempts to connect", tr.describe())
	_, err = tr.dial(t.Context(), piped(other), "tcp", "x")
	require.ErrorIs(t, err, ErrClosed)
	require.NoError(t, conn.Close(), "again")
}

func TestTracker_ConnectedAfterClose_IsClosedAtOnce(t *testing.T) {
	var tr tracker
	other := make(chan net.Conn, 1)
	_, err := tr.dial(t.Context(), func(ctx context.Context, network, addr string) (net.Conn, error) {
		assert.Equal(t, "0 connections, 1 attempts to connect", tr.describe())
		tr.close()
		return piped(other)(ctx, network, addr)
	}, "tcp", "x")
	require.ErrorIs(t, err, ErrClosed)
	_, err = (<-other).Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestTracker_Written_CountsWhatTheNetworkTook(t *testing.T) {
	var tr tracker
	other := make(chan net.Conn, 1)
	conn, err := tr.dial(t.Context(), piped(other), "tcp", "x")
	require.NoError(t, err)
	there := <-other
	go func() {
		_, _ = io.ReadFull(there, make([]byte, 3))
		_ = there.Close()
	}()
	_, err = conn.Write([]byte("12345"))
	require.Error(t, err)
	assert.EqualValues(t, 3, conn.written.Load())
	require.NoError(t, conn.check(), "unknown of a pipe")
	require.NoError(t, conn.Close())
}

func TestTrackedConn_OtherSideClosed_CheckSeesIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	var tr tracker
	defer tr.close()
	conn, err := tr.dial(t.Context(), (&net.Dialer{}).DialContext, "tcp", listener.Addr().String())
	require.NoError(t, err)
	there, err := listener.Accept()
	require.NoError(t, err)
	require.NoError(t, conn.check())
	require.NoError(t, conn.SetDeadline(time.Now().Add(-time.Second)))
	require.NoError(t, conn.check(), "the deadline is that of the last command")
	require.NoError(t, conn.SetDeadline(time.Time{}))
	_, err = there.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, there.Close())
	_, err = io.ReadFull(conn, make([]byte, 1)) // nothing was taken from it
	require.NoError(t, err)
	until(t, "not seen", func() bool { return conn.check() != nil })
}

func TestClose_DialerIgnoresItsContext_SaysSoAndCanBeCalledAgain(t *testing.T) {
	fake := startFake(t)
	release := make(chan struct{})
	stuck := make(chan struct{}, 3)
	first := make(chan struct{}, 3)
	parent := redis.NewClient(&redis.Options{
		Addr: fake.listener.Addr().String(),
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			select {
			case first <- struct{}{}:
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			default:
			}
			stuck <- struct{}{}
			<-release
			return nil, errors.New("too late")
		},
	})
	defer func() { _ = parent.Close() }()
	l, err := Open(t.Context(), actortest.NewSystem(t), Options{Client: parent}, &hearer{}, nil)
	require.NoError(t, err)
	fake.hangUpAll()
	for range 3 {
		<-stuck
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = l.Close(ctx)
	require.ErrorIs(t, err, ErrStillRunning)
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, err.Error(), "3 attempts to connect")
	close(release)
	require.NoError(t, closeWithin(l, patience))
}
