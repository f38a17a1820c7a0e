// Package clientmatrix holds acceptance tests with the official clients of all major versions that there are, from npm: the
// newest, and the oldest of each major version, over each transport.
package clientmatrix
