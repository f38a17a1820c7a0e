package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

// errNotInitialized: a service was asked before the server was live, or after it was shut down.
var errNotInitialized = errors.New("SocketIO not initialized")

// NotificationService is a service that is made before the server: it gets the server each time it needs it.
type NotificationService struct{ container *component.Container }

func (n NotificationService) server() (*actio.Server, error) {
	server, ok := component.Instance.Get(n.container)
	if !ok {
		return nil, errNotInitialized
	}
	return server, nil
}

// NotifyUser sends to all clients of a user.
func (n NotificationService) NotifyUser(user, message string) error {
	server, err := n.server()
	if err != nil {
		return err
	}
	server.SendToUser(user, notification(message))
	return nil
}

// NotifyRoom sends to all clients in a room.
func (n NotificationService) NotifyRoom(room, message string) error {
	m := notification(message)
	return n.Send(room, m.Payload.Topic, m.Payload.Data)
}

// BroadcastAnnouncement sends to everybody.
func (n NotificationService) BroadcastAnnouncement(message string) error {
	return n.Send("", "system:announcement", map[string]string{"message": message})
}

// Send sends any event to a client, a room, or, without destination, to everybody.
func (n NotificationService) Send(destination, topic string, data any) error {
	server, err := n.server()
	if err != nil {
		return err
	}
	server.Send(actio.Message{Destination: destination, Payload: actio.Payload{Topic: topic, Data: data}})
	return nil
}

func notification(message string) actio.Message {
	return actio.Message{Payload: actio.Payload{Topic: "notification", Data: map[string]string{"message": message}}}
}

// ClientIDs are those of the clients of this instance.
func (n NotificationService) ClientIDs(ctx context.Context) ([]string, error) {
	server, err := n.server()
	if err != nil {
		return nil, err
	}
	infos, err := server.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("clients: %w", err)
	}
	ids := make([]string, len(infos))
	for i, info := range infos {
		ids[i] = info.ID
	}
	return ids, nil
}

// errNoClient: no instance has a client with this id.
var errNoClient = errors.New("client not found")

// Client finds a client on any instance.
func (n NotificationService) Client(ctx context.Context, id string) (actio.RemoteSocket, error) {
	server, err := n.server()
	if err != nil {
		return actio.RemoteSocket{}, err
	}
	found, err := server.In(id).FetchSockets(ctx)
	if err != nil {
		return actio.RemoteSocket{}, fmt.Errorf("client: %w", err)
	}
	for _, s := range found.Sockets {
		if s.ID == id {
			return s, nil
		}
	}
	return actio.RemoteSocket{}, errNoClient
}
