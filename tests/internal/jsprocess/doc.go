// Package jsprocess runs the Node.js scripts of tests/js for Go tests: [Start] runs one, [Drive] talks to one that answers
// requests. A process ends with the test that started it.
//
// The package needs Node.js and the npm packages of tests/js, which `make test` installs. Without them a test fails and
// says so; it is never skipped.
package jsprocess
