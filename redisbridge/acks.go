package redisbridge

import (
	"github.com/actio-go/actio/redisbridge/format"
)

// maxEarly bounds the answers that are kept although nobody is known to owe them.
const maxEarly = 1 << 16

// acks collects what clients of neighbours answer to one question. The zero value is ready. In a cluster of Redis an answer may
// come before the word of how many were asked, because a neighbour publishes by way of several nodes.
type acks struct {
	asked    map[string]string          // by socket id, the instance of those that are known and have not answered
	answers  []Answer                   // of them
	counted  int                        // clients that are not known by their ids
	nameless []Answer                   // of such
	early    map[string]*format.Message // by socket id, answers of clients that are not known yet
}

// ask notes which clients a neighbour has asked, or how many.
func (k *acks) ask(m *format.Message) {
	if len(m.IDs) == 0 {
		k.counted += max(m.Count, 0)
		return
	}
	if k.asked == nil {
		k.asked = make(map[string]string, len(m.IDs))
	}
	for _, id := range m.IDs {
		k.asked[id] = m.Sender
		if answer := k.early[id]; answer != nil {
			delete(k.early, id)
			k.acknowledge(answer)
		}
	}
}

// acknowledge takes one answer. It reports whether it was or may be awaited.
func (k *acks) acknowledge(m *format.Message) bool {
	a := Answer{SocketID: m.Socket}
	if m.Gone {
		a.Err = ErrGone
	} else if args, err := m.Event.Args(); err == nil {
		a.Args = args
	}
	if m.Socket == "" {
		if len(k.nameless) >= k.counted+maxEarly {
			return false
		}
		k.nameless = append(k.nameless, a)
		return true
	}
	if _, awaited := k.asked[m.Socket]; !awaited {
		return k.keep(m)
	}
	delete(k.asked, m.Socket)
	k.answers = append(k.answers, a)
	return true
}

// keep keeps an answer that came before it is known whether it is awaited. One that was there already is not news.
func (k *acks) keep(m *format.Message) bool {
	if k.early == nil {
		k.early = make(map[string]*format.Message)
	}
	if _, again := k.early[m.Socket]; again || len(k.early) >= maxEarly {
		return false
	}
	k.early[m.Socket] = m
	return true
}

// lose ends the clients of an instance that is gone.
func (k *acks) lose(uid string) {
	for id, by := range k.asked {
		if by == uid {
			delete(k.asked, id)
			k.answers = append(k.answers, Answer{SocketID: id, Err: ErrGone})
		}
	}
}

// open is the number of clients that have not answered.
func (k *acks) open() int { return len(k.asked) + max(0, k.counted-len(k.nameless)) }

// responses is what has come when nothing more is waited for.
func (k *acks) responses(missing Missing) Responses {
	for id := range k.asked {
		k.answers = append(k.answers, Answer{SocketID: id, Err: ErrTimeout})
	}
	came := min(len(k.nameless), k.counted) // nobody owed what is beyond that
	return Responses{
		Answers: append(k.answers, k.nameless[:came]...), Unanswered: k.counted - came, Missing: missing,
	}
}
