// Package msgpack translates between JSON text with attachments, the form that events have in package wire, and the
// MessagePack of the Redis adapters for Node.js. It builds no values in between: one pass over the input appends the
// output.
//
// Parser speaks as socket.io-msgpack-parser does.
//
// Both directions are for hostile input: time and memory are linear in it, and whatever the bytes are, the result is a
// value or an error.
//
// # Numbers
//
// JSON numbers have any range and precision, MessagePack numbers are 64 bit integers and float64. AppendJSON reports
// whether ReadJSON will give back the same numbers, in value if not in spelling, so that a sender can put the text beside
// what loses digits. Readers in JavaScript see what JSON.parse gives them.
package msgpack
