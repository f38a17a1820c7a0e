// Package rawclient is a Socket.IO client that does nothing by itself: it speaks Engine.IO and Socket.IO by hand over plain
// TCP connections, holds no goroutine and no timer, and costs about as much as its sockets. Thousands of them fit into the
// process of a test, which decides when one of them reads, when it goes silent and how it dies.
//
//	c, err := rawclient.Dial(address, rawclient.Options{})
//	id, err := c.Join("/", nil)
//	err = c.Emit("authenticate")
//	m, err := c.Await("authenticated")
//	end := c.Farewell()
//
// A client answers heartbeats while somebody reads from it. One goroutine may read while others send. Every operation gives
// up after [Patience], so that a server that is stuck fails the test instead of hanging it.
package rawclient
