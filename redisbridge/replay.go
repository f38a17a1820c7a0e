package redisbridge

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

const (
	// replayPage is how many entries are read at a time.
	replayPage = 1000
	// replayPages bounds how often it is read on while entries are added faster.
	replayPages = 1000
	// replayTries is how often it is read up to where the reader is, before that has to wait.
	replayTries = 3
)

// Replay reads what a session has missed in its namespace since the offset, and calls attach with it, in order and with the
// offsets, while no further event is handed out: what is handed to Instance.Broadcast afterwards is what follows, and what was handed
// to it before is among what was missed or not for the session. attach must make the socket one that gets it, and not wait
// long. Events that may be lost are not replayed. Errors: ErrNoOffset, ErrTooMuch when it is more than maxBytes, link.ErrDown,
// ErrClosed, that of ctx; attach was not called then.
func (b *Bridge) Replay(ctx context.Context, s *Session, namespace, offset string, maxBytes int, attach func(missed []*wire.Prepared)) error {
	from, ok := format.ParseEntryID(offset)
	if !ok {
		return ErrNoOffset
	}
	l := b.linked()
	if l == nil || !b.Echoes() {
		return ErrNoSession
	}
	r := &replay{b: b, l: l, session: s, namespace: namespace, stream: b.entries.Stream(namespace), left: maxBytes, upTo: from}
	r.epoch = b.echo.epoch(r.stream)
	if err := r.begin(ctx, from); err != nil {
		return fmt.Errorf("redisbridge: replay: %w", err)
	}
	for try := 0; ; try++ {
		done, err := r.join(ctx, try >= replayTries, attach)
		if done || err != nil {
			return err
		}
	}
}

// replay is what a session has missed, as far as it has been read.
type replay struct {
	b         *Bridge
	l         linkage
	session   *Session
	namespace string
	stream    string
	epoch     uint64               // of the stream, when it was begun
	dialect   format.StreamDialect // to which no entry is its own
	left      int                  // bytes
	upTo      format.EntryID
	missed    []*wire.Prepared
}

// begin checks that the offset is one, and reads to the end of the stream.
func (r *replay) begin(ctx context.Context, from format.EntryID) error {
	r.dialect = r.b.options.streamDialect("")
	found, err := r.read(ctx, from, from.String(), 1)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrNoOffset
	}
	return r.advance(ctx, "+")
}

// join attaches the socket if exactly what the reader has handed out was read; else it reads on. With force it does so while the
// reader waits.
func (r *replay) join(ctx context.Context, force bool, attach func([]*wire.Prepared)) (done bool, err error) {
	var last format.EntryID
	r.l.Hold(r.stream, func(at format.EntryID) {
		last = at
		if r.b.echo.epoch(r.stream) != r.epoch {
			err = errWentBack
			return
		}
		if force && at.Compare(r.upTo) > 0 {
			err = r.advance(ctx, at.String())
		}
		if err == nil && at.Compare(r.upTo) == 0 {
			done = true
			attach(r.missed)
		}
	})
	switch {
	case done || err != nil:
		return done, err
	case last.Compare(r.upTo) > 0:
		return false, r.advance(ctx, last.String())
	default:
		return false, r.await(ctx) // the reader is behind
	}
}

// advance reads behind what has been read, up to an id.
func (r *replay) advance(ctx context.Context, end string) error {
	for range replayPages {
		entries, err := r.read(ctx, r.upTo.Next(), end, replayPage)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := r.take(&entries[i]); err != nil {
				return err
			}
		}
		if len(entries) < replayPage {
			if id, ok := format.ParseEntryID(end); ok && id.Compare(r.upTo) > 0 {
				r.upTo = id // it was pushed out meanwhile
			}
			return nil
		}
	}
	return ErrTooMuch
}

// read reads entries of the stream.
func (r *replay) read(ctx context.Context, from format.EntryID, end string, count int64) (entries []redis.XMessage, err error) {
	err = r.l.Run(ctx, r.stream, func(ctx context.Context, conn *redis.Conn) (err error) {
		entries, err = conn.XRangeN(ctx, r.stream, from.String(), end, count).Result()
		return err
	})
	return entries, err
}

// take adds an entry to what was missed if it is for the session.
func (r *replay) take(raw *redis.XMessage) error {
	id, ok := format.ParseEntryID(raw.ID)
	if !ok {
		return fmt.Errorf("%w: id %q", format.ErrMalformed, raw.ID)
	}
	r.upTo = id
	m, err := r.dialect.DecodeEntry(entryOf(raw))
	if err != nil || m.Kind != format.Broadcast || m.Namespace != r.namespace || m.Flags.Volatile ||
		!m.Target.Concerns(r.session.Rooms, r.session.User) {
		return nil //nolint:nilerr // whoever was connected has not got it either
	}
	array, attachments, err := eventForClients(m.Event)
	if err != nil {
		return nil //nolint:nilerr // likewise
	}
	p, err := wire.PrepareEvent(m.Namespace, false, 0, appendOffset(array, m.Offset), attachments)
	if err != nil {
		return nil //nolint:nilerr // likewise
	}
	size := len(array)
	for _, a := range attachments {
		size += len(a)
	}
	if r.left -= size; r.left < 0 {
		return ErrTooMuch
	}
	r.missed = append(r.missed, p)
	return nil
}

// entryOf is an entry as the library reads it.
func entryOf(raw *redis.XMessage) *format.Entry {
	text := func(name string) string {
		s, _ := raw.Values[name].(string)
		return s
	}
	return &format.Entry{
		ID: raw.ID, UID: text("uid"), Namespace: text("nsp"), Private: text("actio"), Type: text("type"), Data: []byte(text("data")),
	}
}
