// Package lifecycle holds the black-box tests of how a server, and each of its connections, comes and goes: nothing is left
// of a client however it dies, nothing of a server after Shutdown, the promised order holds, and no method may be called at
// a wrong time.
//
// Its tests count the goroutines and the heap of the whole process, so that none of them runs in parallel.
package lifecycle
