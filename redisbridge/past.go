package redisbridge

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	// firstPage is how many entries are read at first, others are about pageBytes.
	firstPage = 128
	pageBytes = 1 << 20
	// maxPage and minPage bound how many that is.
	maxPage, minPage = 1000, 8
	// minPast is how many entries are kept whatever their size: who has read up to them finds where to go on.
	minPast = 32
)

// pasts is the past of each stream, as long as somebody replays it.
type pasts struct {
	open    atomic.Int32 // how many there are
	limit   int          // bytes of each
	dialect format.StreamDialect
	alone   chan struct{} // has room for one who reads what is before a past

	mu sync.Mutex
	of map[string]*past // by stream
}

// past is the latest entries of a stream, without a gap: those from an id on, up to the last that was handed out. The clients
// that come back at the same time share it. It grows at its end with what is handed out, and at its beginning with what one of
// them reads because it has missed more.
type past struct {
	growing chan struct{} // has room for one who reads what is before it

	users int // guarded by pasts.mu

	mu    sync.Mutex
	from  format.EntryID // all of the stream from here on is in moments
	last  format.EntryID
	lost  bool     // the stream has gone on before its end: with a master, or all that it had, this end was lost
	all   []moment // in order; what lies in the array is never changed
	bytes int
	full  bool // it must not reach further back
	page  int  // how many entries are to be read next
}

// begin makes it ready.
func (p *pasts) begin(o Options) {
	p.limit, p.of, p.alone = o.ReplayBytes, make(map[string]*past), make(chan struct{}, 1)
	p.dialect = o.streamDialect("") // to which no entry is its own
}

// enter returns the past of a stream of which all up to an id was handed out. Nothing must be handed out meanwhile.
func (p *pasts) enter(stream string, last format.EntryID) *past {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[stream]
	if one == nil || one.isLost() || one.last != last {
		one = &past{growing: make(chan struct{}, 1), from: last.Next(), last: last, page: firstPage}
		if p.of[stream] == nil {
			p.open.Add(1)
		}
		p.of[stream] = one
	}
	one.users++
	return one
}

// leave forgets a past that nobody uses.
func (p *pasts) leave(stream string, one *past) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one.users--; one.users == 0 && p.of[stream] == one {
		delete(p.of, stream)
		p.open.Add(-1)
	}
}

// note adds an entry that is being handed out; m is what it was decoded to, or nil.
func (p *pasts) note(stream string, e *format.Entry, m *format.Message) {
	id, ok := format.ParseEntryID(e.ID)
	p.mu.Lock()
	one := p.of[stream]
	p.mu.Unlock()
	if one != nil && ok {
		one.add(newMoment(id, e, m), p.limit)
	}
}

// lose ends the past of a stream that has gone back.
func (p *pasts) lose(stream string) {
	p.mu.Lock()
	one := p.of[stream]
	p.mu.Unlock()
	if one != nil {
		one.mu.Lock()
		one.lost = true
		one.mu.Unlock()
	}
}

// read makes moments of entries that were read.
func (p *pasts) read(entries []*format.Entry) []moment {
	all := make([]moment, 0, len(entries))
	for _, e := range entries {
		if id, ok := format.ParseEntryID(e.ID); ok {
			m, err := p.dialect.DecodeEntry(e)
			if err != nil {
				m = nil // whoever was connected has not got it either
			}
			all = append(all, newMoment(id, e, m))
		}
	}
	return all
}

// add adds one at the end. What is too much goes at the beginning.
func (p *past) add(m moment, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.id.Compare(p.last) <= 0 {
		p.lost = true
	}
	if p.lost {
		return
	}
	p.all, p.last = append(p.all, m), m.id
	p.bytes += m.size
	for p.bytes > limit && len(p.all) > minPast {
		p.bytes -= p.all[0].size
		p.all = p.all[1:]
		p.from, p.full = p.all[0].id, true
	}
}

// prepend adds those that precede an id, if it still begins there; whole says that there is nothing before them.
func (p *past) prepend(page []moment, id format.EntryID, whole bool, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from != id {
		return // it has lost its beginning since: a gap would be between them
	}
	if len(page) > 0 {
		p.all, p.from, p.page = slices.Concat(page, p.all), page[0].id, nextPage(page)
		p.bytes += sizeOf(page)
		p.full = p.bytes >= limit
	}
	if whole {
		p.from = format.EntryID{}
	}
}

// sizeOf is about what they take in memory.
func sizeOf(all []moment) (size int) {
	for i := range all {
		size += all[i].size
	}
	return size
}

// nextPage is how many entries are read after others.
func nextPage(page []moment) int {
	return max(minPage, min(maxPage, pageBytes*len(page)/max(1, sizeOf(page))))
}

// since returns what follows an entry; known is false when the past begins behind it. Error: ErrNoOffset, there is no such entry.
func (p *past) since(id format.EntryID) (rest []moment, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch at, found := p.find(id); {
	case p.lost:
		return nil, false, ErrNoOffset
	case id.Compare(p.from) < 0:
		return nil, false, nil
	case !found:
		return nil, true, ErrNoOffset
	default:
		return p.all[at+1 : len(p.all) : len(p.all)], true, nil
	}
}

func (p *past) find(id format.EntryID) (at int, found bool) {
	return slices.BinarySearchFunc(p.all, id, func(m moment, id format.EntryID) int { return m.id.Compare(id) })
}

// begins tells from which id on all is there, and how many entries are to be read before it, if it is not full already.
func (p *past) begins() (from format.EntryID, page int, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.from, p.page, p.full
}

func (p *past) isLost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}
