package load

import (
	"bytes"
	"encoding/json"
)

// packet handles a packet of Engine.IO.
func (s *Swarm) packet(c *Client, p []byte) {
	switch {
	case len(p) > 1 && p[0] == '4':
		s.message(c, p[1:])
	case len(p) == 1 && p[0] == '2':
		s.Pings++
		s.send(c, []byte("3"))
	case len(p) == 1 && p[0] == '6': // a NOOP
	case len(p) > 1 && p[0] == '0' && c.stage == Opening:
		s.opened(c, p[1:])
	case len(p) == 1 && p[0] == '1' && c.onLost != nil: // the end of the connection follows
	default:
		s.fail("client %d (%v): packet %.100q", c.Index, c.stage, p)
	}
}

// opened enters the default namespace.
func (s *Swarm) opened(c *Client, argument []byte) {
	if c.transport == Polling {
		var open struct {
			SID string `json:"sid"`
		}
		if err := json.Unmarshal(argument, &open); err != nil {
			s.fail("client %d: open packet %.100q: %v", c.Index, argument, err)
			return
		}
		c.polling.get = s.request("GET", "polling", open.SID, "")
		post := s.request("POST", "polling", open.SID, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ")
		c.polling.post = bytes.TrimSuffix(post, []byte("\r\n"))
	}
	c.stage = Connecting
	s.send(c, []byte("40"))
}

// message handles a packet of Socket.IO.
func (s *Swarm) message(c *Client, m []byte) {
	switch {
	case m[0] == '2':
		s.event(c, m)
	case m[0] == '3' && s.onAck != nil:
		s.onAck(c, m)
	case m[0] == '0' && c.stage == Connecting:
		s.reached(c, Connected)
	default:
		s.fail("client %d (%v): message %.100q", c.Index, c.stage, m)
	}
}

func (s *Swarm) event(c *Client, m []byte) {
	switch {
	case bytes.HasPrefix(m, []byte(`2["m",`)) && s.onEvent != nil:
		s.onEvent(c, m)
	case bytes.HasPrefix(m, []byte(`2["ping"`)):
		s.AppPings++
	case bytes.HasPrefix(m, []byte(`2["authenticated"`)) && c.stage == Connected:
		s.reached(c, Authenticated)
	default:
		s.fail("client %d (%v): event %.100q", c.Index, c.stage, m)
	}
}

func (s *Swarm) reached(c *Client, stage Stage) {
	c.stage = stage
	if stage < c.target {
		s.authenticate(c)
		return
	}
	if s.onStage != nil {
		s.onStage(c)
	}
}

func (s *Swarm) authenticate(c *Client) {
	s.send(c, []byte(`42["authenticate",{"token":"x"}]`))
}
