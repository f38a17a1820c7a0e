// Package jsserver runs servers of socket.io in Node.js for the tests of clients. [Start] runs one, the script
// tests/js/fixtures/client-server.mjs, which says what its namespaces do. A process ends with the test that started it.
package jsserver
