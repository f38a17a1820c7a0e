package scale

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio"
)

// startServer starts an instance of the cluster and returns what carries out its commands.
func startServer(redisAddress string) (func(command string) (answer, error), error) {
	o := options()
	o.Redis.Client = redis.NewClient(&redis.Options{Addr: redisAddress})
	server, err := actio.New(o)
	if err != nil {
		return nil, err
	}
	if err := server.Configure(context.Background()); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, server) }()
	return func(command string) (answer, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		switch command {
		case "address":
			return answer{Address: listener.Addr().String()}, nil
		case "broadcast":
			return answer{}, server.Emit("news", "for all")
		case "stats":
			stats, err := server.Stats(ctx)
			return answer{Sockets: stats.Authenticated, Closed: stats.SessionsClosed, Memory: measure()}, err
		case "shutdown":
			return answer{}, errors.Join(server.Shutdown(ctx), listener.Close(), o.Redis.Client.Close())
		default:
			return answer{}, fmt.Errorf("unknown command %q", command)
		}
	}, nil
}

// clients are those of one server. Each has a goroutine, which reads; connections are all that a process can have, not memory.
type clients struct {
	crowd   *crowd
	address string
}

func newClients(address string, n int) *clients { return &clients{newCrowd(n), address} }

// do carries out a command.
func (c *clients) do(command string) (answer, error) {
	var err error
	switch command {
	case "connect":
		err = c.crowd.admit(int(c.crowd.size), func() { go c.connect() })
	case "heartbeats":
		err = c.crowd.wait(c.crowd.steady, "heartbeats")
	case "news":
		err = c.crowd.wait(c.crowd.informed, "news")
	case "leaving":
		c.crowd.leaving.Store(true)
	case "gone":
		err = c.crowd.wait(c.crowd.gone, "the end")
	case "stats":
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	if err != nil {
		err = fmt.Errorf("%w (%v)", err, c.crowd)
	}
	return answer{Text: c.crowd.String()}, err
}

// connect is a client, from its beginning to its end.
func (c *clients) connect() {
	v := newVisitor(c.crowd)
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		c.crowd.lose(err)
		return
	}
	defer func() { _ = conn.Close() }()
	in, out := make([]byte, 1024), hello(c.address)
	for n := 0; ; out = v.hear(in[:n], out[:0]) {
		if len(out) > 0 {
			_, err = conn.Write(out)
		}
		if v.away {
			return
		}
		if err == nil {
			n, err = conn.Read(in)
		}
		if err != nil {
			v.leave(fmt.Errorf("a connection broke: %w", err))
			return
		}
	}
}
