// Package parsers tests Options.Parser with official clients that are made with the same parser: that of
// socket.io-msgpack-parser, and one that a program brings along.
package parsers
