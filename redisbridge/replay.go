package redisbridge

import (
	"context"
	"fmt"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/wire"
)

// ReplayLimit bounds what one client may have missed.
type ReplayLimit struct {
	Bytes     int // in all, as wire.Prepared.Size counts
	EachBytes int // what each event counts for beside its own
}

// Replay looks up what a session has missed in its namespace since the offset, and calls attach with it, in order and with the
// offsets, while no further event is handed out: what is handed to Instance.Broadcast afterwards is what follows, and what was
// handed to it before is among what was missed or not for the session. attach must make the socket one that gets it, and not
// wait long. Events that may be lost are not replayed. What was missed is shared by all who have missed it, and must not be
// modified.
//
// Clients that come back at the same time read the stream together: see Options.ReplayBytes. Errors: ErrNoOffset, also when
// entries behind the offset were pushed out before they were read; ErrTooMuch when it is more than the limit; link.ErrDown,
// ErrClosed, that of ctx; attach was not called then.
func (b *Bridge) Replay(
	ctx context.Context, s *Session, namespace, offset string, limit ReplayLimit, attach func(missed []*wire.Prepared),
) error {
	from, ok := format.ParseEntryID(offset)
	if !ok {
		return ErrNoOffset
	}
	l := b.linked()
	if l == nil || !b.Echoes() {
		return ErrNoSession
	}
	r := &replay{
		b: b, l: l, session: s, namespace: namespace, stream: b.entries.Stream(namespace), left: limit.Bytes, each: limit.EachBytes,
		upTo: from,
	}
	if err := r.run(ctx, attach); err != nil {
		return fmt.Errorf("redisbridge: replay: %w", err)
	}
	return nil
}

// Unfiltered has the Instance handed also what is for rooms that Instance.MayHave knows nobody in, until end is called: those of
// a socket that Replay has attached count there only when the Instance has got round to it. It is called before Replay.
func (b *Bridge) Unfiltered() (end func()) {
	b.wide.Add(1)
	return func() { b.wide.Add(-1) }
}

// replay is what a session has missed, as far as it is known.
type replay struct {
	b         *Bridge
	l         linkage
	past      *past
	session   *Session
	namespace string
	stream    string
	epoch     uint64 // of the stream, when it was entered
	left      int    // bytes
	each      int    // of them for each event, beside its own
	upTo      format.EntryID
	missed    []*wire.Prepared
}

// run takes what is in the past, which is made to reach back far enough, and then the rest while nothing is handed out.
func (r *replay) run(ctx context.Context, attach func([]*wire.Prepared)) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer r.b.past.leave(r.stream, r.past)
	for ctx.Err() == nil {
		known, err := r.take()
		if known && err == nil {
			r.l.Hold(r.stream, func(format.EntryID) {
				if known, err = r.take(); known && err == nil {
					attach(r.missed)
				}
			})
			if known {
				return err
			}
		}
		if err == nil {
			err = r.back(ctx)
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// enter enters the past, and waits until what the client got last has been handed out here, too.
func (r *replay) enter(ctx context.Context) error {
	var last format.EntryID
	r.l.Hold(r.stream, func(at format.EntryID) {
		last, r.epoch, r.past = at, r.b.echo.epoch(r.stream), r.b.past.enter(r.stream, at)
	})
	switch {
	case r.past == nil:
		return link.ErrClosed
	case r.upTo.Compare(last) <= 0:
		return nil
	}
	err := r.exists(ctx)
	if err == nil {
		err = r.await(ctx)
	}
	if err != nil {
		r.b.past.leave(r.stream, r.past)
	}
	return err
}

// exists looks for what the client got last.
func (r *replay) exists(ctx context.Context) error {
	entries, err := r.l.Range(ctx, link.Range{Stream: r.stream, First: r.upTo, Last: r.upTo, Count: 1})
	if err == nil && len(entries) == 0 {
		err = ErrNoOffset
	}
	return err
}

// take takes what the past has; known is false when it begins too late.
func (r *replay) take() (known bool, err error) {
	rest, known, err := r.past.since(r.upTo)
	if err == nil {
		err = r.add(rest)
	}
	return known, err
}

// back has the past reach further back, unless somebody else has done so meanwhile. What is before a full one is read alone.
func (r *replay) back(ctx context.Context) error {
	_, _, full := r.past.begins()
	if full {
		return r.alone(ctx)
	}
	if err := r.enqueue(ctx, r.past.growing); err != nil {
		return err
	}
	defer func() { <-r.past.growing }()
	from, page, full := r.past.begins()
	if full || from.Compare(r.upTo) <= 0 {
		return nil
	}
	entries, err := r.l.Range(ctx, link.Range{Stream: r.stream, Last: from.Prev(), Count: page, Latest: true})
	if err == nil {
		r.past.prepend(r.b.past.read(entries), from, len(entries) < page, r.b.past.limit)
	}
	return err
}

// enqueue waits for its turn, which comes in the order of arrival.
func (r *replay) enqueue(ctx context.Context, queue chan struct{}) error {
	select {
	case queue <- struct{}{}:
		return nil
	case <-r.b.life.Done():
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alone reads on up to the beginning of the past. One at a time does so, to its end.
func (r *replay) alone(ctx context.Context) error {
	if err := r.enqueue(ctx, r.b.past.alone); err != nil {
		return err
	}
	defer func() { <-r.b.past.alone }()
	for page := firstPage; ; {
		to, _, _ := r.past.begins()
		if to.Compare(r.upTo) <= 0 {
			return nil
		}
		entries, err := r.l.Range(ctx, link.Range{Stream: r.stream, First: r.upTo, Last: to, Count: page})
		if err != nil {
			return err
		}
		all := r.b.past.read(entries)
		if len(all) == 0 || all[0].id != r.upTo {
			return ErrNoOffset // if it were still there nothing behind it would have been pushed out
		}
		if err := r.add(all[1:]); err != nil {
			return err
		}
		if len(entries) < page {
			r.upTo = to
		}
		page = nextPage(all)
	}
}

// add adds of what follows to what was missed what is for the session.
func (r *replay) add(all []moment) error {
	for i := range all {
		e := all[i].event
		r.upTo = all[i].id
		if e == nil || e.namespace != r.namespace || !e.target.Concerns(r.session.Rooms, r.session.User) {
			continue
		}
		p := e.prepare()
		if p == nil {
			continue
		}
		if r.left -= p.Size() + r.each; r.left < 0 {
			return ErrTooMuch
		}
		r.missed = append(r.missed, p)
	}
	return nil
}
