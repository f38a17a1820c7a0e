// Package keeper keeps the sessions of sockets in Redis, and has clients that come back get what they missed from a stream: it takes the
// place of package recovery, which does so in the memory of one process, by connection.Recovery.
//
// One actor is told of all sockets. It knows the live ones of this process, and who waits for one of them; what is left of others is
// a key of Redis, which redisbridge writes.
//
//	message    sender -> receiver       effect
//	opened     connection -> keeper     the session is live, and written
//	changed    connection -> keeper     it is written again
//	ended      connection -> keeper     it is left in Redis, given to who waits for it, or forgotten
//	claim      connection -> keeper     it is taken out of Redis; a live one of this process surrenders first
//	took       a goroutine -> keeper    what Redis had: it answers the claim
//	unclaim    connection -> keeper     what was given is put back
//	spent      connection -> keeper     what was given is forgotten
//	settle     Stop -> keeper           it is answered when nothing is being taken out of Redis
//
// A socket that is not authenticated has no session in Redis: whoever knew its private id would be taken for authenticated.
package keeper
