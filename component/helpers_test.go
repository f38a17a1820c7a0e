package component_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

const patience = 20 * time.Second

// errLuck is what fails in tests.
var errLuck = errors.New("no luck")

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// soon gives what a channel gets.
func soon[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		require.Fail(t, "nothing came")
	}
	return v
}

// journal keeps the lines of a log: level, message and attributes.
type journal struct {
	slog.Handler

	mutex sync.Mutex
	lines []string
	read  func() // called with each line, if it is set
}

func newJournal() *journal { return &journal{Handler: slog.DiscardHandler} }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	j.mutex.Lock()
	j.lines = append(j.lines, line)
	j.mutex.Unlock()
	if j.read != nil {
		j.read()
	}
	return nil
}

func (j *journal) all() []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.Clone(j.lines)
}

// find returns the first line that begins like this.
func (j *journal) find(t *testing.T, beginning string) string {
	t.Helper()
	lines := j.all()
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, beginning) })
	require.GreaterOrEqual(t, i, 0, "%q is not in\n%s", beginning, strings.Join(lines, "\n"))
	return lines[i]
}

// inOrder checks that lines with these beginnings are in the log, in this order.
func inOrder(t *testing.T, lines []string, wanted ...string) {
	t.Helper()
	for _, line := range lines {
		if len(wanted) > 0 && strings.HasPrefix(line, wanted[0]) {
			wanted = wanted[1:]
		}
	}
	assert.Empty(t, wanted, "%s", strings.Join(lines, "\n"))
}

// own is the application's handler.
func own(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") }

// plain makes an application without components.
func plain(o component.ApplicationOptions) *component.Application {
	if o.Server == nil {
		o.Server = &http.Server{Addr: "127.0.0.1:0", Handler: http.HandlerFunc(own), ReadHeaderTimeout: patience}
	}
	return component.NewApplication(o)
}

// standalone makes an application with a Socket.IO server that needs no Redis.
func standalone(t *testing.T, hosting actio.Hosting, log slog.Handler) *component.Application {
	t.Helper()
	return place(t, hosting, component.ApplicationOptions{Logger: slog.New(log)}, component.ServerOptions{})
}

// place makes an application with a Socket.IO server that needs no Redis, from options.
func place(
	t *testing.T, hosting actio.Hosting, o component.ApplicationOptions, s component.ServerOptions,
) *component.Application {
	t.Helper()
	a := plain(o)
	s.Standalone = true
	component.AuthenticateHandler.Bind(a.Container(), allow)
	component.ServerConfig.Bind(a.Container(), s)
	require.NoError(t, a.Use(component.NewSocketIO(hosting)))
	return a
}

// hook registers a post-start hook, onStop a stop hook.
func hook(t *testing.T, a *component.Application, name string, h component.Hook) {
	t.Helper()
	require.NoError(t, a.RegisterPostStartHook(name, h))
}

func onStop(t *testing.T, a *component.Application, name string, h component.Hook) {
	t.Helper()
	require.NoError(t, a.RegisterStopHook(name, h))
}

// start and stop do it in the background.
func start(ctx context.Context, a *component.Application) <-chan error {
	result := make(chan error, 1)
	go func() { result <- a.Start(ctx) }()
	return result
}

func stop(ctx context.Context, a *component.Application) <-chan error {
	result := make(chan error, 1)
	go func() { result <- a.Stop(ctx) }()
	return result
}

// get makes one request on a connection of its own.
func get(t *testing.T, a *component.Application, path string) (status int, body string, header http.Header) {
	t.Helper()
	return request(t, a, http.MethodGet, path)
}

func request(t *testing.T, a *component.Application, method, path string) (status int, body string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), method, "http://"+a.Addr().String()+path, nil)
	require.NoError(t, err)
	r.Close = true
	r.Header.Set("Origin", "https://page.test")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text), response.Header
}

// inFlight makes a handler, a function that returns when a request is inside of it, and a channel that is closed when that was
// cut off, as the request does not end by itself.
func inFlight(t *testing.T) (handler http.HandlerFunc, enter func(a *component.Application), cut <-chan struct{}) {
	t.Helper()
	inside, gone := make(chan struct{}, 1), make(chan struct{})
	handler = func(_ http.ResponseWriter, r *http.Request) {
		inside <- struct{}{}
		<-r.Context().Done()
		close(gone)
	}
	return handler, func(a *component.Application) {
		url := "http://" + a.Addr().String() + "/own"
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // it does not give up before the test does
		t.Cleanup(cancel)
		var request sync.WaitGroup
		t.Cleanup(request.Wait)
		request.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if !assert.NoError(t, err) {
				return
			}
			r.Close = true
			if response, err := http.DefaultClient.Do(r); err == nil {
				_ = response.Body.Close()
			}
		})
		soon(t, inside)
	}, gone
}

// nobodyListens checks that a connection is refused.
func nobodyListens(t *testing.T, addr net.Addr) {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err == nil {
		_ = c.Close()
	}
	assert.Error(t, err, "somebody still listens")
}

const (
	handshake = "/io/?EIO=4&transport=polling"
	// refused is a request that a live server answers with 400, without a session that would have to be ended.
	refused = "/io/?EIO=4&transport=bogus"
)

func hostings() map[string]actio.Hosting {
	return map[string]actio.Hosting{"attached": actio.Attached, "mounted": actio.Mounted}
}

// probe is a component of a test.
type probe struct {
	binding func(ctx context.Context, a *component.Application) error
	stop    func(ctx context.Context) error
}

func (p probe) Binding(ctx context.Context, a *component.Application) error {
	if p.binding == nil {
		return nil
	}
	return p.binding(ctx, a)
}

func (p probe) Stop(ctx context.Context, _ *component.Application) error {
	if p.stop == nil {
		return nil
	}
	return p.stop(ctx)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
