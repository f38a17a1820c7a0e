package client_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// scales weigh what goes over the connections that they dial, in bytes.
type scales struct{ sent, received atomic.Int64 }

func (w *scales) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &weighed{Conn: conn, scales: w}, nil
}

type weighed struct {
	net.Conn
	scales *scales
}

func (c *weighed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.scales.received.Add(int64(n))
	return n, err
}

func (c *weighed) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.scales.sent.Add(int64(n))
	return n, err
}

func TestNode_Compression_NegotiatedAndUsedInBothDirectionsOnlyWhenWanted(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Deflate: true})
	text := strings.Repeat("compressible ", 10_000)
	for name, row := range map[string]struct {
		compression bool
		transports  []client.Transport
	}{
		"off":           {false, []client.Transport{client.WebSocket}},
		"on":            {true, []client.Transport{client.WebSocket}},
		"on by upgrade": {true, []client.Transport{client.Polling, client.WebSocket}},
	} {
		t.Run(name, func(t *testing.T) {
			var weight scales
			transport := &http.Transport{DialContext: weight.dial}
			defer transport.CloseIdleConnections()
			s := dial(t, server.URL(), client.Options{
				Compression: row.compression, Transports: row.transports, HTTPClient: &http.Client{Transport: transport},
			}, client.SocketOptions{})
			defer closed(t, s.Manager())
			upgraded(t, s)
			requests, err := server.Requests(t.Context())
			require.NoError(t, err)
			i := slices.IndexFunc(requests, func(r jsserver.Request) bool { return strings.Contains(r.URL, "transport=websocket") })
			require.GreaterOrEqual(t, i, 0)
			offer := requests[i].Headers["sec-websocket-extensions"]
			assert.Equal(t, row.compression, strings.Contains(offer, "permessage-deflate"), offer)

			weight.sent.Store(0)
			weight.received.Store(0)
			args, err := s.EmitWithAck(within(t), "echo", text)
			require.NoError(t, err)
			var back string
			require.NoError(t, args.Decode(0, &back))
			assert.Equal(t, text, back)
			for direction, bytes := range map[string]int64{"sent": weight.sent.Load(), "received": weight.received.Load()} {
				if row.compression {
					assert.Less(t, bytes, int64(len(text)/10), direction)
				} else {
					assert.Greater(t, bytes, int64(len(text)), direction)
				}
			}
		})
	}
}
