package load

import (
	"fmt"
	"slices"
)

// Connect lets n clients connect, some at a time, and returns when CONNECT was answered to all of them.
func (s *Swarm) Connect(n int, t Transport) ([]*Client, error) {
	return s.storm(n, fmt.Sprintf("%d clients connect", n), func(int) *Client { return s.enter(t, Connected, false) })
}

// Authenticate lets clients that are connected authenticate, some at a time.
func (s *Swarm) Authenticate(clients []*Client) error {
	_, err := s.storm(len(clients), fmt.Sprintf("%d clients authenticate", len(clients)), func(i int) *Client {
		clients[i].target = Authenticated
		s.authenticate(clients[i])
		return clients[i]
	})
	return err
}

// Enter lets n clients connect and authenticate.
func (s *Swarm) Enter(n int, t Transport) ([]*Client, error) {
	return s.storm(n, fmt.Sprintf("%d clients enter", n), func(int) *Client { return s.enter(t, Authenticated, false) })
}

// Leave lets clients over polling end their sessions, which otherwise last until their heartbeat fails.
func (s *Swarm) Leave(clients []*Client) error {
	leaving := 0
	for _, c := range clients {
		leaving++
		c.onLost = func() {}
		c.polling.onPosted = func() {
			leaving--
			s.Kill(c)
		}
		s.send(c, []byte("1"))
	}
	return s.until(func() bool { return leaving == 0 }, "clients leave")
}

// storm begins n things, each after one that has reached its target.
func (s *Swarm) storm(n int, what string, begin func(i int) *Client) ([]*Client, error) {
	clients := make([]*Client, 0, n)
	done := 0
	defer s.forget()
	s.onStage = func(*Client) {
		done++
		if len(clients) < n {
			clients = append(clients, begin(len(clients)))
		}
	}
	for range min(n, inFlight) {
		clients = append(clients, begin(len(clients)))
	}
	err := s.until(func() bool { return done == n }, what)
	return clients, err
}

// Churn lets n clients come, authenticate and be killed; alive of them are there at a time. In the end none is.
func (s *Swarm) Churn(n, alive int) error {
	var living []*Client // oldest first
	begun, done := 0, 0
	begin := func() {
		if begun < n {
			begun++
			s.enter(WebSocket, Authenticated, false)
		}
	}
	defer s.forget()
	s.onStage = func(c *Client) {
		done++
		if living = append(living, c); len(living) > alive {
			s.Kill(living[0])
			living = slices.Delete(living, 0, 1)
		}
		begin()
	}
	for range inFlight {
		begin()
	}
	what := fmt.Sprintf("%d clients come and go", n)
	for done < n { // patience is for a part of them, not for all
		goal := min(n, done+10_000)
		if err := s.until(func() bool { return done >= goal }, what); err != nil {
			return err
		}
	}
	for _, c := range living {
		s.Kill(c)
	}
	return nil
}
