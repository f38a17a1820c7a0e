package link

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// Range says which entries of a stream are wanted: those from First to Last, both included.
type Range struct {
	Stream string         // its name
	First  format.EntryID // the smallest id
	Last   format.EntryID // the largest
	Count  int            // at most so many: the first of them, or
	Latest bool           // the last
}

// Range returns entries of a stream in the order of their ids. It is asked as Run does, but on connections of its own: what many
// entries are read by keeps nobody else waiting. The entries are the caller's. The Link must have Streams. Errors: those of Run.
func (l *Link) Range(ctx context.Context, r Range) ([]*format.Entry, error) {
	var entries []*format.Entry
	err := l.run(l.ranges, job{ctx: ctx, key: r.Stream, do: func(to *session) (err error) {
		entries, err = to.entries(&r)
		return err
	}})
	if err != nil {
		return nil, err // whoever reads them may go on
	}
	if r.Latest {
		slices.Reverse(entries)
	}
	return entries, nil
}

// entries asks for a range, and reads the answer.
func (s *session) entries(r *Range) ([]*format.Entry, error) {
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return nil, err
	}
	s.command = appendRange(s.command[:0], r)
	if _, err := s.conn.Write(s.command); err != nil {
		return nil, err
	}
	return entryReader{s.answers}.entries(r.Count)
}

// appendRange appends the command that asks for a range.
func appendRange(b []byte, r *Range) []byte {
	name, begin, end := "XRANGE", r.First, r.Last
	if r.Latest {
		name, begin, end = "XREVRANGE", end, begin
	}
	b = append(b, "*6\r\n"...)
	b = appendText(b, name)
	b = appendText(b, r.Stream)
	b = appendText(b, begin.String())
	b = appendText(b, end.String())
	b = append(b, "$5\r\nCOUNT\r\n"...)
	return appendText(b, strconv.Itoa(r.Count))
}

// entries reads the answer to a question for at most so many entries. Nothing else may follow an error but a refusal at its
// beginning.
func (r entryReader) entries(most int) ([]*format.Entry, error) {
	n, err := r.number('*')
	if err != nil {
		return nil, err
	}
	if n < 0 || n > most {
		return nil, fmt.Errorf("%w: %d entries", errUnexpected, n)
	}
	entries := make([]*format.Entry, n)
	for i := range entries {
		if entries[i], err = r.entry(); isReply(err) {
			err = fmt.Errorf("%w: %q within an answer", errUnexpected, err.Error()) // the rest of it is still to come
		}
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}
