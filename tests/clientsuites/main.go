// Command clientsuites is the server that the test suites of the official clients, socket.io-client and engine.io-client,
// expect. See CONTRIBUTING.md for how to run them.
package main

import "github.com/actio-go/actio/tests/internal/suitehost"

func main() {
	suitehost.Main("clientsuites", suitehost.Suites{"socketio-client": socketIO, "engineio-client": engineIO})
}
