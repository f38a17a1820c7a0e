package load

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// role is what a link is for.
type role uint8

const (
	upgrading role = iota // its next answer is that to the upgrade
	framed                // a websocket
	getting               // GETs of polling
	posting               // POSTs of polling
)

// link is a TCP connection.
type link struct {
	fd         int // negative after its end
	slot       int32
	generation int32 // tells it from the predecessors in its slot
	role       role
	open       bool // the connection stands
	unread     bool // it is not read, on purpose
	client     *Client
	partial    []byte // the beginning of what has not come completely
	unsent     []byte // waits for the connection to stand
}

// localAddresses are the addresses that connections come from: another when one has no ports left.
type localAddresses struct{ current netip.Addr }

func firstLocal() localAddresses { return localAddresses{netip.AddrFrom4([4]byte{127, 0, 0, 1})} }

// dial begins a connection. With a small receive buffer the server soon cannot write any more to who does not read.
func (s *Swarm) dial(c *Client, r role, smallBuffer bool) *link {
	fd, err := s.connect(smallBuffer)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		s.local.current = s.local.current.Next()
		fd, err = s.connect(smallBuffer)
	}
	if err != nil {
		s.fail("connect: %v", err)
		return &link{fd: -1, client: c}
	}
	s.generation++
	l := &link{fd: fd, generation: s.generation, role: r, client: c}
	if n := len(s.free); n > 0 {
		l.slot = s.free[n-1]
		s.free = s.free[:n-1]
		s.links[l.slot] = l
	} else {
		l.slot = int32(len(s.links))
		s.links = append(s.links, l)
	}
	// Edge-triggered: an event says that something has changed, and a short read that nothing is left.
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: l.slot, Pad: l.generation,
	}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		s.fail("epoll: %v", err)
	}
	return l
}

func (s *Swarm) connect(smallBuffer bool) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}), // close resets
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: s.local.current.As4()}),
	)
	if smallBuffer {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: s.address.Addr().As4(), Port: int(s.address.Port())})
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// cut ends a connection with a reset.
func (s *Swarm) cut(l *link) {
	if l == nil || l.fd < 0 {
		return
	}
	_ = unix.Close(l.fd)
	l.fd = -1
	s.free = append(s.free, l.slot)
}

// serve handles an event of a connection.
func (s *Swarm) serve(l *link, events uint32) {
	const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if !l.open && events&unix.EPOLLOUT != 0 && events&unix.EPOLLERR == 0 {
		l.open = true
		if len(l.unsent) > 0 {
			s.write(l, l.unsent)
			l.unsent = nil
		}
	}
	if l.fd >= 0 && !l.unread && events&(unix.EPOLLIN|ended) != 0 {
		s.read(l, events&ended != 0)
	}
}

// read reads what there is. A connection that ends is read to its end, so that what came before counts.
func (s *Swarm) read(l *link, ends bool) {
	for l.fd >= 0 && !l.unread {
		kept := copy(s.buffer, l.partial)
		n, err := unix.Read(l.fd, s.buffer[kept:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n == 0:
			s.lost(l, err)
			return
		}
		full := n == len(s.buffer)-kept
		if !s.take(l, s.buffer[:kept+n]) || !full && !ends {
			return
		}
	}
}

// take handles what is complete and keeps the rest; false if nothing more should be read.
func (s *Swarm) take(l *link, data []byte) bool {
	for len(data) > 0 && l.fd >= 0 && !l.unread {
		var size int
		if l.role == framed {
			size = s.takeFrame(l, data)
		} else {
			size = s.takeResponse(l, data)
		}
		if size <= 0 {
			break
		}
		data = data[size:]
	}
	if len(data) == len(s.buffer) {
		s.fail("client %d: more than %d bytes at once", l.client.Index, len(data))
	}
	l.partial = append(l.partial[:0], data...)
	return s.failure == nil
}

// lost handles the end of a connection by the server.
func (s *Swarm) lost(l *link, err error) {
	s.cut(l)
	if l.client.onLost != nil {
		l.client.onLost()
		return
	}
	s.fail("client %d (%v) lost its connection: %v", l.client.Index, l.client.stage, err)
}

// write writes all of it, which is little, to a server that reads.
func (s *Swarm) write(l *link, data []byte) {
	if l.fd < 0 {
		return
	}
	if !l.open {
		l.unsent = append(l.unsent, data...)
		return
	}
	for {
		n, err := unix.Write(l.fd, data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		switch {
		case errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET):
			s.lost(l, err)
		case err != nil || n < len(data):
			s.fail("client %d: write: %d of %d bytes: %v", l.client.Index, n, len(data), err)
		}
		return
	}
}
