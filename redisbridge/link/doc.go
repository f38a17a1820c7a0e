// Package link keeps three connections to Redis alive: one to emit, one to publish, one to listen. Their options are those of
// a parent client, which is left alone.
//
// # Files
//
//	link.go       the interface to the layer above            open.go      Open and Close
//	duplicate.go  options from the parent's                   dialer.go    every net.Conn and dial, so that Close can end it
//	session.go    one connection, from dial to end            check_*.go   has the other side closed it already?
//	cluster.go    which node serves what                      sender.go    batches to the nodes, and their fates
//	emitter.go    the queue and its accounts                  emitter_run.go  what happens to the queue
//	publisher.go  what may be lost; Count                     census.go    how many neighbours there are, and were
//	desired.go    what is to be subscribed to                 subscriber.go, feed.go  what is
//	state.go      up or down, and telling so                  slot.go, backoff.go  arithmetic
//
// # How the library is used
//
// A connection is never made anew: when it breaks, the client around it is closed and another is made for the next. So nothing
// of the library retries, redirects, resubscribes, or dials behind our back, its pools hold one connection each, and there is
// no pipeline pool, no push notification (RESP2 is spoken), no cache and no maintenance notification. Connections are dialled
// in goroutines of ours, because a pool's dial goes on when the pool is closed, and are handed to the library when they exist.
// MOVED is followed by ourselves: a frame that was answered with it was not executed, while a library that retries could
// not tell.
//
// # What is in flight when a connection breaks
//
// A frame whose bytes may have reached the network and that has no answer is Unconfirmed and never sent again. Nothing of a
// batch was sent when the connection could not be made, when the other side was seen to have closed it before the batch was
// written, or when not one byte of the batch was accepted by the network: then the batch stays in the buffer, in its place.
// What Redis answered before the break is Delivered. What is Unconfirmed may be executed late: a node of a cluster that stalled
// executes it when it goes on, after what went by way of another node in the meantime.
//
// # Goroutines
//
//	redis emitter     from Open; connects, sends, waits for the neighbours
//	redis publisher   from Open; connects, sends, counts
//	redis subscriber  from Open; decides what is subscribed to where, and writes that. Waits at its end for
//	  redis feed      one for each node that something is subscribed at (without a cluster: one); connects and reads. Calls
//	                  Handler.Received. Ends when nothing is wanted of the node any more
//	  redis recovery  while a cluster is asked what it looks like, or a refused subscription waits to be tried again
//	redis node        while a batch goes to several nodes at a time; whoever started it waits
//	redis close       from the beginning of Close by force; waits for the first three
//
// All end when the Link's context is cancelled and its connections are closed, which Close does at once and in this order:
// each waits for that context, for the network, or for a timer that ends with that context. The only other thing that may
// hold one is the parent's code: a Dialer that ignores its context (that of the library does so for TLS by way of Sentinel,
// until the parent's DialTimeout), OnConnect, a provider of credentials, the Handler. Then Close says ErrStillRunning.
// What a Sentinel client starts to watch its sentinels belongs to the parent and ends with it.
//
// Handler.Changed is called by the first three goroutines, each for its own part.
//
// # Locks
//
// subscriber.mu may be held when topology.mu is taken; no other two locks of the package are held together. The Handler and the
// settled functions are called without any, except that Handler.Received is called one at a time.
package link
