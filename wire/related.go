package wire

import "sync"

// related are the other forms of a Prepared. Most have none, and then no memory for them.
type related struct {
	canonical *Prepared // what another form was made of; nil for the default form

	revision3, revision3Text sibling
}

// sibling is a form that is made when it is asked for.
type sibling struct {
	once     sync.Once
	prepared *Prepared
}

// relatives returns the other forms.
func (p *Prepared) relatives() *related {
	if r := p.related.Load(); r != nil {
		return r
	}
	p.related.CompareAndSwap(nil, &related{})
	return p.related.Load()
}

// canonical returns the form that actio itself knows: p, unless p was made of it.
func (p *Prepared) canonical() *Prepared {
	if r := p.related.Load(); r != nil && r.canonical != nil {
		return r.canonical
	}
	return p
}
