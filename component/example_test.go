package component_test

import (
	"errors"
	"fmt"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

// NotificationService is made before the server is, and asks for it when it needs it.
type NotificationService struct{ container *component.Container }

func (s *NotificationService) io() (*actio.Server, error) {
	server, ok := component.Instance.Get(s.container)
	if !ok {
		return nil, errors.New("SocketIO not initialized")
	}
	return server, nil
}

// NotifyUser sends to all clients of a user.
func (s *NotificationService) NotifyUser(user, text string) error {
	server, err := s.io()
	if err != nil {
		return err
	}
	server.SendToUser(user, actio.Message{Payload: actio.Payload{Topic: "notification", Data: text}})
	return nil
}

func ExampleKey_Get() {
	var container component.Container
	service := &NotificationService{container: &container}
	fmt.Println(service.NotifyUser("alice", "hello"))
	// Output: SocketIO not initialized
}
