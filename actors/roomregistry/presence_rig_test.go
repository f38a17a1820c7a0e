package roomregistry

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// diary is a RoomChanged that writes down what it is told, and what is wrong with it.
type diary struct {
	mu      sync.Mutex
	present map[string]bool
	calls   []string // since the last look
	wrong   []string
}

func newDiary() *diary { return &diary{present: map[string]bool{}} }

func (d *diary) changed(namespace, room string, present bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := namespace + " " + room
	if d.present[name] == present {
		d.wrong = append(d.wrong, fmt.Sprint(name, " twice ", present))
	}
	if present {
		d.present[name] = true
		d.calls = append(d.calls, "+"+name)
	} else {
		delete(d.present, name)
		d.calls = append(d.calls, "-"+name)
	}
}

// look returns the calls since the last look, sorted.
func (d *diary) look() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return sorted(calls)
}

func (d *diary) now() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.present))
}

// client is a connection with one socket in a world whose shards may crash: what it knows is the truth.
type client struct {
	*peer
	id       string
	mu       sync.Mutex
	attached bool
	rooms    []string
}

func (c *client) attach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.attached {
		c.attached = true
		c.send(&Attach{Member: c.member})
	}
}

func (c *client) detach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attached, c.rooms = false, nil
	c.send(&Detach{Member: c.member})
}

// enter joins a room and returns when the shard has it.
func (c *client) enter(rooms ...string) {
	done := make(chan struct{})
	c.mu.Lock()
	if c.attached {
		c.rooms = append(c.rooms, rooms...)
	}
	c.send(&Join{Member: c.member, Rooms: rooms, Done: func() { close(done) }})
	c.mu.Unlock()
	c.w.closed(done)
}

func (c *client) exit(rooms ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms = slices.DeleteFunc(c.rooms, func(r string) bool { return slices.Contains(rooms, r) })
	c.send(&Leave{Member: c.member, Rooms: rooms})
}

// announce answers a shard, with a new Member as connections do.
func (c *client) announce(m *Rebuild) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &Announcement{Epoch: m.Epoch}
	if c.attached && c.shard == m.Shard {
		c.at(c.pid, c.id)
		a.Members = []Membership{{Member: c.member, Rooms: slices.Clone(c.rooms)}}
	}
	c.w.tell(m.Shard, a)
}

// crew makes clients, and a source that has them announce themselves in a goroutine of its own.
func (w *world) crew(n int) []*client {
	all := make([]*client, n)
	for i := range all {
		id := fmt.Sprint("~", i)
		all[i] = &client{peer: w.peer(id, nil), id: id}
	}
	var answers sync.WaitGroup
	w.SetSource(w.peer("source", func(m any) {
		if r, ok := m.(*Rebuild); ok {
			answers.Go(func() {
				for _, c := range all {
					c.announce(r)
				}
				w.tell(r.Shard, &Announcing{Epoch: r.Epoch, Connections: len(all)})
			})
		}
	}).pid)
	w.t.Cleanup(answers.Wait)
	return all
}

// settle returns when all shards have handled everything and are complete.
func (w *world) settle() { w.sizes() }

// truth is what RoomChanged should have told.
func truth(clients []*client, own bool) []string {
	rooms := map[string]bool{}
	for _, c := range clients {
		c.mu.Lock()
		if c.attached && own {
			rooms["/ "+c.id] = true
		}
		for _, r := range c.rooms {
			if r != c.id || own {
				rooms["/ "+r] = true
			}
		}
		c.mu.Unlock()
	}
	return slices.Sorted(maps.Keys(rooms))
}
