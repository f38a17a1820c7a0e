// Package recovery tests connection state recovery with the official client and package client, over a proxy that loses their
// connections.
package recovery
