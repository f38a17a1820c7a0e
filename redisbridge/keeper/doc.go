// Package keeper keeps the sessions of sockets in Redis, and has clients that come back get what they missed from a stream: it
// takes the place of package recovery, which does so in the memory of one process, by connection.Recovery.
//
// One actor is told of all sockets. It knows the live ones of this process, and who waits for one of them; what is left of
// others is a key of Redis, which redisbridge writes.
//
//	message    sender -> receiver       effect
//	opened     connection -> keeper     the session is live, and written
//	changed    connection -> keeper     it is written again
//	ended      connection -> keeper     it is left in Redis, given to who waits for it, or forgotten
//	claim      connection -> keeper     Redis is asked for it, whether its socket lives here or not
//	took       a goroutine -> keeper    what Redis had: a live socket of this process surrenders, and the claim is answered
//	lost       bridge -> keeper         another instance has it: the connection of its socket here ends
//	encoded    a goroutine -> keeper    the data of its socket: now it is written
//	unclaim    connection -> keeper     what was given is put back
//	spent      connection -> keeper     what was given is forgotten
//	settle     Stop -> keeper           it is answered when nobody asks Redis or encodes
//
// A socket may live here for nobody: its client has left without a word, and the heartbeat has not failed yet. So Redis says
// who has a session. If it is this instance still, or Redis has nothing, who claims it is given what the socket here leaves,
// which is the latest; else what Redis has.
//
// A socket that is not authenticated has no session in Redis: whoever knew its private id would be taken for authenticated.
package keeper
