// Package footprint measures what a connection and a delivery cost the process of the server: its resident memory and its
// CPU time, from outside, with the clients in another process.
//
//	go test -run '^$' -bench . -benchtime 1x ./tests/footprint
package footprint
