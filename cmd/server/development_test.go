package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/transport"
)

func TestAuthenticate_Token_NamesTheUser(t *testing.T) {
	for _, c := range []struct{ name, auth, bearer, query, want string }{
		{name: "payload", auth: `{"token":"ann"}`, want: "ann"},
		{name: "payload with spaces", auth: `{"token":" ann "}`, want: "ann"},
		{name: "bearer", bearer: "Bearer ann", want: "ann"},
		{name: "bearer in another case", bearer: "bearer ann", want: "ann"},
		{name: "query", query: "?token=ann", want: "ann"},
		{name: "the payload wins", auth: `{"token":"ann"}`, bearer: "Bearer bob", query: "?token=carol", want: "ann"},
		{name: "bearer before query", auth: `{"other":1}`, bearer: "Bearer bob", query: "?token=carol", want: "bob"},
		{name: "an empty token does not ask further", auth: `{"token":""}`, bearer: "Bearer bob"},
		{name: "none"},
		{name: "null", auth: `{"token":null}`},
		{name: "spaces", auth: `{"token":"  "}`},
		{name: "a number", auth: `{"token":7}`},
		{name: "no object", auth: `["ann"]`},
		{name: "other scheme", bearer: "Basic ann"},
		{name: "empty bearer", bearer: "Bearer "},
		{name: "too long", auth: `{"token":"` + strings.Repeat("a", maxTokenBytes+1) + `"}`},
		{name: "no text", query: "?token=%ff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/io/"+c.query, http.NoBody)
			r.Header.Set("Authorization", c.bearer)
			h := &actio.Handshake{Handshake: transport.NewHandshake(r, transport.Polling), Auth: []byte(c.auth)}
			p, err := authenticate(t.Context(), h)
			if c.want == "" {
				assert.Nil(t, p)
				assert.True(t, err == nil || assert.ErrorIs(t, err, actio.ErrRefused))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, p.UserID)
		})
	}
}

func TestDevelopment_EmptyToken_IsRefusedWithTheReason(t *testing.T) {
	r := start(t, nil)
	c := r.connect(t, `{"token":""}`)
	assert.Contains(t, c.wait(`42["unauthenticated",`), "Invalid token to authenticate!")
}

func TestDevelopment_Chat_ReachesTheMembersAndIsAcknowledged(t *testing.T) {
	r := start(t, nil)
	ann, bob := r.login(t, "ann"), r.login(t, "bob")
	ann.send(`420["join",{"rooms":["lobby","~aaaaaaaaaaaaaaaaaaa",""]}]`)
	assert.Equal(t, `[["lobby"]]`, ann.wait("430"))
	bob.send(`420["join",{"rooms":["lobby"]}]`)
	bob.wait("430")

	bob.send(`421["chat:message",{"room":"lobby","text":"<b>hi"}]`)
	heard := ann.wait(`42["chat:message",`)
	assert.Regexp(t, `^\{"from":"bob","room":"lobby","text":"(<|\\u003c)b>hi","time":"[\dT:.-]+Z"\}\]$`, heard)
	bob.wait(`42["chat:message",`)
	assert.Regexp(t, `^\[\{"time":"[\dT:.-]+Z"\}\]$`, bob.wait("431"))
}

func TestDevelopment_BadMessages_AreAnsweredWithTheReason(t *testing.T) {
	r := start(t, nil)
	ann := r.login(t, "ann")
	for _, c := range []struct{ payload, want string }{
		{`{"room":"lobby","text":"hi"}`, `[{"error":"you are not in this room"}]`},
		{`{"room":"io-default","text":" "}`, `[{"error":"a message needs a text"}]`},
		{`{"text":"hi"}`, `[{"error":"you are not in this room"}]`},
		{`"text"`, `[{"error":"invalid payload`},
	} {
		ann.send(`427["chat:message",` + c.payload + `]`)
		assert.True(t, strings.HasPrefix(ann.wait("437"), c.want), c.want)
	}
}

func TestDevelopment_ForeignPagesAndHosts_AreForbidden(t *testing.T) {
	r := start(t, nil)
	const allowed = http.StatusBadRequest // the request means nothing, so that it leaves no session behind
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"a program", nil, allowed},
		{"the own page", []string{"Origin", "http://" + r.address}, allowed},
		{"a foreign page", []string{"Origin", "http://example.org"}, http.StatusForbidden},
		{"a page of another port", []string{"Origin", "http://127.0.0.1:1"}, http.StatusForbidden},
		{"a foreign host", []string{"Host", "example.org"}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, _ := r.get(t, "/io/?EIO=4&transport=none", c.header...)
			assert.Equal(t, c.want, response.StatusCode)
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
		})
	}
}
