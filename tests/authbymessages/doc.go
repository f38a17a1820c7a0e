// Package authbymessages shows how an application that is made of actors tests its authentication by messages alone: no
// network, no HTTP server, no real time. Copy it.
//
// The connection's actor lives in an actor system that the application owns. A probe stands for the supervisor and gets what
// the connection tells of its sockets; the test is the client, and sends packets; the application's Verifier answers when the
// test lets it. Time is fake: the ten seconds that a client has to authenticate pass at once.
package authbymessages
