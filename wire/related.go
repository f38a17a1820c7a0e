package wire

// related are the other forms of a Prepared. Most have none, and then no memory for them.
type related struct {
	canonical *Prepared // what a parser's form was made of; nil for the default form
}

// canonical returns the form that actio itself knows: p, unless p is a parser's form.
func (p *Prepared) canonical() *Prepared {
	if r := p.related.Load(); r != nil && r.canonical != nil {
		return r.canonical
	}
	return p
}
