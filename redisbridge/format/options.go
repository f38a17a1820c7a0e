package format

import (
	"math"
	"time"
)

// What adapters call opts: target and flags of an operation.

// options writes target and flags. Emitters have another order, and some operations no flags.
func (w *writer) options(m *Message, flags bool) {
	n := 2
	if flags {
		n++
	}
	if m.Target.User != "" {
		n++
	}
	w.object(n)
	w.key("rooms")
	w.texts(m.Target.Rooms)
	if flags && m.Sender == Emitter {
		w.flags(m.Flags)
	}
	w.key("except")
	w.texts(m.Target.Except)
	if flags && m.Sender != Emitter {
		w.flags(m.Flags)
	}
	if m.Target.User != "" {
		w.key("user")
		w.text(m.Target.User)
	}
	w.endObject()
}

func (w *writer) flags(f Flags) {
	n := 0
	for _, set := range []bool{f.Volatile, f.Compress, f.Timeout > 0} {
		if set {
			n++
		}
	}
	w.key("flags")
	w.object(n)
	if f.Volatile {
		w.key("volatile")
		w.truth(true)
	}
	if f.Compress {
		w.key("compress")
		w.truth(true)
	}
	if f.Timeout > 0 {
		w.key("timeout")
		w.number(int(max(f.Timeout.Milliseconds(), 1))) // what Node.js hands to setTimeout
	}
	w.endObject()
}

// options reads target and flags.
func (m *Message) options(n node) error {
	return n.fields(func(key []byte, v node) (err error) {
		switch string(key) {
		case "rooms":
			m.Target.Rooms, err = v.strings()
		case "except":
			m.Target.Except, err = v.strings()
		case "user":
			m.Target.User, err = v.string()
		case "flags":
			err = m.flags(v)
		}
		return err
	})
}

// flags reads flags. Emitters in other languages send an empty array when there are none.
func (m *Message) flags(n node) error {
	if !n.isMap() {
		return nil
	}
	return n.fields(func(key []byte, v node) error {
		switch string(key) {
		case "volatile":
			m.Flags.Volatile = v.truth()
		case "compress":
			m.Flags.Compress = v.truth()
		case "timeout":
			ms, err := v.float()
			if err == nil && ms > 0 && ms <= math.MaxInt32 {
				m.Flags.Timeout = time.Duration(math.Ceil(ms)) * time.Millisecond
			}
		}
		return nil
	})
}

// private tells whether a message concerns instances of actio alone: others know no users.
func (m *Message) private() bool { return m.Target.User != "" && len(m.Target.Rooms) == 0 }
