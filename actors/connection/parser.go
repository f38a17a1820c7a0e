package connection

import (
	"fmt"
	"log/slog"

	"github.com/actio-go/actio/wire"
)

// parsing reads what a session of a server with its own parser receives. It belongs to who reads.
type parsing struct {
	decoder  wire.MessageDecoder
	limits   wire.Limits
	messages int // of the packet that is not complete yet
	bytes    int // and what is in them
}

func newParsing(p wire.Parser, l wire.Limits) *parsing {
	return &parsing{decoder: p.NewDecoder(l), limits: l}
}

// decode gives the decoder a message. What it keeps for later is bounded as with the default parser: a packet has one message
// and its attachments.
func (p *parsing) decode(m wire.EnginePacket) (*wire.Complete, error) {
	p.messages++
	p.bytes += len(m.Data)
	switch {
	case p.messages > p.limits.Attachments+1:
		return nil, wire.ErrTooManyAttachments
	case p.bytes > 2*p.limits.PacketBytes:
		return nil, wire.ErrTooBig
	}
	c, err := p.call(m)
	if err != nil || c == nil {
		return nil, err
	}
	p.messages, p.bytes = 0, 0
	return c, c.Check(p.limits)
}

// call calls the decoder, which may be anybody's.
func (p *parsing) call(m wire.EnginePacket) (c *wire.Complete, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%w: parser: %v", ErrPanicked, r)
		}
	}()
	return p.decoder.Decode(wire.Message{Binary: m.Binary, Data: m.Data})
}

// Form puts a packet into the form that the server's parser gives it, a broadcast before it is shared by all members: the
// parser is asked once. Without a parser it is m itself. Errors: wire.ErrEncode.
func (e *Env) Form(m *wire.Prepared) (*wire.Prepared, error) {
	if e.Options.Parser == nil {
		return m, nil
	}
	return m.With(e.Options.Parser)
}

// formed is Form for what nobody can be told of: nil when the parser has none for it.
func (c *connection) formed(m *wire.Prepared) *wire.Prepared {
	formed, err := c.env.Form(m)
	if err != nil {
		c.env.Counters.ParserFailures.Add(1)
		c.env.System.Logger().Error("packet not sent", slog.String("remote", c.session.handshake.Remote()), slog.Any("err", err))
		return nil
	}
	return formed
}
