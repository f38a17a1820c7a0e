package main

import "github.com/actio-go/actio/tests/bench/internal/report"

// goals are what actio should reach.
func goals() []report.Goal {
	return []report.Goal{
		{Workload: "connect", Name: "until CONNECT is answered", TimesFloor: 2, TimesNode: 0.4},
		{Workload: "echo-100", Name: "closed loop", TimesFloor: 1.6, TimesNode: 0.43},
		{Workload: "echo-100", Name: "closed loop: p99", TimesNode: 1},
		{Workload: "broadcast-1000", Name: "64 B, 1 queued", TimesFloor: 1.25, TimesNode: 0.57},
		{Workload: "broadcast-1000", Name: "64 B, 10 queued", Floor: report.FloorBatch, TimesFloor: 1, TimesNode: 0.08},
		{Workload: "broadcast-10000", Name: "64 B, 1 queued", TimesFloor: 1.25},
		{Workload: "broadcast-10000", Name: "64 B, 10 queued", Floor: report.FloorBatch, TimesFloor: 1.2},
		{Workload: "idle-memory", Name: "5000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "10000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "18000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "18000 connections, 30s later", AtMost: 12},
	}
}
