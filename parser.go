package actio

import "github.com/actio-go/actio/wire"

// Parser writes and reads the packets of Socket.IO in a format of its own: see [wire.Parser], and Options.Parser.
type Parser = wire.Parser
