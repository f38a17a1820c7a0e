// Package load is a generator of load for Socket.IO servers: one thread, epoll, frames by hand, no goroutine and next to no
// memory for each client, so that what is measured is the server. It needs Linux; on other systems it is empty.
//
// A [Swarm] drives all clients. It answers pings, checks that every answer is the one that was waited for, that no message is
// lost, repeated or out of order, and fails when a client loses its connection. It is not safe for concurrent use: one
// goroutine, locked to its thread, has it.
package load
