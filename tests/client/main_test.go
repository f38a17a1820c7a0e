package client_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// mainOfTests runs the tests, or what a test has started this binary for.
func mainOfTests(m *testing.M) int {
	if code, is := childOfProxyTest(); is {
		return code
	}
	code := m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
