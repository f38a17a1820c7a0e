// Package namespaces holds tests of how sockets come into namespaces and of what can be listened to there, with the official
// client: middlewares, dynamic namespaces, authentication with the payload of CONNECT, and catch-all functions.
package namespaces
