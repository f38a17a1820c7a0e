package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

func TestTLS_EveryTransport(t *testing.T) {
	server, err := actio.New(actio.Options{NoAuthentication: true})
	require.NoError(t, err)
	require.NoError(t, server.Configure(t.Context()))
	web := httptest.NewUnstartedServer(server)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // one client does not trust it
	web.StartTLS()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, server.Shutdown(ctx))
		web.Close()
	}()
	require.NoError(t, actio.On(server.Root(), "n", func(_ context.Context, _ *actio.Socket, n int) (int, error) { return n, nil }))
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	for way, transports := range ways() {
		t.Run(way, func(t *testing.T) {
			s := dial(t, strings.Replace(web.URL, "https", "wss", 1), client.Options{
				Path: "/io", Transports: transports, TLS: &tls.Config{RootCAs: roots},
			}, client.SocketOptions{})
			_, err := s.EmitWithAck(within(t), "n", 1)
			require.NoError(t, err)
			if way == "upgrade" {
				require.Eventually(t, func() bool { return s.Manager().Transport() == client.WebSocket }, patience, time.Millisecond)
				_, err := s.EmitWithAck(within(t), "n", 2)
				require.NoError(t, err)
			}
		})
	}
	_, err = client.Dial(within(t), web.URL, client.Options{Path: "/io", NoReconnection: true}, client.SocketOptions{})
	require.ErrorContains(t, err, "certificate")
}

// proxyChild is the environment variable that makes this test binary the client of TestProxy: net/http reads the proxy of the
// environment once in a process, and never uses it for loopback addresses.
const proxyChild = "ACTIO_PROXY_CHILD"

func TestMain(m *testing.M) { os.Exit(mainOfTests(m)) }

func TestProxy_OfTheEnvironment_IsUsedByEveryTransport(t *testing.T) {
	server, url := serve(t, actio.Options{})
	require.NoError(t, actio.On(server.Root(), "n", func(_ context.Context, _ *actio.Socket, n int) (int, error) { return n, nil }))
	seen := make(chan string, 1000)
	proxy := httptest.NewServer(forward(strings.TrimPrefix(url, "http://"), seen))
	defer proxy.Close()
	for way, transports := range ways() {
		command := exec.CommandContext(within(t), os.Args[0])
		var names []string
		for _, transport := range transports {
			names = append(names, string(transport))
		}
		command.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, proxyChild+"="+strings.Join(names, ","))
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", way, out)
		assert.Contains(t, <-seen, "actio.test")
	}
}

// askByProxy is what the child does.
func askByProxy(transports []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o := client.Options{}
	for _, name := range transports {
		o.Transports = append(o.Transports, client.Transport(name))
	}
	s, err := client.Dial(ctx, "http://actio.test", o, client.SocketOptions{})
	if err != nil {
		return err
	}
	if _, err := s.EmitWithAck(ctx, "n", 1); err != nil {
		return err
	}
	return s.Manager().Close(ctx)
}

// forward is a proxy that takes every host for the one at addr.
func forward(addr string, seen chan<- string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			seen <- r.In.Method + " " + r.In.Host
			r.Out.URL.Scheme, r.Out.URL.Host = "http", addr
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // polls end with the client
	}
}

func childOfProxyTest() (code int, is bool) {
	names, is := os.LookupEnv(proxyChild)
	if !is {
		return 0, false
	}
	if err := askByProxy(strings.Split(names, ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}
