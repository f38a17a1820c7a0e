package redisbridge

import (
	"sync/atomic"
	"time"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// maxPatience bounds how long a neighbour can have us wait for clients.
const maxPatience = time.Hour

// poll is a question of a neighbour to local sockets. Their answers are passed on as they come, in the goroutines they come in.
type poll struct {
	bridge                 *Bridge
	namespace, request, to string
	patience               time.Duration
	// extended: whoever asked is an instance of actio and wants to know which socket it is, and the end of one too; others
	// would take that for an answer.
	extended bool
	// open is the number of answers that are to come, and one until the sockets are counted.
	open atomic.Int64
	over atomic.Bool

	cancel func()        // set before the actor knows the poll
	timer  *actors.Timer // the actor's
}

// poll asks local sockets for a neighbour.
func (b *Bridge) poll(m *format.Message) {
	if m.Request == "" {
		b.broadcast(m)
		return
	}
	array, attachments, err := eventForClients(m.Event)
	if err != nil {
		b.malformed(err)
		return
	}
	b.count.asked.Add(1)
	if b.count.polls.Add(1) > maxPolls {
		b.count.polls.Add(-1)
		b.count.refused.Add(1)
		return
	}
	p := &poll{
		bridge: b, namespace: m.Namespace, request: m.Request, to: m.Sender, patience: m.Flags.Timeout,
		extended: m.Extended,
	}
	if p.patience <= 0 {
		p.patience = b.options.RequestTimeout
	}
	p.patience = min(p.patience, maxPatience)
	p.open.Store(1)
	p.cancel = b.in.Ask(Question{
		Namespace: m.Namespace, Target: m.Target, Flags: m.Flags, Event: format.NewPayload(array, attachments),
		Counted: p.counted, Answered: p.answered,
	})
	b.tell(&asking{poll: p})
	if b.life.Err() != nil {
		p.cancel() // the actor may not take it any more
	}
}

// counted tells whoever asked how many sockets there are.
func (p *poll) counted(ids []string) {
	p.open.Add(int64(len(ids)))
	m := &format.Message{Kind: format.ClientCount, Count: len(ids)}
	if p.extended {
		m.IDs = ids
	}
	p.publish(m)
	p.less()
}

// answered passes an answer on.
func (p *poll) answered(id string, args wire.Args, err error) {
	defer p.less()
	m := &format.Message{Kind: format.Ack, Gone: err != nil}
	if p.extended {
		m.Socket = id
	}
	switch {
	case err == nil:
		m.Event = format.NewPayload(args.AppendJSON(nil), args.Attachments())
	case !p.extended:
		return
	}
	p.publish(m)
}

func (p *poll) publish(m *format.Message) {
	if p.over.Load() || p.bridge.life.Err() != nil {
		return
	}
	m.Namespace, m.Request, m.To = p.namespace, p.request, p.to
	p.bridge.publish(m)
}

// less notes that one thing less is to come.
func (p *poll) less() {
	if p.open.Add(-1) == 0 {
		p.bridge.tell(&askingDone{poll: p})
	}
}

// asking takes a poll that has begun, unless it has ended meanwhile.
func (a *node) asking(p *poll) {
	a.polls[p] = struct{}{}
	if p.open.Load() <= 0 || a.life.Err() != nil {
		a.askingDone(p)
		return
	}
	p.timer = a.sys.Clock().NewTimer("redis poll", func() { a.tell(&askingDone{poll: p}) })
	p.timer.Reset(p.patience)
}

// askingDone forgets a poll, and what is still awaited for it. A poll that has ended before it came here stays out.
func (a *node) askingDone(p *poll) {
	if _, known := a.polls[p]; !known {
		return
	}
	delete(a.polls, p)
	if p.timer != nil {
		p.timer.Stop()
	}
	p.over.Store(true)
	p.cancel()
	a.count.polls.Add(-1)
}
