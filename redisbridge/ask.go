package redisbridge

import (
	"context"
	"fmt"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// Fetch asks the neighbours for their sockets; those of this instance are not among them. timeout <= 0 is
// Options.RequestTimeout. A neighbour that does not answer is an entry in Missing, never an error; the errors are that of ctx,
// with what has come until then, and ErrClosed. The sockets belong to the caller and share memory with the messages they came
// in.
func (b *Bridge) Fetch(ctx context.Context, namespace string, t Target, timeout time.Duration) ([]format.Socket, Missing, error) {
	m := &format.Message{Kind: format.Fetch, Namespace: namespace, Target: t}
	r, err := b.request(ctx, m, format.Fetched, timeout)
	if r == nil {
		return nil, Missing{}, fmt.Errorf("redisbridge: fetch: %w", err)
	}
	if err != nil {
		err = fmt.Errorf("redisbridge: fetch: %w", err)
	}
	return r.sockets, r.missing, err
}

// Ask hands an event to the clients of the neighbours and collects their acknowledgements; q.Counted and q.Answered are not
// used. It returns when all have answered or ended, or the time is up. timeout <= 0 is q.Flags.Timeout or else
// Options.RequestTimeout. Errors: as Fetch; those of single clients are in their answers.
func (b *Bridge) Ask(ctx context.Context, q Question, timeout time.Duration) (Responses, error) {
	if timeout <= 0 {
		timeout = q.Flags.Timeout
	}
	if timeout <= 0 {
		timeout = b.options.RequestTimeout
	}
	q.Flags.Timeout = timeout
	m := &format.Message{
		Kind: format.AckBroadcast, Namespace: q.Namespace, Target: q.Target, Flags: q.Flags, Event: q.Event,
	}
	r, err := b.request(ctx, m, format.ClientCount, timeout)
	if r == nil {
		return Responses{}, fmt.Errorf("redisbridge: ask: %w", err)
	}
	if err != nil {
		err = fmt.Errorf("redisbridge: ask: %w", err)
	}
	return r.acks.responses(r.missing), err
}

// ServerEvent hands an event, a JSON array of its name and arguments, to the handlers of the neighbours and collects what they
// answer, one reply for each. A neighbour without a handler for it does not answer. timeout and errors: as Fetch.
func (b *Bridge) ServerEvent(
	ctx context.Context, namespace string, event format.Payload, timeout time.Duration,
) ([]Reply, Missing, error) {
	m := &format.Message{Kind: format.ServerEvent, Namespace: namespace, Event: event}
	r, err := b.request(ctx, m, format.ServerReply, timeout)
	if r == nil {
		return nil, Missing{}, fmt.Errorf("redisbridge: server event: %w", err)
	}
	if err != nil {
		err = fmt.Errorf("redisbridge: server event: %w", err)
	}
	return r.replies, r.missing, err
}

// request asks the neighbours and waits for the answers. The request is nil when there is only the error; else it has ended
// and belongs to the caller.
func (b *Bridge) request(ctx context.Context, m *format.Message, answer format.Kind, timeout time.Duration) (*request, error) {
	if timeout <= 0 {
		timeout = b.options.RequestTimeout
	}
	m.Sender, m.Request, m.Extended = b.uid, b.options.newRequest(), true
	f, err := b.dialect.Encode(m)
	if err != nil {
		b.unsendable(m.Kind, err)
		return nil, err
	}
	if b.life.Err() != nil {
		return nil, ErrClosed
	}
	b.count.requests.Add(1)
	bounded, cancel := b.sys.Clock().Context(ctx, "redis request", timeout)
	defer cancel()
	r := newRequest(m, answer)
	b.tell(&begin{request: r})
	b.put(bounded, r, f)
	if b.await(bounded, r.done) != nil {
		b.tell(&conclude{request: r})
		if err := b.await(context.WithoutCancel(ctx), r.done); err != nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	return r, nil
}

// put publishes a request and finds out how many will answer. It goes the way of what is emitted, so that the neighbours find
// done what was emitted before. Where there is nobody to answer it is not published.
func (b *Bridge) put(ctx context.Context, r *request, f format.Frame) {
	others, err := b.others(ctx, r)
	if err != nil {
		b.tell(&conclude{request: r, unreached: true})
		return
	}
	b.tell(&expect{request: r, listeners: others})
	if others == 0 {
		return
	}
	(*b.link.Load()).EmitUntil(r.done, f, func(o link.Outcome) {
		if o == link.Dropped {
			b.tell(&conclude{request: r, unreached: true})
		} else {
			r.sent.Store(true)
		}
	})
}

// others asks Redis for the number of instances beside this one that listen for a request now, as soon as their answers can
// reach this one.
func (b *Bridge) others(ctx context.Context, r *request) (int, error) {
	l := b.link.Load()
	if l == nil || !b.view.Load().health.up() {
		return 0, errDown
	}
	if err := b.await(ctx, r.begun); err != nil {
		return 0, err
	}
	m := r.message
	if err := (*l).Subscribed(ctx, b.dialect.Channels(m.Namespace)...); err != nil {
		return 0, err
	}
	private := m.Target.User != "" && len(m.Target.Rooms) == 0
	counts, err := (*l).Count(ctx, []format.Subscription{b.dialect.Census(m.Namespace, private)})
	if err != nil {
		return 0, err
	}
	if len(counts) == 0 {
		return 0, errDown
	}
	return max(0, counts[0]-1), nil
}
