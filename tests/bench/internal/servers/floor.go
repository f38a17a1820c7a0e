package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// floor writes prepared frames to raw sockets. It knows the few messages of the benchmark's own clients by how they begin, and
// that their masks are zero; it has no limits, and heartbeats only on request.
type floor struct {
	batch   bool // members have queues, which writers of their own drain with writev
	numbers numbering

	mutex   sync.Mutex
	members []*member
	rooms   map[string]map[*member]struct{}
	beats   []*beat
}

func newFloor(batch bool, o Options) *Server {
	f := &floor{batch: batch, rooms: map[string]map[*member]struct{}{}}
	if o.FloorBeats {
		f.beats = []*beat{startBeat(o.PingInterval, "2"), startBeat(o.AppPingInterval, `42["ping",{"time":"2026-01-01T00:00:00.000Z"}]`)}
	}
	return &Server{Handler: f, Shutdown: f.shutdown}
}

// welcome is the upgrade, whose answer to the key nobody checks, and the open packet behind it.
var welcome = append([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), textFrame([]byte(
	`0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`))...)

func (f *floor) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no websocket", http.StatusNotImplemented)
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	m := &member{conn: conn}
	if f.batch {
		m.outbox = newOutbox()
		go m.write()
	}
	if _, err := conn.Write(welcome); err != nil {
		_ = conn.Close()
		return
	}
	go f.read(m)
}

func (f *floor) read(m *member) {
	defer f.remove(m)
	frames := frameReader{conn: m.conn, buffer: make([]byte, readBuffer)}
	for {
		text, err := frames.next()
		if err != nil {
			return
		}
		f.handle(m, text)
	}
}

// handle knows a message by its beginning.
func (f *floor) handle(m *member, text []byte) {
	switch {
	case string(text) == "40":
		m.send(textFrame([]byte(`40{"sid":"AAAAAAAAAAAAAAAAAAAA"}`)))
	case bytes.HasPrefix(text, []byte(`42["authenticate"`)):
		f.add(m)
		m.send(textFrame([]byte(`42["authenticated",{"id":"AAAAAAAAAAAAAAAAAAAA","time":"2026-01-01T00:00:00.000Z"}]`)))
	case bytes.HasPrefix(text, []byte("42")):
		f.event(m, text[2:])
	}
}

func (f *floor) event(m *member, text []byte) {
	id := text[:bytes.IndexByte(text, '[')]
	arguments := text[len(id):]
	switch {
	case bytes.HasPrefix(arguments, []byte(`["echo",`)):
		m.acknowledge(id, arguments[len(`["echo",`):len(arguments)-1])
	case bytes.HasPrefix(arguments, []byte(`["cast",`)):
		f.cast(arguments[len(`["cast",`) : len(arguments)-1])
		m.acknowledge(id, nil)
	case bytes.HasPrefix(arguments, []byte(`["hop",{"room":"`)):
		f.hop(m, string(arguments[len(`["hop",{"room":"`):len(arguments)-len(`"}]`)]))
		m.acknowledge(id, nil)
	}
}

func (f *floor) add(m *member) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	m.place = len(f.members)
	f.members = append(f.members, m)
	for _, b := range f.beats {
		b.add(m)
	}
}

func (f *floor) remove(m *member) {
	_ = m.conn.Close()
	for _, b := range f.beats {
		b.remove(m)
	}
	if m.outbox != nil {
		m.outbox.close()
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if m.place < len(f.members) && f.members[m.place] == m {
		last := len(f.members) - 1
		f.members[m.place] = f.members[last]
		f.members[m.place].place = m.place
		f.members[last] = nil
		f.members = f.members[:last]
	}
	for name, room := range f.rooms {
		f.leave(m, name, room)
	}
}

func (f *floor) hop(m *member, name string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if room := f.rooms[name]; room != nil {
		f.leave(m, name, room)
	}
	room := f.rooms[name]
	if room == nil {
		room = map[*member]struct{}{}
		f.rooms[name] = room
	}
	room[m] = struct{}{}
}

// leave is called with the mutex held.
func (f *floor) leave(m *member, name string, room map[*member]struct{}) {
	delete(room, m)
	if len(room) == 0 {
		delete(f.rooms, name)
	}
}

func (f *floor) cast(argument []byte) {
	var c castRequest
	if json.Unmarshal(argument, &c) != nil || c.check() != nil {
		return
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	frames := make([][]byte, c.N)
	for i := range frames {
		frames[i] = textFrame(slices.Concat([]byte(`42["m","`), []byte(f.numbers.text(c.Size)), []byte(`"]`)))
	}
	if f.batch {
		// All at once: else a writer that gets its turn in between finds a part of them, and how often depends on the machine.
		for _, m := range f.members {
			m.outbox.put(frames...)
		}
		return
	}
	for _, frame := range frames {
		for _, m := range f.members {
			m.send(frame)
		}
	}
}

func (f *floor) shutdown(context.Context) error {
	f.mutex.Lock()
	for _, m := range f.members {
		_ = m.conn.Close() // so that no heartbeat waits for who does not read
	}
	f.mutex.Unlock()
	for _, b := range f.beats {
		b.stop()
	}
	return nil
}
