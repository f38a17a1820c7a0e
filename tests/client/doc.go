// Package client holds the black-box tests of package client: against servers of actio, of Node.js and the original helper of
// Ignis.
package client
