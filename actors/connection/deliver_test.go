package connection

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// oneSession opens every handshake as a session of the rig and keeps the last.
type oneSession struct {
	rig    *rig
	opened chan *Session
}

func (o *oneSession) Open(h *transport.Handshake) (transport.Opening, error) {
	pid := o.rig.system.Spawn(Props(o.rig.env), "connection")
	return &opening{o, NewSession(o.rig.env, NewSessionID(), pid, h)}, nil
}

// opening is one of its sessions without a transport.
type opening struct {
	sessions *oneSession
	session  *Session
}

func (o *opening) Begin(link transport.Link) error {
	o.sessions.rig.system.Send(o.session.PID(), &Begin{Session: o.session, Link: link, Begun: make(chan struct{})})
	o.sessions.opened <- o.session
	return nil
}

func (o *opening) Abandon() { panic("no upgrade fails here") }

func (o *oneSession) Find(context.Context, string) (transport.Session, bool) { return nil, false }

// member connects one websocket client over TCP, which counts the bytes it reads, and returns its session.
func member(tb testing.TB) (*rig, *Session, *atomic.Int64) {
	tb.Helper()
	return memberOf(tb, &app{namespaces: []string{"/"}})
}

func memberOf(tb testing.TB, a App, configure ...func(*Options)) (*rig, *Session, *atomic.Int64) {
	tb.Helper()
	r := &rig{system: actortest.NewSystem(tb)}
	probe := actortest.NewProbe(tb, r.system)
	r.registry = roomregistry.Start(r.system, roomregistry.Options{Shards: 1})
	o := testOptions()
	o.QueueBytes = 1 << 24
	for _, f := range configure {
		f(&o)
	}
	r.env = NewEnv(Env{
		System: r.system, Registry: r.registry, Supervisor: probe.PID(), Options: o, Counters: new(Counters), App: a,
	})
	sessions := &oneSession{rig: r, opened: make(chan *Session, 1)}
	handler, err := transport.NewHandler(transport.Config{}, sessions)
	require.NoError(tb, err)
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	var raw atomic.Pointer[net.Conn]
	client, response, err := websocket.Dial(tb.Context(), strings.Replace(server.URL, "http", "ws", 1)+"/io/?EIO=4&transport=websocket",
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, address)
				raw.Store(&c)
				return c, err
			},
		}}})
	require.NoError(tb, err)
	require.Equal(tb, http.StatusSwitchingProtocols, response.StatusCode)
	s := <-sessions.opened
	require.NoError(tb, client.Write(tb.Context(), websocket.MessageText, []byte("40")))
	_, connected, err := client.Read(tb.Context())
	for err == nil && !strings.HasPrefix(string(connected), "40") {
		_, connected, err = client.Read(tb.Context())
	}
	require.NoError(tb, err)
	s.Listed() // there is no supervisor to say so
	read, received := make(chan struct{}), new(atomic.Int64)
	go func() {
		defer close(read)
		tally(*raw.Load(), received)
	}()
	tb.Cleanup(func() {
		s.Close(ReasonServerShutdown)
		<-s.Done()
		<-read
		_ = client.CloseNow()
		require.NoError(tb, r.registry.Stop(context.Background()))
	})
	return r, s, received
}

// withoutDescriptor has every write of a session left to its temporary writer.
type withoutDescriptor struct{ net.Listener }

func (l withoutDescriptor) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

// On one processor the writer gets its turn when everything else of the session has ended.
func TestWriter_SessionEndsBeforeItBegins_NothingPanics(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	system := actortest.NewSystem(t)
	env := NewEnv(Env{System: system, Options: testOptions(), Counters: new(Counters), App: &app{namespaces: []string{"/"}}})
	sessions := &oneSession{rig: &rig{system: system, env: env}, opened: make(chan *Session, 1)}
	handler, err := transport.NewHandler(transport.Config{}, sessions)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	server.Listener = withoutDescriptor{server.Listener}
	server.Start()
	defer server.Close()
	for range 20 {
		client, _, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "http", "ws", 1)+"/io/?EIO=4&transport=websocket", nil)
		require.NoError(t, err)
		s := <-sessions.opened
		_, _, err = client.Read(t.Context())
		require.NoError(t, err)
		s.Send(wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineNoop}))
		system.Send(s.PID(), &Abort{Reason: ReasonTransportClose})
		<-s.Done()
		_ = client.CloseNow()
	}
	require.NoError(t, system.Close(t.Context()))
	require.Zero(t, system.Panics())
}

func tally(conn io.Reader, received *atomic.Int64) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		received.Add(int64(n))
		if err != nil {
			return
		}
	}
}

func delivery(tb testing.TB, messages int) *roomregistry.Delivery {
	tb.Helper()
	m, err := wire.EncodeEvent("/", "news", strings.Repeat("x", 52))
	require.NoError(tb, err)
	d := &roomregistry.Delivery{Namespace: "/"}
	for range messages {
		d.Messages = append(d.Messages, m)
		d.Joined = append(d.Joined, m.WebSocket()...)
	}
	d.Size = len(d.Joined)
	return d
}

func TestDeliver_OneMember_AllocatesNothing(t *testing.T) {
	r, s, _ := member(t)
	d := delivery(t, 1)
	allocations := testing.AllocsPerRun(1000, func() {
		r.system.Send(s.PID(), d)
		runtime.Gosched() // the client keeps up
	})
	require.Less(t, allocations, 0.5)
	require.EqualValues(t, 0, r.env.Counters.SlowConsumers.Load())
}

// BenchmarkDeliver is what one member of a broadcast costs: the mailbox, the actor and the system call.
func BenchmarkDeliver(b *testing.B) {
	for name, messages := range map[string]int{"one": 1, "run of ten": 10} {
		b.Run(name, func(b *testing.B) {
			r, s, received := member(b)
			d := delivery(b, messages)
			b.ReportAllocs()
			b.SetBytes(int64(d.Size))
			for sent := int64(0); b.Loop(); sent += int64(d.Size) {
				for sent-received.Load() > 1<<20 {
					runtime.Gosched() // the client keeps up
				}
				r.system.Send(s.PID(), d)
			}
			require.EqualValues(b, 0, r.env.Counters.SlowConsumers.Load())
		})
	}
}
