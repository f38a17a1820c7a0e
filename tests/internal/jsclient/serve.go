package jsclient

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// Serve starts a server of tests/js/fixtures, such as "echo-server.mjs", and returns its URL. It ends with the test.
func Serve(tb testing.TB, fixture string, args ...string) string {
	tb.Helper()
	listening := make(chan int, 1)
	onLine := func(line []byte) {
		var hello struct{ Listening int }
		if err := json.Unmarshal(line, &hello); err == nil && hello.Listening != 0 {
			listening <- hello.Listening
			return
		}
		tb.Logf("%s: %s", fixture, line)
	}
	p := jsprocess.Start(tb, onLine, "fixtures/"+fixture, args...)

	timer := time.NewTimer(jsprocess.Startup)
	defer timer.Stop()
	select {
	case port := <-listening:
		return fmt.Sprintf("http://127.0.0.1:%d", port)
	case <-p.Ended():
		tb.Fatalf("jsclient: %s: %v", fixture, p.Err())
	case <-timer.C:
		tb.Fatalf("jsclient: %s did not say that it listens", fixture)
	}
	return ""
}
