package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/actio-go/actio"
)

// What stands in for the application until one can be configured: everybody is who they say they are, joins what they
// want, and talks to the rooms that they are in.

const (
	developmentWarning = "DEVELOPMENT MODE: there is no authentication, every token that is not empty logs in whoever it names"

	eventChat     = "chat:message"
	maxTokenBytes = 256
	timeFormat    = "2006-01-02T15:04:05.000Z"
)

var (
	errNotMember = errors.New("you are not in this room")
	errEmptyText = errors.New("a message needs a text")
)

// develop sets the options of development mode.
func develop(o *actio.Options) {
	log := o.Logger
	o.Engine.DevelopmentOnly = true
	o.Engine.CORS = &actio.CORS{} // pages of other origins are refused, so they need no permissions
	o.Authenticate = authenticate
	o.ValidateRooms = func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil }
	o.ClientConnected = func(ctx context.Context, s *actio.Socket) {
		log.DebugContext(ctx, "client connected", slog.Any("socket", s), slog.String("remote", s.Handshake().RemoteAddr))
	}
	o.ClientDisconnected = func(s *actio.Socket, r actio.Reason) {
		log.Debug("client disconnected", slog.Any("socket", s), slog.String("reason", r.String()))
	}
}

// authenticate logs in whoever the token names.
func authenticate(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
	token, err := tokenOf(h)
	switch {
	case err != nil:
		return nil, err
	case token == "", len(token) > maxTokenBytes, !utf8.ValidString(token):
		return nil, nil //nolint:nilnil // refused, as actio.Authenticator defines it
	}
	return &actio.Principal{UserID: token}, nil
}

// tokenOf takes the token from where clients put one: auth.token, Authorization: Bearer, ?token=; the first that is there.
func tokenOf(h *actio.Handshake) (string, error) {
	var auth struct {
		Token *string `json:"token"`
	}
	if len(h.Auth) > 0 {
		if err := json.Unmarshal(h.Auth, &auth); err != nil {
			return "", fmt.Errorf("%w: the payload is not {token: string}", actio.ErrRefused)
		}
	}
	if auth.Token != nil {
		return strings.TrimSpace(*auth.Token), nil
	}
	scheme, credentials, _ := strings.Cut(h.Header().Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(credentials), nil
	}
	return strings.TrimSpace(h.Query().Get("token")), nil
}

// chatMessage is what a client sends, chatDelivery what the room gets, chatReceipt the acknowledgement.
type (
	chatMessage struct {
		Room string `json:"room"`
		Text string `json:"text"`
	}
	chatDelivery struct {
		From string `json:"from"`
		Room string `json:"room"`
		Text string `json:"text"`
		Time string `json:"time"`
	}
	chatReceipt struct {
		Time string `json:"time"`
	}
)

// chat passes a message of a member on to the room, the sender included.
func chat(ctx context.Context, s *actio.Socket, m chatMessage) (chatReceipt, error) {
	rooms, err := s.Rooms(ctx)
	switch {
	case err != nil:
		return chatReceipt{}, err
	case !slices.Contains(rooms, m.Room):
		return chatReceipt{}, errNotMember
	case strings.TrimSpace(m.Text) == "":
		return chatReceipt{}, errEmptyText
	}
	now := time.Now().UTC().Format(timeFormat)
	d := chatDelivery{From: s.UserID(), Room: m.Room, Text: m.Text, Time: now}
	return chatReceipt{Time: now}, s.Namespace().To(m.Room).Emit(eventChat, d)
}
