package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

func TestAutoAuthenticate_RefusedBeforeTheNamespaceIsConfirmed_WhatWaitsLeavesWithTheNextConnection(t *testing.T) {
	heard := make(chan string, 100)
	url := scripted(t, calm, func(n int, p *peer) {
		_, _ = p.hear("40")
		if n == 1 {
			p.say(`42["unauthenticated",{"message":"no"}]`, `42["later",1]`)
		}
		p.say(`40{"sid":"x"}`)
		for packet, ok := p.hear(""); ok; packet, ok = p.hear("") {
			heard <- fmt.Sprint(n, " ", packet)
		}
	})
	gone := make(chan struct{}, 10)
	h, err := client.NewHelper(client.HelperOptions{
		Identifier: "C", Host: url, NoAutoConnect: true, AutoAuthenticate: true, Options: overWebSocket(client.Options{}),
		OnDisconnected: func(context.Context, *client.Helper, client.Reason) error {
			gone <- struct{}{}
			return nil
		},
	})
	require.NoError(t, err)
	later := numbers(t, h.Socket(), "later")
	require.NoError(t, h.Socket().Emit("waits"))
	h.Connect()
	await.Value(t, gone)
	h.Connect()
	var second []string
	for len(second) < 2 {
		if got := await.Value(t, heard); got[0] == '2' { // the end of the first may come later
			second = append(second, got)
		} else {
			assert.Contains(t, []string{`1 42["authenticate"]`, "1 41"}, got)
		}
	}
	assert.Equal(t, []string{`2 42["authenticate"]`, `2 42["waits"]`}, second)
	require.NoError(t, h.Shutdown(within(t)))
	assert.Empty(t, later, "nothing comes after the end")
}

// TestRejoin: servers of Node.js close the connection for a CONNECT that comes together with the DISCONNECT before it.
func TestRejoin_DISCONNECTWaitsToBeWritten_CONNECTDoesNotCatchUp(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	target, err := url.Parse(server.URL())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var posts atomic.Int32
	hold := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && posts.Add(1) == 3 { // after those with the two CONNECTs
			<-hold
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	o := quick(client.Options{Transports: []client.Transport{client.Polling}})
	s := socketOf(t, web.URL, o, client.SocketOptions{})
	s.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { assert.Equal(t, client.ReasonClientDisconnect, r) })
	require.NoError(t, s.ConnectAndWait(within(t)))
	foo, err := s.Manager().Socket("/foo", client.SocketOptions{})
	require.NoError(t, err)
	require.NoError(t, foo.ConnectAndWait(within(t)))
	require.NoError(t, s.Emit("x"))
	require.Eventually(t, func() bool { return posts.Load() == 3 }, patience, time.Millisecond)
	foo.Disconnect()
	require.NoError(t, foo.Connect())
	<-time.After(200 * time.Millisecond) // much longer than the pause between the two
	close(hold)
	require.NoError(t, foo.ConnectAndWait(within(t)))
	_, err = s.EmitWithAck(within(t), "echo", 1)
	require.NoError(t, err)
}

func TestConnectAndWait_ConnectedAndHandlersRun_WaitsForThem(t *testing.T) {
	url, _ := counting(t)
	s := socketOf(t, url, quick(client.Options{}), client.SocketOptions{})
	release := make(chan struct{})
	var done atomic.Bool
	s.OnConnect(func(context.Context) {
		<-release
		done.Store(true)
	})
	require.NoError(t, s.Connect())
	require.Eventually(t, s.Connected, patience, time.Millisecond)
	time.AfterFunc(20*time.Millisecond, func() { close(release) })
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.True(t, done.Load())
}

// nosy is an error that looks at the client.
type nosy struct{ s **client.Socket }

func (n nosy) Error() string { return fmt.Sprint("connected: ", (*n.s).Connected()) }

func TestAuthFunc_ErrorLooksAtTheClient_IsToldAndNothingIsLocked(t *testing.T) {
	url, _ := counting(t)
	m, err := client.New(url, quick(client.Options{}))
	require.NoError(t, err)
	defer closed(t, m)
	var s *client.Socket
	s, err = m.Socket("/", client.SocketOptions{AuthFunc: func(context.Context) (any, error) { return nil, nosy{&s} }})
	require.NoError(t, err)
	told := make(chan error, 1000)
	s.OnConnectError(func(_ context.Context, err error) { told <- err })
	require.NoError(t, s.Connect())
	require.ErrorContains(t, await.Value(t, told), "connected: false")
}
