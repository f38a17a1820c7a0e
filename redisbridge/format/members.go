package format

import "fmt"

// membersVersion is that of the messages with which instances of actio know each other.
const membersVersion = 1

// encodeMember writes Hello, Beat, Bye or Taken.
func encodeMember(m *Message) []byte {
	w := writer{}
	n := 3
	if m.Kind == Taken {
		n++
	}
	w.object(n)
	w.key("actio")
	w.number(membersVersion)
	w.key("uid")
	w.text(m.Sender)
	w.key("kind")
	w.text(memberName(m.Kind))
	if m.Kind == Taken {
		w.key("session")
		w.text(m.Session)
	}
	w.endObject()
	return w.out
}

func memberName(k Kind) string {
	switch k {
	case Hello:
		return "hello"
	case Beat:
		return "beat"
	case Taken:
		return "taken"
	default:
		return "bye"
	}
}

// decodeMember reads one.
func decodeMember(payload []byte, own string) (*Message, error) {
	n, err := parse(payload)
	if err != nil {
		return nil, err
	}
	m := &Message{}
	version, kind := 0, ""
	err = n.fields(func(key []byte, v node) (err error) {
		switch string(key) {
		case "actio":
			version, err = v.count()
		case "uid":
			m.Sender, err = v.string()
		case "kind":
			kind, err = v.string()
		case "session":
			m.Session, err = v.string()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case m.Sender == "" || len(m.Sender) > MaxUID || version == 0:
		return nil, malformed("no member")
	case m.Sender == own:
		return nil, ErrOwn
	}
	for _, k := range []Kind{Hello, Beat, Bye, Taken} {
		if memberName(k) == kind {
			m.Kind = k
			return m, nil
		}
	}
	return nil, fmt.Errorf("%w: kind of member message", ErrUnknown)
}
