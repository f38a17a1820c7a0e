package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actio-go/actio"
)

const (
	mostWaiting = 100             // notifications of one user
	patience    = 2 * time.Second // for the clients of a user to acknowledge one
)

var errFull = errors.New("too many notifications wait for this user")

// notification is what a user gets.
type notification struct {
	User string `json:"user"`
	Text string `json:"text"`
}

// service notifies users. Its methods may be called at any time, before there is a server, too.
type service struct {
	server atomic.Pointer[actio.Server] // nil until Bind

	mutex sync.Mutex
	boxes map[string]*box // by user
}

// box is what waits for a user. Whoever delivers holds it, so that notifications arrive in their order, and so that a client
// which comes meanwhile finds what could not be delivered before.
type box struct {
	sync.Mutex

	waiting []notification
}

func newService() *service { return &service{boxes: make(map[string]*box)} }

// Bind gives the service its server, which may come to life later.
func (s *service) Bind(server *actio.Server) { s.server.Store(server) }

// Notify delivers a notification, or keeps it until the user is there. Error: errFull.
func (s *service) Notify(ctx context.Context, n notification) error {
	b := s.box(n.User)
	b.Lock()
	defer b.Unlock()
	if len(b.waiting) >= mostWaiting {
		return errFull
	}
	b.waiting = append(b.waiting, n)
	s.empty(ctx, b)
	return nil
}

// deliver delivers what waits for a user.
func (s *service) deliver(ctx context.Context, user string) {
	b := s.box(user)
	b.Lock()
	defer b.Unlock()
	s.empty(ctx, b)
}

func (s *service) box(user string) *box {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	b := s.boxes[user]
	if b == nil {
		b = new(box)
		s.boxes[user] = b
	}
	return b
}

// empty delivers as long as a client of the user acknowledges. Before the server lives, and while nobody is there, none does.
func (s *service) empty(ctx context.Context, b *box) {
	server := s.server.Load()
	for server != nil && len(b.waiting) > 0 {
		next := b.waiting[0]
		answers, err := server.ToUser(next.User).Timeout(patience).EmitWithAck(ctx, "notification", next)
		if err != nil || len(answers.Acknowledged()) == 0 {
			return // ErrNotConfigured, ErrClosed, or nobody has seen it
		}
		b.waiting = b.waiting[1:]
	}
}
