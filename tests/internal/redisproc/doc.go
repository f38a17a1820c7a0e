// Package redisproc starts real redis-server processes for tests, and lets them die, stall and come back.
//
//	r := redisproc.Start(t)                       // one server, on a free port of 127.0.0.1
//	server, err := actio.New(actio.Options{Redis: actio.RedisOptions{Client: r.Client()}})
//	r.Kill()                                      // SIGKILL
//	r.Restart()                                   // empty, on the same port; returns when it answers
//	r.Pause(); r.Resume()                         // SIGSTOP, SIGCONT
//
//	r := redisproc.StartWith(t, redisproc.Options{Password: "secret", TLS: true})
//	s := redisproc.StartSentinel(t)               // one master, two replicas, three sentinels; s.Client()
//	c := redisproc.StartCluster(t)                // three masters, three replicas; c.Client()
//
// Nothing is persisted; files are in the temporary folder of the test. All processes end with the test, whether it fails or
// not, and with the process of the test, should that be killed; when a test fails, the end of their logs is shown. Clients
// that Client returns are closed at the end of the test, before the servers end and after everything that the test has
// registered later: so register the shutdown of what uses a client after it was made. [Server.ClientOptions] and its like
// are for clients that a test closes itself.
//
// Several test processes may use the package at a time: a port belongs to one server until the end of its test, also while
// that server is dead.
//
// All methods may fail the test and therefore belong to its goroutine, except [Server.Kill], [Server.Pause],
// [Server.Resume] and those that only return what is known.
//
// The package needs the program redis-server, version 7, which `make install` installs. Without it a test fails and says so;
// it is never skipped.
package redisproc
