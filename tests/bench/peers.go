package main

import "github.com/actio-go/actio/tests/bench/internal/report"

var allPeers = []string{report.Subject, report.Floor, report.FloorBatch, report.Node, report.Ignis}
