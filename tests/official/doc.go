// Package official holds acceptance tests: the official Socket.IO client in Node.js against actio over TCP, by polling, by
// websocket, and by polling with an upgrade.
package official
