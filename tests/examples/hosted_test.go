package examples_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// hosted is one of the examples that stand on examples/internal/host, while it runs.
type hosted struct {
	lines

	cmd *exec.Cmd
	url string
}

// host starts a binary. It must end well when it is told to, at the end of the test.
func host(t *testing.T, binary string, args ...string) *hosted {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	h := &hosted{cmd: exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)}
	h.cmd.Stdout, h.cmd.Stderr = h, h
	require.NoError(t, h.cmd.Start())
	t.Cleanup(func() {
		defer cancel()
		assert.NoError(t, h.cmd.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, h.cmd.Wait(), "%s", h)
	})
	listens := regexp.MustCompile(`listening on (\S+)`)
	require.Eventually(t, func() bool {
		found := listens.FindStringSubmatch(h.String())
		if found != nil {
			h.url = found[1]
		}
		return found != nil
	}, 20*time.Second, 5*time.Millisecond, "%s", h)
	return h
}

// login connects an official client, which authenticates by that.
func (h *hosted) login(t *testing.T, node *jsclient.Harness, user string) *jsclient.Client {
	t.Helper()
	c := node.Connect(h.url, jsclient.Options{Path: "/io", Auth: map[string]string{"token": user}})
	hear(t, c, "authenticated")
	return c
}

// hear waits for the next event of that name and returns its first argument.
func hear(t *testing.T, c *jsclient.Client, event string) any {
	t.Helper()
	args, err := c.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	if len(args) == 0 {
		return nil
	}
	return args.Values()[0]
}

func ask(t *testing.T, c *jsclient.Client, event string, args ...any) any {
	t.Helper()
	answer, err := c.EmitWithAck(t.Context(), event, args...)
	require.NoError(t, err)
	require.Len(t, answer, 1)
	return answer.Values()[0]
}

// as makes a request of somebody who has a token.
func (h *hosted) as(t *testing.T, token, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(text))
}

func TestNotifications_WhoIsNotThereYet_GetsThemInOrderWhenHeComes(t *testing.T) {
	h, node := host(t, build(t, "notifications")), jsclient.Start(t)
	notify := func(text string) {
		status, body := request(t, http.MethodPost, h.url+"/notify", `{"user":"ann","text":"`+text+`"}`)
		assert.Equal(t, http.StatusAccepted, status, body)
	}
	notify("before she came")
	ann, bob := h.login(t, node, "ann"), h.login(t, node, "bob")
	notify("while she is there")
	for _, text := range []string{"the service has started", "before she came", "while she is there"} {
		assert.Equal(t, map[string]any{"user": "ann", "text": text}, hear(t, ann, "notification"))
	}
	ann.Disconnect()
	notify("after she left")
	again := h.login(t, node, "ann")
	assert.Equal(t, map[string]any{"user": "ann", "text": "after she left"}, hear(t, again, "notification"))
	assert.Zero(t, bob.Received("notification"))

	for range 100 {
		if status, body := request(t, http.MethodPost, h.url+"/notify", `{"user":"eve","text":"x"}`); status != http.StatusAccepted {
			require.FailNow(t, body)
		}
	}
	status, body := request(t, http.MethodPost, h.url+"/notify", `{"user":"eve","text":"one more"}`)
	assert.Equal(t, http.StatusTooManyRequests, status, body)
	status, body = request(t, http.MethodPost, h.url+"/notify", `{}`)
	assert.Equal(t, http.StatusBadRequest, status, body)
}

func TestPresence_OnTwoInstances_LastsAsLongAsTheLastClientOfAUser(t *testing.T) {
	binary, redis := build(t, "presence"), "redis://"+redisproc.Start(t).Addr()
	first, second, node := host(t, binary, "-redis", redis), host(t, binary, "-redis", redis), jsclient.Start(t)
	online := func(user string, is bool) map[string]any { return map[string]any{"user": user, "online": is} }

	bob := second.login(t, node, "bob")
	assert.Equal(t, []any{"bob"}, ask(t, bob, "who"))
	ann := first.login(t, node, "ann")
	assert.Equal(t, online("ann", true), hear(t, bob, "presence"))
	twin := second.login(t, node, "ann")
	assert.Equal(t, online("ann", true), hear(t, bob, "presence"))
	for _, c := range []*jsclient.Client{ann, bob} {
		assert.Equal(t, []any{"ann", "bob"}, ask(t, c, "who"))
	}

	ann.Disconnect()
	carl := first.login(t, node, "carl")
	assert.Equal(t, online("carl", true), hear(t, bob, "presence"), "ann is still there")
	twin.Disconnect()
	assert.Equal(t, online("ann", false), hear(t, bob, "presence"))
	assert.Equal(t, online("ann", false), hear(t, carl, "presence"))
	assert.Equal(t, []any{"bob", "carl"}, ask(t, carl, "who"))
}

func TestPresence_RedisIsNoURL_SaysWhatItWants(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), build(t, "presence"), "-redis", "127.0.0.1:6379", "-addr", "127.0.0.1:0").CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, "failed: -redis: want a URL such as redis://127.0.0.1:6379\n", string(out))
}

func TestRestcontrol_ReachesClients(t *testing.T) {
	h, node := host(t, build(t, "restcontrol"), "-token", "secret"), jsclient.Start(t)
	ann, bob := h.login(t, node, "ann"), h.login(t, node, "bob")
	do := func(method, path, body string, want int) string {
		t.Helper()
		status, text := h.as(t, "secret", method, path, body)
		assert.Equal(t, want, status, "%s %s: %s", method, path, text)
		return text
	}
	status, _ := h.as(t, "guess", http.MethodGet, "/clients", "")
	assert.Equal(t, http.StatusUnauthorized, status)

	var listed struct {
		Clients []struct{ ID, User, Address string }
	}
	text := do(http.MethodGet, "/clients", "", http.StatusOK)
	assert.Contains(t, text, `"missing":[]`)
	require.NoError(t, json.Unmarshal([]byte(text), &listed))
	users := map[string]string{}
	for _, c := range listed.Clients {
		users[c.ID] = c.User
		assert.Equal(t, "127.0.0.1", c.Address)
	}
	assert.Equal(t, map[string]string{ann.ID(): "ann", bob.ID(): "bob"}, users)

	of := func(c *jsclient.Client) string { return "/clients/" + c.ID() }
	do(http.MethodPut, of(ann)+"/rooms/game", "", http.StatusNoContent)
	assert.Contains(t, do(http.MethodGet, of(ann), "", http.StatusOK), `"game"`)
	do(http.MethodPost, "/rooms/game/messages", `{"event":"news","data":{"for":"players"}}`, http.StatusNoContent)
	assert.Equal(t, map[string]any{"for": "players"}, hear(t, ann, "news"))
	do(http.MethodDelete, of(ann)+"/rooms/game", "", http.StatusNoContent)
	assert.NotContains(t, do(http.MethodGet, of(ann), "", http.StatusOK), `"game"`)
	do(http.MethodPost, of(bob)+"/messages", `{"event":"news","data":"for bob"}`, http.StatusNoContent)
	assert.Equal(t, "for bob", hear(t, bob, "news"))
	assert.Zero(t, ann.Received("news"))

	do(http.MethodDelete, of(bob), "", http.StatusNoContent)
	hear(t, bob, "disconnect")
	assert.Equal(t, "io server disconnect", bob.DisconnectReason())
	do(http.MethodGet, of(bob), "", http.StatusNotFound)
	do(http.MethodPost, of(ann)+"/messages", `{"event":"disconnect"}`, http.StatusBadRequest)
	do(http.MethodPost, of(ann)+"/messages", `news`, http.StatusBadRequest)
}

func TestEmbedding_AnActorOfTheProgram_TakesTheBidsOfClients(t *testing.T) {
	h, node := host(t, build(t, "embedding")), jsclient.Start(t)
	ann, bob := h.login(t, node, "ann"), h.login(t, node, "bob")
	highest := func(amount float64, by string) map[string]any { return map[string]any{"highest": amount, "by": by} }
	assert.Equal(t, highest(10, "ann"), ask(t, ann, "bid", 10))
	assert.Equal(t, map[string]any{"error": "10 is not more than 10"}, ask(t, bob, "bid", 10))
	assert.Equal(t, highest(11, "bob"), ask(t, bob, "bid", 11))
	for _, c := range []*jsclient.Client{ann, bob} {
		assert.Equal(t, highest(10, "ann"), hear(t, c, "highest"))
		assert.Equal(t, highest(11, "bob"), hear(t, c, "highest"))
	}
}
