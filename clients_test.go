package actio_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// served is a server that clients can reach.
type served struct {
	*actio.Server

	t       *testing.T
	address string
}

// serve starts a server. Without an Authenticator it is a plain one.
func serve(t *testing.T, o actio.Options) *served {
	t.Helper()
	o.NoAuthentication = o.Authenticate == nil
	s, err := actio.New(o)
	require.NoError(t, err)
	require.NoError(t, s.Configure(t.Context()))
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		assert.NoError(t, s.Shutdown(context.Background()))
		web.Close()
	})
	return &served{Server: s, t: t, address: strings.TrimPrefix(web.URL, "http://")}
}

// peer is a bare client in the default namespace.
type peer struct {
	t      *testing.T
	id     string
	socket *websocket.Conn
}

// connect connects a client with a payload of CONNECT.
func (s *served) connect(auth string) *peer {
	s.t.Helper()
	p := s.enter(auth)
	var opened struct {
		SID string `json:"sid"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(p.wait("40")), &opened))
	p.id = opened.SID
	return p
}

// enter is connect for a client whose CONNECT has no answer yet.
func (s *served) enter(auth string) *peer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, "ws://"+s.address+"/io/?EIO=4&transport=websocket&color=red&color=blue", nil)
	require.NoError(s.t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	s.t.Cleanup(func() { _ = socket.CloseNow() })
	p := &peer{t: s.t, socket: socket}
	p.wait("0")
	p.send("40" + auth)
	return p
}

// login connects a client and has it authenticated as a user.
func (s *served) login(user string) *peer {
	s.t.Helper()
	p := s.connect(`{"user":"` + user + `"}`)
	p.send(`42["authenticate"]`)
	p.wait(`42["authenticated"`)
	return p
}

// byName authenticates whoever the payload of CONNECT names.
func byName(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	var auth struct{ User string }
	err := h.DecodeAuth(&auth)
	return &actio.Principal{UserID: auth.User}, err
}

func (p *peer) send(packet string) {
	p.t.Helper()
	require.NoError(p.t, p.socket.Write(p.t.Context(), websocket.MessageText, []byte(packet)))
}

// next returns the next packet that is no ping.
func (p *peer) next() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		_, packet, err := p.socket.Read(ctx)
		require.NoError(p.t, err)
		if text := string(packet); text != "2" && !strings.HasPrefix(text, `42["ping"`) {
			return text
		}
	}
}

// wait returns what follows this beginning in the next packet, which must have it.
func (p *peer) wait(prefix string) string {
	p.t.Helper()
	packet := p.next()
	rest, found := strings.CutPrefix(packet, prefix)
	require.True(p.t, found, "%q does not begin with %q", packet, prefix)
	return rest
}

// question waits for an event that wants an acknowledgement and returns the id of that.
func (p *peer) question(event string) string {
	p.t.Helper()
	id, _, found := strings.Cut(p.wait("42"), `["`+event+`"`)
	require.True(p.t, found)
	_, err := strconv.Atoi(id)
	require.NoError(p.t, err)
	return id
}

// answer acknowledges.
func (p *peer) answer(id, args string) { p.t.Helper(); p.send("43" + id + "[" + args + "]") }

// nothingMore tells that a client got no other event: a mark that is sent now is the next that it gets.
func (s *served) nothingMore(peers ...*peer) {
	s.t.Helper()
	for _, p := range peers {
		require.NoError(s.t, s.To(p.id).Emit("mark"))
		assert.Equal(s.t, `42["mark"]`, p.next())
	}
}

// bounded is a context for one wait.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
