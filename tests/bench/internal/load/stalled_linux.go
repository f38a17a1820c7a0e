package load

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Stalled is a member that does not read.
type Stalled struct {
	client   *Client
	received int
	lost     bool
}

// What a stalled member is filled with at a time, and when what the server holds for it is enough.
const (
	fillMessages = 500
	fillEnough   = 128 << 10
	fillMost     = 32 << 20
)

const stalledRoom = "stalled"

// Stall lets one more client enter and stop reading, and has the server send to it until the buffers of the kernel are full and
// the server itself holds something. The other client asks for that. It returns how many messages the server has sent to it.
func (s *Swarm) Stall(asker *Client, size int) (st *Stalled, sent int, err error) {
	entered, err := s.storm(1, "a stalled member enters", func(int) *Client { return s.enter(WebSocket, Authenticated, true) })
	if err != nil {
		return nil, 0, err
	}
	st = &Stalled{client: entered[0]}
	if err := s.ask(st.client, fmt.Sprintf(`["hop",{"room":%q}]`, stalledRoom)); err != nil {
		return nil, 0, err
	}
	st.client.down.unread = true
	st.client.onLost = func() { st.lost = true }
	frame := len(`4`) + len(messageStart) + size + len(messageEnd) + 2
	if frame > 2+125 {
		frame += 2
	}
	for sent*frame < fillMost {
		request := fmt.Sprintf(`["cast",{"n":%d,"size":%d,"room":%q}]`, fillMessages, size, stalledRoom)
		if err := s.ask(asker, request); err != nil {
			return nil, 0, err
		}
		sent += fillMessages
		if err := s.Idle(20 * time.Millisecond); err != nil { // what is on its way to the kernel gets there
			return nil, 0, err
		}
		held, err := s.heldByKernel(st.client.down)
		if err != nil || sent*frame-held > fillEnough {
			return st, sent, err
		}
	}
	return nil, 0, fmt.Errorf("%w: the kernel takes %d bytes for who does not read", ErrUnexpected, fillMost)
}

// ask sends an event and waits for its acknowledgement, which must be empty.
func (s *Swarm) ask(c *Client, event string) error {
	const id = "0"
	done := false
	defer s.forget()
	s.onAck = func(by *Client, ack []byte) {
		if by != c || string(ack) != "3"+id+"[]" {
			s.fail("client %d: acknowledgement %.100q", by.Index, ack)
		}
		done = true
	}
	s.send(c, []byte("42"+id+event))
	return s.until(func() bool { return done }, "an acknowledgement")
}

// heldByKernel is how many bytes are in the socket buffers of both ends.
func (s *Swarm) heldByKernel(l *link) (int, error) {
	name, err := unix.Getsockname(l.fd)
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	own, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("%w: socket name %T", ErrUnexpected, name)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	return queued(table, netip.AddrPortFrom(netip.AddrFrom4(own.Addr), uint16(own.Port)), s.address)
}

// queued adds up what a table of TCP connections says of the connection between two addresses: what each end has not had
// acknowledged, and what it has not read.
func queued(table []byte, a, b netip.AddrPort) (int, error) {
	from, to := inTable(a), inTable(b)
	ends := map[string]int{} // by local address: the kernel may list a connection twice while others come and go
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		if len(fields) < 5 {
			continue
		}
		local, remote := string(fields[1]), string(fields[2])
		if !(local == from && remote == to || local == to && remote == from) {
			continue
		}
		ends[local] = 0
		for queue := range bytes.SplitSeq(fields[4], []byte(":")) {
			n, err := strconv.ParseInt(string(queue), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("%w: queues %q", ErrUnexpected, fields[4])
			}
			ends[local] += int(n)
		}
	}
	if len(ends) != 2 {
		return 0, fmt.Errorf("%w: the connection from %v to %v has %d ends", ErrUnexpected, a, b, len(ends))
	}
	return ends[from] + ends[to], nil
}

// inTable is an address as that table has it.
func inTable(a netip.AddrPort) string {
	ip := a.Addr().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port())
}

// Drain lets the member read again, until it has all messages that were sent to it, or has lost its connection. That they are
// in order and none is missing between them is checked.
func (s *Swarm) Drain(st *Stalled, sent, size int) (disconnected bool, err error) {
	length := len(messageStart) + size + len(messageEnd)
	defer s.forget()
	s.onEvent = func(c *Client, event []byte) {
		if c == st.client && s.inOrder(c, event, length) {
			st.received++
		}
	}
	st.client.down.unread = false
	s.read(st.client.down, true)
	if err := s.until(func() bool { return st.lost || st.received >= sent }, "a stalled member reads again"); err != nil {
		return false, err
	}
	if !st.lost && st.received != sent {
		return false, fmt.Errorf("%w: %d messages, %d were sent", ErrUnexpected, st.received, sent)
	}
	s.Kill(st.client)
	return st.lost, nil
}
