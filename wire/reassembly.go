package wire

// Complete is one whole Socket.IO packet: its text and its attachments in order.
type Complete struct {
	// Packet is the text.
	Packet Packet
	// Attachments has exactly Packet.Attachments elements; nil when the packet is not binary.
	Attachments [][]byte
}

// Reassembler joins the text of binary packets with the attachments that follow it. The zero value is ready. While it
// waits for nothing it holds no memory. It is not safe for concurrent use: one session has one.
//
// How long a packet may stay incomplete is not its business, as this package knows no time: ask Pending.
type Reassembler struct {
	pending *pending
}

// pending is a packet that waits for attachments.
type pending struct {
	complete Complete
	bytes    int // of the attachments so far
}

// Pending reports whether attachments are awaited.
func (r *Reassembler) Pending() bool { return r.pending != nil }

// Text takes a decoded packet. It returns the packet when it is complete as it is, and nil when its attachments are to
// follow. The packet's data is kept until then. Errors: ErrUnexpectedText, ErrTooManyAttachments, ErrAttachmentCount;
// after one the session is out of step and must end.
func (r *Reassembler) Text(p Packet, l Limits) (*Complete, error) {
	switch {
	case r.pending != nil:
		r.pending = nil
		return nil, ErrUnexpectedText
	case !p.Type.binary():
		return &Complete{Packet: p}, nil
	case p.Attachments <= 0:
		return nil, ErrAttachmentCount
	case p.Attachments > l.orDefaults().Attachments:
		return nil, ErrTooManyAttachments
	}
	r.pending = &pending{complete: Complete{Packet: p}}
	return nil, nil //nolint:nilnil // nil stands for "not complete yet", as documented
}

// Binary takes one binary message, which it then owns. It returns the packet when it was the last attachment, and nil
// when more are to follow. Errors: ErrUnexpectedBinary, ErrTooBig when all attachments together exceed l.PacketBytes;
// after one the session is out of step and must end.
func (r *Reassembler) Binary(b []byte, l Limits) (*Complete, error) {
	p := r.pending
	if p == nil {
		return nil, ErrUnexpectedBinary
	}
	if len(b) > l.orDefaults().PacketBytes-p.bytes {
		r.pending = nil
		return nil, ErrTooBig
	}
	p.bytes += len(b)
	p.complete.Attachments = append(p.complete.Attachments, b)
	if len(p.complete.Attachments) < p.complete.Packet.Attachments {
		return nil, nil //nolint:nilnil // nil stands for "not complete yet", as documented
	}
	r.pending = nil
	return &p.complete, nil
}
