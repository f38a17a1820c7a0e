// Package eio3 tests EngineOptions.AllowEIO3 with the official client of Socket.IO 2 over TCP, by polling, by websocket and by
// polling with an upgrade, beside clients of Socket.IO 4.
package eio3
