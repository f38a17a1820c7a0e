// Command bench measures what actio costs beside its peers, all with the same tiny application: a floor, which is a Go program
// that writes prepared frames to raw sockets and knows no protocol, Node's socket.io with ws, and the original Ignis helper.
//
//	make bench                                   # installs what is missing, runs everything
//	go run ./tests/bench -run 'echo' -peers actio,node -rounds 5
//	go run ./tests/bench -short                  # figures of little worth, in a minute
//
// Each server is a process of its own on one core; the load comes from one thread on another. What counts is the CPU time of
// the server process for each operation; wall time says little on a machine where both share a socket. Peers take turns in each
// round, with a fresh process each time. It needs Linux.
package main
