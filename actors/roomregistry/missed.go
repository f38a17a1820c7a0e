package roomregistry

import (
	"cmp"
	"slices"
)

// missed returns the remembered events behind a number that a socket would have got, in order. The error is ErrHistoryLost, or
// ErrHistoryTooMuch.
//
// No broadcast goes out meanwhile. It takes as long as what is given to the socket, not as long as the history is.
func (h *eventLog) missed(r *Restore) ([]*Broadcast, error) {
	if r.After < h.gone {
		return nil, ErrHistoryLost
	}
	in := make(map[string]struct{}, len(r.Rooms)+1)
	in[r.Member.SocketID] = struct{}{}
	for _, room := range r.Rooms {
		in[room] = struct{}{}
	}
	var found []*Broadcast
	bytes, last := 0, r.After
	for rest := h.behind(r, in); len(rest) > 0; rest = rest.next() {
		b := rest.first()
		if b.position == last { // it is in several lines
			continue
		}
		last = b.position
		if !r.takes(b, in) {
			continue
		}
		if bytes += b.Message.Size() + r.EachBytes; r.MaxBytes > 0 && bytes > r.MaxBytes {
			return nil, ErrHistoryTooMuch
		}
		found = append(found, b)
	}
	return found, nil
}

// takes tells whether a socket that is one of those whom an event is sent to is not excepted.
func (r *Restore) takes(b *Broadcast, in map[string]struct{}) bool {
	return (r.Authenticated || !b.AuthenticatedOnly) && !slices.ContainsFunc(b.Except, func(room string) bool {
		_, is := in[room]
		return is
	})
}

// behind is what the lines of a socket have behind the number.
func (h *eventLog) behind(r *Restore, in map[string]struct{}) merge {
	rest := make(merge, 0, len(in)+3)
	add := func(kind addressKind, name string) {
		if l := h.lines[address{r.Member.Namespace, name, kind}]; l != nil {
			if records := l.behind(r.After); len(records) > 0 {
				rest = append(rest, records)
			}
		}
	}
	add(toAll, "")
	add(toSocket, r.Member.SocketID)
	if r.User != "" {
		add(toUser, r.User)
	}
	for room := range in {
		add(toRoom, room)
	}
	for i := len(rest)/2 - 1; i >= 0; i-- {
		rest.sink(i)
	}
	return rest
}

// behind returns the records behind a number.
func (l *line) behind(number uint64) []*record {
	records := l.records[l.head:]
	from, found := slices.BinarySearchFunc(records, number, func(r *record, number uint64) int {
		return cmp.Compare(r.broadcast.position, number)
	})
	if found {
		from++
	}
	return records[from:]
}

// merge is a heap of what is left of several lines, none of them empty: the one with the oldest event is at the top.
type merge [][]*record

func (m merge) first() *Broadcast { return m[0][0].broadcast }

// next takes the oldest event out.
func (m merge) next() merge {
	if m[0] = m[0][1:]; len(m[0]) == 0 {
		end := len(m) - 1
		m[0] = m[end]
		m = m[:end]
	}
	m.sink(0)
	return m
}

// sink puts an element that may be too high to its place.
func (m merge) sink(i int) {
	for {
		oldest := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m); child++ {
			if m[child][0].broadcast.position < m[oldest][0].broadcast.position {
				oldest = child
			}
		}
		if oldest == i {
			return
		}
		m[i], m[oldest] = m[oldest], m[i]
		i = oldest
	}
}
