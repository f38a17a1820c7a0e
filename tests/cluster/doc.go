// Package cluster holds acceptance tests of clusters: instances of actio beside servers of Node.js with the official adapters,
// the original helper of Ignis and the official emitter, on a real Redis, with official clients on all of them. Every operation
// goes in every direction, for each adapter and each of its modes.
package cluster
