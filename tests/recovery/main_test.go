package recovery

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		if err := serveChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// sized is a value of the normal or of the full run.
func sized(normal, whole int) int {
	if os.Getenv("ACTIO_FULL") != "" {
		return whole
	}
	return normal
}
