// Package wire holds the codecs of Engine.IO protocol 4 and Socket.IO protocol 5: pure functions from bytes to values
// and back. It does no I/O, starts no goroutine and knows no time, so that servers and clients alike can use it.
//
// # From the network
//
//	websocket text frame   -> DecodeEngineText   -> EnginePacket
//	websocket binary frame -> DecodeEngineBinary -> EnginePacket
//	polling body           -> DecodePayload      -> EnginePackets
//	text of a message      -> DecodePacket       -> Packet
//	Packet, binary message -> Reassembler        -> Complete, when the last attachment is there
//	Complete               -> ParseEvent, ParseAck -> name, Args
//	Args                   -> Args.Decode        -> Go values
//
// ArgsOf makes Args of a JSON array that came in another way than as a packet.
//
// Decoders alias their input instead of copying it; who hands bytes in gives them away. Everything that a peer chooses
// is bounded by Limits. Whatever the bytes are, a decoder returns a value or an error that wraps a sentinel of this
// package; it does not panic, and its time and memory are linear in the size of the input.
//
// # To the network
//
//	EncodeEvent, EncodeEventAck, EncodeAck, EncodePacketJSON, PrepareEvent, PrepareEngine -> *Prepared
//
// A Prepared is encoded once and shared by all receivers: the websocket frames of a server are unmasked and therefore
// the same bytes for everybody. The other forms (polling, compressed) are derived from these frames.
//
// # Revision 3
//
// Sessions of clients of Socket.IO 2 have other forms of the same packets: DecodePayload3, DecodeBinaryPayload3,
// DecodeEngineText3 and DecodeEngineBinary3 read them, Prepared.Revision3, AppendPayload3 and AppendBinaryPayload3 give them.
//
// # Other parsers
//
//	Prepared.With(Parser) -> *Prepared, in the form of that parser
//	MessageDecoder        -> Complete, after Complete.Check as if the default decoder had read it
//
// # Between instances
//
//	Prepared.Event, Args.AppendJSON and Args.Attachments, EncodeArgs -> JSON array, attachments
//	JSON array, attachments                                          -> PrepareEvent, ArgsOf
//
// This is the form in which events pass from one instance to another; package msgpack writes it as MessagePack.
//
// # JSON
//
// DecodePacket checks the payload and ParseEvent finds the arguments in it with a scanner of their own (scan.go, internal/lex).
// The choice was made by BenchmarkSplit, on a chat event of 92 bytes: own scanner 0.09 us without allocation, jsontext 0.47 us
// with 4, encoding/json 1.2 us with 8; on 1 MB of text 4.7, 2.3 and 0.32 GB/s. Nor do the others let the depth be bounded.
package wire
