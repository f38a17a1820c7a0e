//go:build !race

package page

// raceDetector tells whether the tests run under it: then the gateway does too.
const raceDetector = false
