// Server is actio as a gateway of its own: configuration, then the packages. Nothing else lives here.
//
// Until authentication is configurable it runs in development mode: it listens on loopback only, and every token that is
// not empty logs in whoever it names.
//
// GET /healthz answers 200 as long as the process should live, and 503 when the server gave up by itself. GET /readyz answers 200
// when new clients should come here, which is so without Redis too, and 503 while Redis is awaited at the start, while it
// drains, and when it gave up. Both say why as JSON: {"status": "ready"}, or starting, degraded (its own clients are served, the
// other instances are not reached), draining, failed; /readyz also how Redis is.
//
// With -redis it waits for Redis at the start, as long as -redis-ready-timeout says, and ends with exit code 1 if that is not
// enough; later it goes on without, for as long as it takes.
//
// Exit codes: 0 when it ended in good order after SIGINT or SIGTERM, 1 when it could not listen or could not end in good
// order, 2 when the command line or the environment is wrong, 128 and the signal's number when a second signal cut the end
// short.
package main
