package link

import (
	"bufio"
	"fmt"
	"time"
)

// The kinds of news that are no confirmation.
const (
	newsMessage = "message"
	newsPong    = "pong"
)

// news is what Redis tells a connection that listens.
type news struct {
	kind    string // newsMessage, of whatever subscription; newsPong; or what is confirmed, as in the command
	channel string // or pattern
	payload []byte // of a message; the receiver's
}

// listener reads news.
type listener struct {
	reader

	kind, pattern, channel string // the last ones: the next are often the same
}

// newListener listens with patience for the next word of Redis.
func newListener(s *session, patience time.Duration) *listener {
	return &listener{reader: reader{bufio.NewReaderSize(patient{s.conn, patience}, newsBuffer)}}
}

// next waits for news.
func (l *listener) next() (news, error) {
	line, err := l.line()
	if err != nil {
		return news{}, err
	}
	switch string(line) {
	case "+PONG": // nothing is subscribed to
		return news{kind: newsPong}, nil
	case "*2", "*3", "*4":
		return l.array(line[1] - '0')
	default:
		return news{}, fmt.Errorf("%w: %q", errUnexpected, line)
	}
}

// array reads news of so many parts.
func (l *listener) array(parts byte) (n news, err error) {
	if l.kind, err = l.text(l.kind); err != nil {
		return news{}, err
	}
	switch {
	case (l.kind == "message" || l.kind == "smessage") && parts == 3:
		return l.message()
	case l.kind == "pmessage" && parts == 4:
		if l.pattern, err = l.text(l.pattern); err != nil {
			return news{}, err
		}
		return l.message()
	case l.kind == newsPong && parts == 2:
		_, err = l.bytes()
		return news{kind: newsPong}, err
	case isConfirmation(l.kind) && parts == 3:
		n.kind = l.kind
		if n.channel, err = l.text(""); err == nil {
			_, err = l.number(':')
		}
		return n, err
	default:
		return news{}, fmt.Errorf("%w: %q with %d parts", errUnexpected, l.kind, parts)
	}
}

// message reads channel and payload.
func (l *listener) message() (n news, err error) {
	if l.channel, err = l.text(l.channel); err != nil {
		return news{}, err
	}
	n = news{kind: newsMessage, channel: l.channel}
	n.payload, err = l.bytes()
	return n, err
}

func isConfirmation(kind string) bool {
	switch kind {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe":
		return true
	default:
		return false
	}
}
