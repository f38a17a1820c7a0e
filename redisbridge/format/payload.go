package format

import (
	"bytes"
	"fmt"

	"github.com/actio-go/actio/wire"
	"github.com/actio-go/actio/wire/msgpack"
)

// Payload is a JSON value with binary parts, kept in the form in which it came until the other is wanted. It is immutable and
// safe for concurrent use. The zero value is absent.
type Payload struct {
	text        []byte
	attachments [][]byte
	packed      []byte   // MessagePack; counts when text is nil
	exact       *exactly // the text of packed, when that could not carry all of its numbers
}

// NewPayload makes a payload of JSON text, in which placeholders stand for the attachments; without attachments there are no
// placeholders. Neither is copied or checked; both must not be modified any more.
func NewPayload(text []byte, attachments [][]byte) Payload {
	if len(attachments) == 0 {
		attachments = nil
	}
	return Payload{text: text, attachments: attachments}
}

// IsZero tells whether there is none.
func (p Payload) IsZero() bool { return p.text == nil && p.packed == nil }

// binary tells whether the value cannot, or need not, be written as JSON.
func (p Payload) binary() bool { return len(p.attachments) > 0 || p.text == nil && p.packed != nil }

// JSON returns the text and what its placeholders stand for; nothing when the payload is absent. What came as MessagePack is
// translated by each call. The result may be shared and must not be modified. What came from a neighbour is valid JSON without
// an error. Error: ErrMalformed.
func (p Payload) JSON() (text []byte, attachments [][]byte, err error) {
	switch {
	case p.text != nil || p.packed == nil:
		return p.text, p.attachments, nil
	case p.exact != nil:
		return p.exact.json(p.packed)
	}
	text, attachments, _, err = msgpack.ReadJSON(nil, nil, p.packed)
	if err == nil && bytes.Count(text, []byte(`"_placeholder"`)) > len(attachments) && attachments != nil {
		// A map that looks like a placeholder and numbers no attachment would end the sessions of clients.
		_, err = wire.ArgsOf(enclose(text), attachments)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return text, attachments, nil
}

// Args returns the elements of a JSON array; an absent payload has none. Error: ErrMalformed.
func (p Payload) Args() (wire.Args, error) {
	text, attachments, err := p.JSON()
	if err != nil || text == nil {
		return wire.Args{}, err
	}
	args, err := wire.ArgsOf(text, attachments)
	if err != nil {
		return wire.Args{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return args, nil
}

// Decode decodes the value into what v points to, by the rules of wire.Args.Decode. An absent one leaves v as it is. Errors:
// ErrMalformed, or why the value does not fit.
func (p Payload) Decode(v any) error {
	text, attachments, err := p.JSON()
	if err != nil || text == nil {
		return err
	}
	args, err := wire.ArgsOf(enclose(text), attachments)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return args.Decode(0, v)
}
