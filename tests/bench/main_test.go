package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain makes the test binary a server when the benchmark starts it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		if err := program(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestParse_Flags_AreSettings(t *testing.T) {
	s, err := parse([]string{
		"-run", "echo", "-peers", "actio,node", "-rounds", "5", "-short", "-v", "-gather", "50us", "-svg", "a", "-markdown", "b", "-json", "c",
	})
	require.NoError(t, err)
	assert.True(t, s.workloads.MatchString("echo-100"))
	assert.False(t, s.workloads.MatchString("connect"))
	s.workloads = nil
	assert.Equal(t, settings{
		peers: []string{"actio", "node"}, rounds: 5, short: true, verbose: true, gather: 50 * time.Microsecond, plot: "a", markdown: "b", json: "c",
	}, s)
}

func TestParse_Mistakes_AreErrors(t *testing.T) {
	for _, arguments := range [][]string{{"-run", "("}, {"-rounds", "x"}, {"-peers", "somebody"}, {"-rounds", "0"}, {"echo"}} {
		_, err := parse(arguments)
		require.Error(t, err, arguments)
	}
}

func TestProgram_UnknownServer_IsAnError(t *testing.T) {
	require.ErrorContains(t, program([]string{"serve", "somebody"}), "somebody")
	require.Error(t, program([]string{"serve"}))
}
