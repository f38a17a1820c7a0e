package load

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	inFlight   = 64        // clients that enter at the same time
	bufferSize = 512 << 10 // what is read at a time; bounds a frame
	batch      = 1024      // sockets that are looked at before the clock is read again
	patience   = 60 * time.Second
)

// ErrUnexpected is wrapped by the errors that say that a server did something else than it should.
var ErrUnexpected = errors.New("load: unexpected")

// Transport is how a client speaks to the server.
type Transport uint8

// The transports.
const (
	WebSocket Transport = iota
	Polling             // two connections, one for GET and one for POST
)

// Swarm is a number of clients of one server.
type Swarm struct {
	// Pings and AppPings count the heartbeats of Engine.IO that were answered, and the events `ping`.
	Pings, AppPings int64

	// Gather is how long it waits before it looks for what has come. Zero: it sleeps until something comes, and then the write
	// of the server that wakes it pays for that, which is part of what a delivery costs on one machine and varies with how busy
	// the swarm is.
	Gather time.Duration

	address netip.AddrPort
	host    string
	epoll   int
	timer   int // for what has a schedule
	events  []unix.EpollEvent
	buffer  []byte // what was read last
	frame   []byte // what is written next
	text    []byte // the message in it

	links      []*link // by slot
	free       []int32
	generation int32
	local      localAddresses

	clients int // how many there have been
	now     time.Time
	failure error
	tick    bool // the timer has fired

	onStage func(c *Client)
	onEvent func(c *Client, event []byte) // event is `2["name",…]`
	onAck   func(c *Client, ack []byte)   // ack is `3ID[…]`
}

// New makes a swarm without clients, and locks the calling goroutine to its thread until Close.
func New(address string) (*Swarm, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	s := &Swarm{
		address: to, host: address, events: make([]unix.EpollEvent, batch), buffer: make([]byte, bufferSize),
		local: firstLocal(), now: time.Now(),
	}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		_ = unix.Close(s.epoll)
		return nil, fmt.Errorf("load: timer: %w", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerSlot}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.timer, &event); err != nil {
		err = fmt.Errorf("load: timer: %w", err)
		_, _ = unix.Close(s.timer), unix.Close(s.epoll)
		return nil, err
	}
	runtime.LockOSThread()
	return s, nil
}

// timerSlot stands for the timer among the slots.
const timerSlot = -1

// Close resets all connections. Nothing is left in TIME_WAIT.
func (s *Swarm) Close() {
	for _, l := range s.links {
		s.cut(l)
	}
	_ = unix.Close(s.timer)
	_ = unix.Close(s.epoll)
	runtime.UnlockOSThread()
}

// forget ends what an activity has asked to be told, so that stray answers are noticed.
func (s *Swarm) forget() { s.onStage, s.onEvent, s.onAck = nil, nil, nil }

func (s *Swarm) fail(format string, arguments ...any) {
	if s.failure == nil {
		s.failure = fmt.Errorf("%w: "+format, append([]any{ErrUnexpected}, arguments...)...)
	}
}

// until takes part in the traffic until the condition holds. That has to be so within some patience.
func (s *Swarm) until(holds func() bool, what string) error {
	began := time.Now()
	for !holds() {
		if err := s.step(1000); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if s.now.Sub(began) > patience {
			return fmt.Errorf("%s: %w: not within %v", what, ErrUnexpected, patience)
		}
	}
	return nil
}

// Idle only answers pings for so long.
func (s *Swarm) Idle(d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := s.step(int(left.Milliseconds()) + 1); err != nil {
			return fmt.Errorf("idle: %w", err)
		}
	}
}

// step handles what has happened, or happens within so many milliseconds.
func (s *Swarm) step(milliseconds int) error {
	if s.failure != nil {
		return s.failure
	}
	if s.Gather > 0 {
		t := unix.NsecToTimespec(s.Gather.Nanoseconds())
		_ = unix.Nanosleep(&t, nil) // interrupted is long enough
	}
	n, err := unix.EpollWait(s.epoll, s.events, milliseconds)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("load: epoll: %w", err)
	}
	s.now = time.Now()
	for i := range max(n, 0) {
		e := &s.events[i]
		if e.Fd == timerSlot {
			s.ticked()
			continue
		}
		// A socket that was cut within this batch may have a successor in its slot.
		if l := s.links[e.Fd]; l.fd >= 0 && l.generation == e.Pad {
			s.serve(l, e.Events)
		}
	}
	return s.failure
}

// schedule makes the timer fire at an interval from now on; zero stops it.
func (s *Swarm) schedule(interval time.Duration) error {
	t := unix.NsecToTimespec(interval.Nanoseconds())
	if err := unix.TimerfdSettime(s.timer, 0, &unix.ItimerSpec{Interval: t, Value: t}, nil); err != nil {
		return fmt.Errorf("load: timer: %w", err)
	}
	return nil
}

func (s *Swarm) ticked() {
	var count [8]byte
	_, _ = unix.Read(s.timer, count[:])
	s.tick = true
}
