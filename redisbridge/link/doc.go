// Package link keeps connections to Redis alive: one to emit, one to publish, one to listen, and one for each stream that is
// read. Their options are those of a parent client, which is left alone.
//
// # Files
//
//	link.go       the interface to the layer above            open.go      Open and Close
//	duplicate.go  options from the parent's                   dialer.go    every net.Conn and dial, so that Close can end it
//	session.go    one connection, from dial to end            check_*.go   has the other side closed it already?
//	cluster.go    which node serves what                      sender.go    batches to the nodes, and their fates
//	emitter.go    the queue and its accounts                  emitter_run.go  what happens to the queue
//	publisher.go  what may be lost; Count                     census.go    how many neighbours there are, and were
//	publish.go    a batch to one node, and what it says       resp.go, news.go     the wire, of what comes all the time
//	trail.go      where frames went, and to how many          demoted.go   masters that are none any more
//	desired.go    what is to be subscribed to                 subscriber.go, feed.go  what is
//	streams.go    which streams are read, and Hold      tail.go, entries.go  reading one of them
//	store.go      the few other commands
//	survey.go     replicas that come later                    state.go     up or down, and telling so
//	slot.go, backoff.go  arithmetic
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
// What is sent and received all the time, frames and messages, is written and read without the library, on the connection that
// it has introduced: it needs two deadlines, a command and several copies for each of them. Whoever asks by way of the library
// reads all of the answer, so that neither has what the other waits for.
//
// # What is in flight when a connection breaks
//
// A frame whose bytes may have reached the network and that has no answer is Unconfirmed and never sent again. Nothing of a
// batch was sent when the connection could not be made, when the other side was seen to have closed it before the batch was
// written, or when not one byte of the batch was accepted by the network: then the batch stays in the buffer, in its place.
// What Redis answered before the break is Delivered. What is Unconfirmed may be executed late: a node of a cluster that stalled
// executes it when it goes on, after what went by way of another node in the meantime.
//
// Redis answers a PUBLISH before it writes the message to the subscribers: at the end of a turn of its event loop it goes through
// the clients that have something to get from the last to the first, and the publisher was the last (clients_pending_write in its
// networking.c). A Redis that is killed in between has confirmed messages that some or all subscribers never get.
//
// # Whom the emitter waits for
//
// What is published while the neighbours are not subscribed again reaches nobody and counts as Delivered all the same. So an
// emitter that comes back first waits, at most for Options.Resume, until each channel of the census has as many subscribers as
// before. (One that died meanwhile does not come back: then it waits for the whole of it.) They are counted when the Link is
// opened, every second, and when Link.Expect says that somebody came or went. Higher numbers are believed at once. Lower ones
// are believed when Expect said so, or when they have been lower for a while: subscribers that were cut off come back. What
// breaks between Expect and the count is made up for by the number that Expect was told. A neighbour of which nothing was said,
// and that came less than a second before the break, is not waited for, nor for channels that it added then.
//
// When the slot of a shard channel goes to another node, its subscribers are cut off in the moment in which the old node begins
// to answer MOVED, which says that nothing was executed. The frames go back to their place, and are sent when the channel has
// as many subscribers as the last frame reached, or the census counted, if that was a moment ago. It is the same when the Link
// learns of the other node in another way. Other channels wait, too, for there is one emitter.
//
// A master whose replica takes its place in good order (CLUSTER FAILOVER) cuts its subscribers off as well, but does not say
// MOVED: as a replica it takes what is published to its former slots, for those who are subscribed by now. So a node that has
// got a frame to nobody, or to fewer than the last time, is asked for its role. If it is no master any more the frame is
// Unconfirmed, and those that follow wait as above. What goes to nobody costs a round trip more for that.
//
// Clients may be subscribed at replicas, which are therefore asked when subscribers are counted. They get a second: who asks
// waits for all nodes. One that does not answer is left out for a while, and those subscribed there are not counted.
//
// # What belongs to no slot
//
// In a cluster everything plain goes by way of one node, the home: the owner of the slot of Options.Home, which all instances and
// parts of them choose. When it dies, all emitters and all subscribers break at the same time, and none goes on to publish what
// another cannot hear. A node that does not answer or cannot be reached is passed over for the next master in the order of the
// slots. A home is kept as long as it works, also when the slot has gone elsewhere: who comes later may have another then,
// until the next break, and when that home dies, what those with another one publish until it is replaced is lost to its
// subscribers without being counted.
//
// # Goroutines
//
//	redis emitter     from Open; connects, sends, waits for the neighbours
//	redis publisher   from Open; connects, sends, counts
//	redis subscriber  from Open; decides what is subscribed to where, and writes that. Waits at its end for
//	  redis feed      one for each node that something is subscribed at (without a cluster: one); connects and reads. Calls
//	                  Handler.Received. Ends when nothing is wanted of the node any more
//	  redis recovery  while a cluster is asked what it looks like, or a refused subscription waits to be tried again
//	redis stream      from Open, one for each stream; connects, reads and calls Streams.Entry
//	redis store       from Open, three of them with Streams; connects when it is needed, for Run
//	redis range       from Open, two of them with Streams; likewise, for Range
//	redis node        while a batch goes to several nodes at a time; whoever started it waits
//	redis close       from the beginning of Close by force; waits for the first three
//
// All end when the Link's context is cancelled and its connections are closed, which Close does at once and in this order:
// each waits for that context, for the network, or for a timer that ends with that context. The only other thing that may
// hold one is the parent's code: a Dialer that ignores its context (that of the library does so for TLS by way of Sentinel,
// until the parent's DialTimeout), OnConnect, a provider of credentials, the Handler. Then Close says ErrStillRunning.
// What a Sentinel client starts to watch its sentinels belongs to the parent and ends with it.
//
// Handler.Changed is called by the first three goroutines, each for its own part, and by the readers of streams for theirs, one
// at a time.
//
// # Streams
//
// What is added to a stream goes the way of what is emitted, in its order; Redis answers with an id, which its Entry keeps. A
// stream is read from where it ends when the Link is opened. Its reader waits in Redis (XREAD BLOCK) and keeps the id of the
// last entry that it has handed over, so that it goes on behind it on the next connection, after a failover on the next master.
// Should the stream end before that id then, its end was lost, and reading goes on from where it ends.
//
// # Locks
//
// subscriber.mu may be held when topology.mu is taken; no other two locks of the package are held together. The Handler and the
// settled functions are called without any, except that Handler.Received and Streams.Entry are called one at a time, and not
// during Hold.
package link
