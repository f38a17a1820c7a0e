package format

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/actio-go/actio/wire"
)

// packet writes the packet of an event: {type: 2, data: [...]}, for the classic adapter with its namespace.
func (w *writer) packet(event Payload, namespace string) (beside *exactly) {
	if event.IsZero() {
		w.fail(malformed("no event"))
		return nil
	}
	n := 2
	if namespace != "" {
		n++
	}
	w.object(n)
	w.key("type")
	w.number(int(wire.Event))
	w.key("data")
	beside = w.payload(event)
	if namespace != "" {
		w.key("nsp")
		w.text(namespace)
	}
	w.endObject()
	return beside
}

// size is a guess at the size of a message with an event.
func (m *Message) size() int {
	const most, each = 160, 24 // what surrounds the event; a room, most often a socket id
	size := most + len(m.Event.text) + len(m.Event.packed) + each*(len(m.Target.Rooms)+len(m.Target.Except))
	for _, a := range m.Event.attachments {
		size += len(a) + each
	}
	return size
}

// packet reads the packet of an event, whose data is left as it is.
func (m *Message) packet(n node) error {
	typed := false
	err := n.fields(func(key []byte, v node) (err error) {
		switch string(key) {
		case "type":
			var t int
			t, err = v.count()
			typed = t == int(wire.Event) || t == int(wire.BinaryEvent)
		case "data":
			m.Event = v.payload()
			if !v.event() {
				err = malformed("no event")
			}
		case "nsp":
			m.Namespace, err = v.string()
		}
		return err
	})
	if err == nil && (!typed || m.Event.IsZero()) {
		err = malformed("the packet is no event")
	}
	return err
}

// event tells whether the value is an event for clients. They end their session when its name is neither a string nor a number,
// and when it is one of the protocol.
func (n node) event() bool {
	name, ok := n.eventName()
	return ok && !wire.IsReserved(string(name))
}

// eventName returns the first element of an array that is a string or a number.
func (n node) eventName() (name []byte, ok bool) {
	if !n.exists() {
		return nil, false
	}
	if n.packed == nil {
		if n.text[0] != '[' {
			return nil, false
		}
		start, end, ok := nextElement(n.text, 1)
		if !ok {
			return nil, false
		}
		name, err := node{text: n.text[start:end]}.bytes()
		return name, err == nil
	}
	count, rest, err := msgp.ReadArrayHeaderBytes(n.packed)
	if err != nil || count == 0 {
		return nil, false
	}
	name, err = node{packed: rest}.bytes()
	return name, err == nil
}

// first splits the arguments of an answer: the first alone is what Node.js sends and expects. more tells that there are others.
func (p Payload) first() (first Payload, more bool, err error) {
	args, err := p.Args()
	if err != nil || args.Len() == 0 {
		return Payload{}, false, err
	}
	return NewPayload(args.Raw(0), args.Attachments()), args.Len() > 1, nil
}

// answer is what an acknowledgement, or a reply, is written from.
type answer struct {
	m     *Message
	name  string // of the first argument
	first Payload
	more  bool
}

// answer takes the arguments of an answer apart.
func (m *Message) answer(name string) (a answer, err error) {
	a = answer{m: m, name: name}
	if !m.Gone {
		a.first, a.more, err = m.Event.first()
	}
	return a, err
}

// size is the number of members that write makes, at most one more is made beside.
func (a answer) size() int {
	n := 0
	for _, set := range []bool{!a.first.IsZero(), a.more} {
		if set {
			n++
		}
	}
	return n
}

// write writes the arguments: the first for everybody, and all of them when there are others.
func (a answer) write(w *writer) (beside *exactly) {
	if !a.first.IsZero() {
		w.key(a.name)
		beside = w.payload(a.first)
	}
	switch {
	case a.more:
		w.key("args")
		beside = w.payload(a.m.Event)
	case beside != nil:
		beside.text = enclose(beside.text)
	}
	return beside
}

// arguments is what answers have in place of an event, as it is read.
type arguments struct {
	first      Payload
	all, exact node
}

// event puts it together.
func (a *arguments) event() (Payload, error) {
	p := a.first
	if a.all.exists() {
		if !a.all.isArray() {
			return p, malformed("no array")
		}
		p = a.all.payload()
	}
	return p.exactly(a.exact, false)
}

// exactly prefers the text of a value that came beside it, if one did: its numbers are exact.
func (p Payload) exactly(n node, event bool) (Payload, error) {
	if p.packed == nil || !n.exists() {
		return p, nil
	}
	exact, err := n.exactly()
	if err != nil {
		return p, err
	}
	exact.event = event
	p.exact = exact
	return p, nil
}
