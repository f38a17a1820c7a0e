// Command client tries everything that examples/application does, step by step, and prints what it sees. It ends with an
// error when a step fails.
//
//	go run ./examples/client -url http://127.0.0.1:3100
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/actio-go/actio/client"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:3100", "the application")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, *url); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// person is a client with what it has heard.
type person struct {
	*client.Helper
	heard chan string
}

// arrive connects and authenticates.
func arrive(ctx context.Context, url, name string) (*person, error) {
	p := &person{heard: make(chan string, 100)}
	var err error
	p.Helper, err = client.NewHelper(client.HelperOptions{
		Identifier:    name,
		Host:          url,
		Options:       client.Options{Header: http.Header{"Authorization": {"Bearer " + name}}},
		NoAutoConnect: true,
		OnDisconnected: func(_ context.Context, _ *client.Helper, r client.Reason) error {
			fmt.Println(name, "disconnected:", r)
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	for _, event := range []string{"chat:message", "echo:response", "clients:list", "notification", "system:announcement"} {
		p.Subscribe(event, client.Data(func(_ context.Context, data map[string]any) error {
			text, err := json.Marshal(data)
			p.heard <- event + " " + string(text)
			return err
		}))
	}
	if err := p.Socket().ConnectAndWait(ctx); err != nil {
		return nil, err
	}
	return p, p.Authenticate(ctx)
}

// hears waits for an event that has all of these texts in it.
func (p *person) hears(ctx context.Context, texts ...string) error {
	select {
	case got := <-p.heard:
		for _, text := range texts {
			if !strings.Contains(got, text) {
				return fmt.Errorf("%s heard %s, want %q in it", p.Identifier(), got, text)
			}
		}
		fmt.Println(p.Identifier(), "heard", got)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s did not hear %q: %w", p.Identifier(), texts, ctx.Err())
	}
}

func run(ctx context.Context, url string) error {
	t := &trial{ctx: ctx, url: url}
	for i, step := range t.steps() {
		fmt.Printf("%d. %s\n", i+1, step.name)
		if err := step.do(); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.name, err)
		}
	}
	fmt.Println("all steps passed")
	return nil
}
