// Package page tests the page of cmd/server as a newcomer meets it: the real binary, and two tabs of a real browser.
//
// It needs Node.js, the npm packages of tests/js and Chromium, which `make test` installs. Without them the test fails and
// says so; it is never skipped. PAGE_SCREENSHOTS names a folder that gets the screenshots, to be looked at; default: a
// temporary one.
package page
