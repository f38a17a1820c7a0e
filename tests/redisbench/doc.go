// Package redisbench measures what Redis adds between two instances, for actio and for Socket.IO of Node.js with
// @socket.io/redis-adapter: how much longer a broadcast takes to a client of the other instance than without Redis, and the CPU
// time of both instances for each message. Servers run in processes of their own, the clients in that of the
// benchmark.
//
//	go test -run '^$' -bench . ./tests/redisbench
package redisbench
