package actio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

// whyNot tells why a client was not let in.
func whyNot(err error) {
	if refused, ok := errors.AsType[*client.ConnectError](err); ok {
		fmt.Println(refused.Message, string(refused.Data))
		return
	}
	fmt.Println(err)
}

// A middleware looks at each socket before it is in.
func ExampleNamespace_Use() {
	for _, token := range []string{"secret", "guess"} {
		c, closeAll, err := example(actio.Options{}, func(server *actio.Server) {
			server.Use(func(ctx context.Context, s *actio.Socket) error {
				var auth struct{ Token string }
				if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
					return &actio.ConnectError{Message: "not authorized", Data: map[string]string{"ask": "the owner"}}
				}
				return s.Join(ctx, "members")
			})
		}, "/", map[string]string{"token": token})
		if err != nil {
			whyNot(err)
		} else {
			fmt.Println("connected:", c.Connected())
		}
		closeAll()
	}
	// Output:
	// connected: true
	// not authorized {"ask":"the owner"}
}

// An error of a middleware becomes the connect_error of the client: a plain one its message, a ConnectError also its data.
func ExampleConnectError() {
	var err error = &actio.ConnectError{Message: "come back later", Data: map[string]int{"seconds": 60}}
	fmt.Println(err, errors.Is(err, actio.ErrRefused))
	// Output: come back later true
}

// One rule stands for many namespaces: each comes with its first client and goes with its last.
func ExampleServer_OfPattern() {
	c, closeAll, err := example(actio.Options{}, func(server *actio.Server) {
		teams := server.OfPattern(regexp.MustCompile(`^/team-\d+$`))
		_ = actio.On(teams, "where", func(_ context.Context, s *actio.Socket, _ actio.None) (string, error) {
			return s.Namespace().Name(), nil
		})
	}, "/team-7", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	answer, _ := c.EmitWithAck(context.Background(), "where")
	fmt.Println(string(answer.Raw(0)))
	// Output: "/team-7"
}

// With OnConnect the payload of CONNECT is what a client authenticates with: who is refused does not get in.
func ExampleAuthenticateOn() {
	o := actio.Options{
		AuthenticateOn: actio.OnConnect,
		Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
			var auth struct{ Token string }
			if err := h.DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return nil, actio.ErrRefused
			}
			return &actio.Principal{UserID: "ann"}, nil
		},
	}
	for _, token := range []string{"secret", "guess"} {
		c, closeAll, err := example(o, func(server *actio.Server) {
			_ = actio.On(server.Root(), "who am I", func(_ context.Context, s *actio.Socket, _ actio.None) (string, error) {
				return s.UserID(), nil
			})
		}, "/", map[string]string{"token": token})
		if err != nil {
			whyNot(err)
		} else {
			answer, _ := c.EmitWithAck(context.Background(), "who am I")
			fmt.Println(string(answer.Raw(0)))
		}
		closeAll()
	}
	// Output:
	// "ann"
	// Invalid token to authenticate! Please login again!
}
