package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/actio-go/actio/client"
)

// trial is one run against an application.
type trial struct {
	ctx        context.Context //nolint:containedctx // of the one run
	url        string
	alice, bob *person
}

type step struct {
	name string
	do   func() error
}

func (t *trial) steps() []step {
	return []step{
		{"the application is healthy", func() error { return t.get("/socket/health", `"healthy":true`) }},
		{"who has no token is refused", func() error { return t.refused() }},
		{"alice connects and is authenticated", func() (err error) {
			t.alice, err = arrive(t.ctx, t.url, "alice")
			return err
		}},
		{"bob connects and is authenticated", func() (err error) {
			t.bob, err = arrive(t.ctx, t.url, "bob")
			return err
		}},
		{"both are listed over HTTP", func() error {
			a, b := t.alice.Socket().ID(), t.bob.Socket().ID()
			return errors.Join(
				t.get("/socket/info", `"status":"active"`, `"connectedClients":2`, a, b),
				t.get("/socket/clients", `"count":2`, a, b))
		}},
		{"both are listed for a client", func() error {
			return t.exchange(t.alice, "get-clients", nil, t.alice, `"count":2`, t.alice.Socket().ID(), t.bob.Socket().ID())
		}},
		{"the server answers an echo", func() error {
			return t.exchange(t.alice, "echo", "hello", t.alice, "echo:response", `"original":"hello"`)
		}},
		{"rooms are joined as far as they may be", func() error { return t.join() }},
		{"a message reaches the room", func() error {
			message := map[string]string{"room": "public-go", "message": "anybody there?"}
			return t.exchange(t.alice, "chat:message", message, t.bob, "chat:message", "anybody there?", `"from":"alice"`)
		}},
		{"a message without a room reaches everybody else", func() error {
			return t.exchange(t.bob, "chat:message", map[string]string{"message": "hi all"}, t.alice, "hi all", `"from":"bob"`)
		}},
		{"a backend sends to everybody, to a room and to one client", t.send},
		{"a backend moves a client into a room and out of it", t.move},
		{"the service notifies a user, a room and everybody", t.notify},
		{"a request that lacks something is told what", t.wrong},
		{"the room is left, then both leave", t.leave},
	}
}

// refused connects without a token.
func (t *trial) refused() error {
	h, err := client.NewHelper(client.HelperOptions{Identifier: "stranger", Host: t.url, NoAutoConnect: true})
	if err != nil {
		return err
	}
	if err := h.Socket().ConnectAndWait(t.ctx); err != nil {
		return err
	}
	if err := h.Authenticate(t.ctx); !errors.Is(err, client.ErrUnauthenticated) {
		return fmt.Errorf("authentication of a stranger: %w", err)
	}
	return h.Shutdown(t.ctx)
}

// exchange sends an event and waits for what somebody hears.
func (t *trial) exchange(from *person, topic string, data any, to *person, texts ...string) error {
	if err := from.Emit(client.Message{Topic: topic, Data: data}); err != nil {
		return err
	}
	return to.hears(t.ctx, texts...)
}

func (t *trial) join() error {
	answer, err := t.bob.Socket().EmitWithAck(t.ctx, "join", map[string]any{"rooms": []string{"public-go", "private-alice"}})
	if err != nil {
		return err
	}
	var joined []string
	if err := answer.Decode(0, &joined); err != nil {
		return err
	}
	if !slices.Equal(joined, []string{"public-go"}) {
		return fmt.Errorf("bob joined %v", joined)
	}
	return t.inRoom(t.bob, "public-go", true)
}

// inRoom checks over HTTP whether a client is in a room.
func (t *trial) inRoom(p *person, room string, want bool) error {
	body, err := t.request(http.MethodGet, "/socket/client/"+p.Socket().ID()+"/rooms", "", http.StatusOK)
	if err != nil {
		return err
	}
	var answer struct{ Rooms []string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if slices.Contains(answer.Rooms, room) != want {
		return fmt.Errorf("%s is in %v", p.Identifier(), answer.Rooms)
	}
	return nil
}

func (t *trial) send() error {
	for _, c := range []struct {
		path, body string
		to         []*person
	}{
		{"/socket/broadcast", `{"topic":"notification","data":{"n":1}}`, []*person{t.alice, t.bob}},
		{"/socket/room/public-go/send", `{"topic":"notification","data":{"n":2}}`, []*person{t.bob}},
		{"/socket/client/" + t.alice.Socket().ID() + "/send", `{"topic":"notification","data":{"n":3}}`, []*person{t.alice}},
	} {
		if err := t.post(c.path, c.body, http.StatusOK, `"success":true`); err != nil {
			return err
		}
		_, number, _ := strings.Cut(c.body, `"data":{`)
		for _, p := range c.to {
			if err := p.hears(t.ctx, "notification", strings.TrimRight(number, "}")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *trial) move() error {
	client := "/socket/client/" + t.alice.Socket().ID()
	if err := t.post(client+"/join", `{"rooms":["staff"]}`, http.StatusOK, `"success":true`); err != nil {
		return err
	}
	if err := t.inRoom(t.alice, "staff", true); err != nil {
		return err
	}
	if err := t.post("/socket/room/staff/send", `{"topic":"notification","data":{"n":4}}`, http.StatusOK); err != nil {
		return err
	}
	if err := t.alice.hears(t.ctx, "notification", `"n":4`); err != nil {
		return err
	}
	if err := t.post(client+"/leave", `{"rooms":["staff"]}`, http.StatusOK, `"success":true`); err != nil {
		return err
	}
	return t.inRoom(t.alice, "staff", false)
}

func (t *trial) notify() error {
	if err := t.post("/notifications/user/alice", `{"message":"mail"}`, http.StatusOK); err != nil {
		return err
	}
	if err := t.alice.hears(t.ctx, "notification", "mail"); err != nil {
		return err
	}
	if err := t.post("/notifications/room/public-go", `{"message":"meeting"}`, http.StatusOK); err != nil {
		return err
	}
	if err := t.bob.hears(t.ctx, "notification", "meeting"); err != nil {
		return err
	}
	if err := t.post("/notifications", `{"message":"closing time"}`, http.StatusOK); err != nil {
		return err
	}
	return errors.Join(
		t.alice.hears(t.ctx, "system:announcement", "closing time"), t.bob.hears(t.ctx, "system:announcement", "closing time"))
}

func (t *trial) wrong() error {
	client := "/socket/client/" + t.alice.Socket().ID()
	return errors.Join(
		t.post("/socket/broadcast", `{"data":1}`, http.StatusBadRequest, "Topic is required"),
		t.post("/socket/broadcast", `{"topic":"notification"}`, http.StatusBadRequest, "Data is required"),
		t.post(client+"/join", `{}`, http.StatusBadRequest, "Rooms array is required"),
		t.post(client+"/leave", `{"rooms":[]}`, http.StatusBadRequest, "Rooms array is required"),
		t.post("/socket/client/nobody/join", `{"rooms":["x"]}`, http.StatusNotFound, "client not found"),
	)
}

func (t *trial) leave() error {
	if _, err := t.bob.Socket().EmitWithAck(t.ctx, "leave", map[string]any{"rooms": []string{"public-go"}}); err != nil {
		return err
	}
	if err := t.inRoom(t.bob, "public-go", false); err != nil {
		return err
	}
	return errors.Join(t.alice.Shutdown(t.ctx), t.bob.Shutdown(t.ctx))
}

// get asks the application over HTTP, as a backend does; post tells it something. The answer must have all of the texts in it.
func (t *trial) get(path string, texts ...string) error {
	answer, err := t.request(http.MethodGet, path, "", http.StatusOK)
	return errors.Join(err, check(path, answer, texts))
}

func (t *trial) post(path, body string, status int, texts ...string) error {
	answer, err := t.request(http.MethodPost, path, body, status)
	return errors.Join(err, check(path, answer, texts))
}

func check(path string, answer []byte, texts []string) error {
	for _, text := range texts {
		if !strings.Contains(string(answer), text) {
			return fmt.Errorf("%s: %s, want %q in it", path, answer, text)
		}
	}
	return nil
}

func (t *trial) request(method, path, body string, status int) ([]byte, error) {
	r, err := http.NewRequestWithContext(t.ctx, method, t.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s: %s %s, want %d", path, response.Status, answer, status)
	}
	return answer, err
}
