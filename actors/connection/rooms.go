package connection

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/actio-go/actio/actors/roomregistry"
)

// The room set of a socket is the actor's; the registry's index follows it.

// joinRooms is Join of the application.
func (c *connection) joinRooms(m *joinRooms) {
	s := c.own(m.socket)
	if s == nil {
		m.done <- ErrClosed
		return
	}
	if len(s.rooms)+len(m.rooms) > c.env.Options.MaxRooms {
		added := 0
		for _, r := range m.rooms {
			if !slices.Contains(s.rooms, r) {
				added++
			}
		}
		if len(s.rooms)+added > c.env.Options.MaxRooms {
			c.env.Counters.JoinsRefused.Add(1)
			m.done <- fmt.Errorf("%w: at most %d", ErrTooManyRooms, c.env.Options.MaxRooms)
			return
		}
	}
	c.join(s, m.rooms, func() { m.done <- nil })
}

// addRooms adds rooms to the set.
func (s *socket) addRooms(rooms []string) {
	for _, r := range rooms {
		if !slices.Contains(s.rooms, r) {
			s.rooms = append(s.rooms, r)
		}
	}
}

// join adds rooms to the set and to the index. done is called when the registry's shard has them. A socket on its way in is in no
// index yet.
func (c *connection) join(s *socket, rooms []string, done func()) {
	s.addRooms(rooms)
	if s.phase.entering() {
		done()
		return
	}
	c.changed(s)
	c.env.System.Send(s.handle.shard.PID(), &roomregistry.Join{Member: s.member, Rooms: rooms, Done: done})
}

// leaveRooms is Leave of the application.
func (c *connection) leaveRooms(m *leaveRooms) {
	s := c.own(m.socket)
	if s == nil {
		m.done <- ErrClosed
		return
	}
	s.rooms = slices.DeleteFunc(s.rooms, func(r string) bool { return slices.Contains(m.rooms, r) })
	if s.phase.entering() {
		m.done <- nil
		return
	}
	c.changed(s)
	c.env.System.Send(s.handle.shard.PID(), &roomregistry.Leave{
		Member: s.member, Rooms: m.rooms, Done: func() { m.done <- nil },
	})
}

func (c *connection) listRooms(m *listRooms) {
	s := c.own(m.socket)
	if s == nil {
		m.reply <- nil
		return
	}
	m.reply <- append([]string{s.handle.id}, s.rooms...)
}

// roomJob is a client's `join` or `leave`. It runs as a job, in order with the events around it, because the validator is
// user code.
type roomJob struct {
	*eventJob
	leave bool
}

func (j *roomJob) run() {
	defer j.finish()
	rooms := j.requested()
	var done []string
	switch {
	case len(rooms) == 0:
	case j.leave:
		done = j.leaveRooms(rooms)
	default:
		done = j.joinRooms(rooms)
	}
	if j.asked {
		if err := j.Reply(append([]string{}, done...)); err != nil {
			j.log().Debug("acknowledgement of rooms not sent", slog.Any("err", err))
		}
	}
}

// requested reads `{rooms: string[]}`. What is not of this form asks for nothing; names that no room can have, and those
// beyond the limit, are left out.
func (j *roomJob) requested() []string {
	var payload struct {
		Rooms []string `json:"rooms"`
	}
	env := j.socket.session.env
	if err := j.args.Decode(0, &payload); err != nil {
		env.Counters.RoomRequestsDenied.Add(1)
		j.blame("room request rejected", slog.String("cause", "malformed payload"))
		return nil
	}
	rooms := make([]string, 0, min(len(payload.Rooms), env.Options.MaxRoomsPerRequest))
	for _, r := range payload.Rooms {
		if len(rooms) == env.Options.MaxRoomsPerRequest {
			break
		}
		if env.Options.permits(r) && !slices.Contains(rooms, r) {
			rooms = append(rooms, r)
		}
	}
	if len(rooms) < len(payload.Rooms) {
		env.Counters.RoomRequestsDenied.Add(1)
	}
	return rooms
}

// permits tells whether a client may name this room: neither empty nor too long nor of the form of a socket id.
func (o *Options) permits(room string) bool {
	return room != "" && len(room) <= o.MaxRoomNameBytes && !isSocketID(room) && !(o.RefuseNodeIDs && isNodeID(room))
}

func (j *roomJob) log() *slog.Logger {
	return j.socket.session.env.System.Logger().With(
		slog.String("sid", j.socket.LogID()), slog.String("nsp", j.socket.namespace))
}

// blame logs what the client did wrong.
func (j *roomJob) blame(message string, cause slog.Attr) {
	j.log().LogAttrs(j.socket.ctx, j.socket.session.Blame(), message, cause) //nolint:sloglint // callers give literals
}

// joinRooms joins what the validator allows of the requested, and returns it.
func (j *roomJob) joinRooms(rooms []string) []string {
	env := j.socket.session.env
	if env.Options.ValidateRooms == nil {
		env.Counters.RoomRequestsDenied.Add(1)
		j.blame("join rejected", slog.String("cause", "no room validator configured"))
		return nil
	}
	allowed, err := j.validate(rooms)
	if err != nil {
		env.Counters.RoomRequestsDenied.Add(1)
		level := slog.LevelDebug // the client has gone, and with it what was asked about
		if !j.socket.Closed() {
			level = failureLevel(env.joins, err)
		}
		j.log().LogAttrs(j.socket.ctx, level, "failed to join rooms", slog.Any("err", err))
		return nil
	}
	joined := slices.DeleteFunc(rooms, func(r string) bool { return !slices.Contains(allowed, r) })
	if len(joined) == 0 {
		env.Counters.RoomRequestsDenied.Add(1)
		j.blame("join rejected", slog.String("cause", "no rooms allowed"))
		return nil
	}
	if err := j.socket.Join(j.socket.ctx, joined...); err != nil {
		if !j.socket.Closed() {
			j.blame("failed to join rooms", slog.Any("err", err))
		}
		return nil
	}
	return joined
}

// validate calls the user's validator; a panic of it is an error of it.
func (j *roomJob) validate(rooms []string) (allowed []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			j.socket.session.env.panicked("validate rooms", r, debug.Stack())
			err = fmt.Errorf("%w: %v", ErrPanicked, r)
		}
	}()
	return j.socket.session.env.Options.ValidateRooms(j.socket.ctx, j.socket, slices.Clone(rooms))
}

// leaveRooms leaves those of the requested rooms that the socket is in, and returns them.
func (j *roomJob) leaveRooms(rooms []string) []string {
	mine, err := j.socket.Rooms(context.WithoutCancel(j.socket.ctx))
	if err != nil {
		return nil
	}
	left := slices.DeleteFunc(rooms, func(r string) bool { return !slices.Contains(mine, r) })
	if len(left) == 0 || j.socket.Leave(j.socket.ctx, left...) != nil {
		return nil
	}
	return left
}
