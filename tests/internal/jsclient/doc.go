// Package jsclient lets Go tests drive the official Socket.IO client of Node.js.
//
// [Start] starts one Node.js process, the harness tests/js/harness.mjs, which holds any number of clients; the process
// ends with the test. [Harness.Connect] makes one client and [Harness.ConnectMany] makes many at once:
//
//	node := jsclient.Start(t)
//	alice := node.Connect(url, jsclient.Options{Transports: jsclient.WebSocket})
//	alice.Emit("join", "lobby")
//	args, err := alice.WaitEvent(ctx, "joined")
//
// Arguments are whatever encoding/json takes. Binary values are []byte, alone or inside []any and map[string]any; in
// structs their type is [Binary], because encoding/json would turn a []byte into text. [Args] gives back what arrived.
//
// All methods may be called from several goroutines, except those that end the test ([Start], [Serve],
// [Harness.Connect], [Harness.Open]): they belong to the goroutine of the test, like testing.TB.FailNow.
//
// The package needs Node.js and the npm packages of tests/js, which `make test` installs. Without them a test fails and
// says so; it is never skipped.
package jsclient
