// Package hostile holds acceptance tests in which clients misbehave: hand-written sockets and HTTP against actio over TCP and
// TLS. Whatever one client does, it harms nobody but itself.
//
// The loads of stalled and flooding clients are small in the normal run, which has the race detector. With ACTIO_FULL=1 they
// have their full size: 100 000 broadcasts of 3 KiB to a room of 100, and a million events of one client. `make test-slow`
// runs them so.
package hostile
