// Package scale holds the black-box tests of very many clients: 100 000 sessions in one process, over connections in memory
// because a process may not have so many files, and five processes with 18 000 real connections each, which Redis joins. The
// clients stay for five minutes with their heartbeats; then one broadcast has to reach all of them, and nobody may have been
// lost. What a session costs is printed, and must not depend on how many there are.
//
// The normal run is small and short. With ACTIO_FULL=1 everything has its size; then it wants 4 GiB of memory, may open 20 000
// files per process, and is not for the race detector, which takes ten times the memory. It needs a machine without much other
// work: who gets no CPU for twenty seconds misses heartbeats, and then a test fails, saying how late timers were:
//
//	ACTIO_FULL=1 go test -count=1 -timeout 40m -v ./tests/scale
package scale
