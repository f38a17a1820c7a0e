package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/servers"
)

func main() {
	if err := program(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// program is a server under measurement if its first argument says so, otherwise the benchmark.
func program(arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "serve" {
		return servers.Serve(arguments[1:], os.Stdin, os.Stdout)
	}
	s, err := parse(arguments)
	if err != nil {
		return err
	}
	return run(s)
}

// settings are what the command line says.
type settings struct {
	workloads *regexp.Regexp
	peers     []string
	rounds    int
	short     bool
	verbose   bool
	gather    time.Duration
	plot      string
	markdown  string
	json      string
	profiles  string
}

const usualGather = 50 * time.Microsecond

func parse(arguments []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	pattern := flags.String("run", "", "run the workloads whose names match this regular expression")
	peers := flags.String("peers", strings.Join(allPeers, ","), "compare these")
	flags.IntVar(&s.rounds, "rounds", 3, "measure so many times (some workloads only once)")
	flags.BoolVar(&s.short, "short", false, "measure little: shows that everything works, not what it costs")
	flags.BoolVar(&s.verbose, "v", false, "print every value, and the generator's own CPU")
	flags.DurationVar(&s.gather, "gather", usualGather, "let the generator look for answers only so often, so that no write of a "+
		"server pays for waking it, which hits only those that are slower than the generator; not in open loops, whose latencies "+
		"it would lengthen; 0: no")
	flags.StringVar(&s.plot, "svg", "", "write a plot to this file")
	flags.StringVar(&s.markdown, "markdown", "", "write a table for a README to this file")
	flags.StringVar(&s.json, "json", "", "write all values to this file")
	flags.StringVar(&s.profiles, "profiles", "", "write profiles of the servers in Go to this folder: CPU of what is measured, heap "+
		"at the end; what is printed then has the price of profiling in it")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	s.peers = strings.Split(*peers, ",")
	for _, peer := range s.peers {
		if !slices.Contains(allPeers, peer) {
			return s, fmt.Errorf("no peer %q, there are %v", peer, allPeers)
		}
	}
	if s.rounds < 1 || flags.NArg() > 0 {
		return s, fmt.Errorf("no rounds, or arguments that are no flags: %v", flags.Args())
	}
	var err error
	s.workloads, err = regexp.Compile(*pattern)
	return s, err
}
