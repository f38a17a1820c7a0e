package servers_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/tests/bench/internal/frames"
	"github.com/actio-go/actio/tests/bench/internal/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served runs a program until the end of the test, and returns its address.
func served(t *testing.T, name string, options ...string) string {
	t.Helper()
	in, end := io.Pipe()
	lines, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- servers.Serve(append([]string{name, "-ping", "20s", "-app-ping", "21s"}, options...), in, out)
	}()
	t.Cleanup(func() {
		require.NoError(t, end.Close())
		require.NoError(t, <-ended)
	})
	var first servers.Listening
	require.NoError(t, json.NewDecoder(bufio.NewReader(lines)).Decode(&first))
	return fmt.Sprintf("127.0.0.1:%d", first.Port)
}

// peer is a client by hand.
type peer struct {
	t    *testing.T
	conn net.Conn
	data []byte
}

func dial(t *testing.T, address string) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, conn: conn}
	_, err = fmt.Fprintf(conn, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", servers.Path, address)
	require.NoError(t, err)
	for {
		r, err := frames.NextResponse(p.data, 1<<20)
		require.NoError(t, err)
		if r.Size > 0 {
			require.Equal(t, 101, r.Status)
			p.data = p.data[r.Size:]
			return p
		}
		p.read()
	}
}

func (p *peer) read() {
	p.t.Helper()
	buffer := make([]byte, 4096)
	n, err := p.conn.Read(buffer)
	require.NoError(p.t, err)
	p.data = append(p.data, buffer[:n]...)
}

// await returns the next text that begins so.
func (p *peer) await(beginning string) string {
	p.t.Helper()
	for {
		f, err := frames.Next(p.data, 1<<20)
		require.NoError(p.t, err)
		if f.Size == 0 {
			p.read()
			continue
		}
		p.data = p.data[f.Size:]
		if strings.HasPrefix(string(f.Payload), beginning) {
			return string(f.Payload)
		}
	}
}

func (p *peer) send(text string) {
	p.t.Helper()
	_, err := p.conn.Write(frames.Append(nil, frames.Text, []byte(text)))
	require.NoError(p.t, err)
}

func TestServe_EachProgram_IsTheApplication(t *testing.T) {
	for _, name := range []string{servers.Actio, servers.Floor, servers.FloorBatch} {
		t.Run(name, func(t *testing.T) {
			address := served(t, name)
			one, other := dial(t, address), dial(t, address)
			for _, p := range []*peer{one, other} {
				p.await("0{")
				p.send("40")
				p.await("40{")
				p.send(`42["authenticate",{"token":"x"}]`)
				p.await(`42["authenticated"`)
			}
			one.send(`4217["echo","hello"]`)
			assert.Equal(t, `4317["hello"]`, one.await("43"))
			one.send(`420["hop",{"room":"r"}]`)
			assert.Equal(t, `430[]`, one.await("43"))
			long := strings.Repeat("y", 400) // a frame with a long header
			one.send(`421["echo","` + long + `"]`)
			assert.Equal(t, `431["`+long+`"]`, one.await("43"))
			one.send(`42["cast",{"n":2,"size":200}]`)
			for _, p := range []*peer{one, other} {
				for number := 1; number <= 2; number++ {
					assert.Equal(t, fmt.Sprintf(`42["m","%010d%s"]`, number, strings.Repeat("x", 190)), p.await(`42["m"`))
				}
			}
		})
	}
}

func TestServe_FloorThatShallBeat_SendsBothHeartbeatsAgainAndAgain(t *testing.T) {
	p := dial(t, served(t, servers.Floor, "-floor-beats", "-ping", "100ms", "-app-ping", "150ms"))
	p.send(`42["authenticate",{"token":"x"}]`)
	for range 3 {
		p.await("2")
		p.send("3")
		p.await(`42["ping"`)
	}
}

func TestServe_Mistakes_AreErrors(t *testing.T) {
	require.Error(t, servers.Serve(nil, nil, nil))
	require.ErrorContains(t, servers.Serve([]string{"somebody"}, nil, nil), "somebody")
	require.Error(t, servers.Serve([]string{servers.Floor, "-ping", "x"}, nil, nil))
}
