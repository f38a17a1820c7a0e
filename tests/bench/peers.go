package main

import (
	"github.com/actio-go/actio/tests/bench/internal/report"
)

// ignis is the name of the original helper on Node.js.
const ignis = "ignis"

var allPeers = []string{report.Subject, report.Floor, report.FloorBatch, report.Node, ignis}
