package servers

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Listening is the first line that a server writes.
type Listening struct {
	Port int `json:"listening"`
}

// Serve runs one program, whose name is the first argument, until in ends, and carries out the orders that it reads there. It
// is what a process does that a benchmark starts.
func Serve(arguments []string, in io.Reader, out io.Writer) error {
	if len(arguments) == 0 {
		return errors.New("servers: which program?")
	}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	var o Options
	flags.DurationVar(&o.PingInterval, "ping", 25*time.Second, "interval of the heartbeat of Engine.IO")
	flags.DurationVar(&o.AppPingInterval, "app-ping", 30*time.Second, "interval of the event ping")
	flags.BoolVar(&o.FloorBeats, "floor-beats", false, "the floor has these heartbeats, too")
	flags.IntVar(&o.Shards, "shards", 0, "number of shards of actio's rooms; 0: as many as there are cores")
	if err := flags.Parse(arguments[1:]); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	server, err := New(arguments[0], o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	web := &http.Server{Handler: server}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return errors.New("servers: not a TCP address")
	}
	if err := json.NewEncoder(out).Encode(Listening{Port: address.Port}); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	if err := obey(in, out); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	err = errors.Join(server.Shutdown(context.Background()), web.Close())
	if ended := <-ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
