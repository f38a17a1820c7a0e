// Server is actio as a gateway of its own: configuration, then the packages. Nothing else lives here.
//
// Until authentication is configurable it runs in development mode: it listens on loopback only, and every token that is
// not empty logs in whoever it names.
//
// Exit codes: 0 when it ended in good order after SIGINT or SIGTERM, 1 when it could not listen or could not end in good
// order, 2 when the command line or the environment is wrong, 128 and the signal's number when a second signal cut the end
// short.
package main
