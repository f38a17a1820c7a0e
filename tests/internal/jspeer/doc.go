// Package jspeer runs the neighbours that actio has in a cluster, each as a Node.js process that a test drives: a server of
// socket.io with an adapter of @socket.io/redis-adapter ([Start]), one with the original helper of Ignis ([StartIgnis]), and
// the emitter of @socket.io/redis-emitter ([StartEmitter]). Their scripts are in tests/js/fixtures.
//
// Clients connect to the servers as to any other, with package jsclient. The processes end with the test.
package jspeer
