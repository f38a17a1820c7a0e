// Package outage holds the black-box tests of a cluster of servers whose Redis, or one of whose members, dies, stalls, moves or
// comes back: what the clients of each server notice of it, what is lost and whether all of it is counted, and what is left.
//
// The tests start their own Redis. Outages last as short as they show anything; with ACTIO_FULL=1 they last 10 s, and the
// loads have their full size:
//
//	ACTIO_FULL=1 go test -count=1 -timeout 30m -v ./tests/outage
//
// The tests count the goroutines and the heap of the whole process, so that none of them runs in parallel.
package outage
