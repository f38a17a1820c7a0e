package main

import "github.com/actio-go/actio/tests/bench/internal/report"

// goals are what actio should reach.
func goals() []report.Goal {
	return []report.Goal{
		{Workload: "connect", Name: "until CONNECT is answered", TimesFloor: 2, TimesNode: 0.4},
		{Workload: "echo-100", Name: "closed loop", TimesFloor: 1.6, TimesNode: 0.43},
		{Workload: "echo-100", Name: "closed loop: p99", TimesNode: 1},
		{Workload: "echo-100", Name: "open loop, 10000/s: p99", TimesNode: 1},
		{Workload: "broadcast-1000", Name: "64 B, 1 queued", TimesFloor: 1.25, TimesNode: 0.57},
		{Workload: "broadcast-1000", Name: "64 B, 10 queued", Floor: report.FloorBatch, TimesFloor: 1, TimesNode: 0.08},
		{Workload: "broadcast-1000", Name: "1024 B, 10 queued", Floor: report.FloorBatch},
		{Workload: "broadcast-10000", Name: "1024 B, 10 queued", Floor: report.FloorBatch},
		{Workload: "broadcast-10000", Name: "64 B, 1 queued", TimesFloor: 1.25},
		{Workload: "broadcast-10000", Name: "64 B, 10 queued", Floor: report.FloorBatch, TimesFloor: 1.2},
		{Workload: "idle-memory", Name: "5000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "10000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "18000 connections", AtMost: 12},
		{Workload: "idle-memory", Name: "18000 connections, 30s later", AtMost: 12},
		{Workload: "idle-memory-gateway", Name: "5000 connections", AtMost: 12},
		{Workload: "idle-memory-gateway", Name: "10000 connections", AtMost: 12},
		{Workload: "idle-memory-gateway", Name: "18000 connections", AtMost: 12},
		{Workload: "idle-memory-gateway", Name: "18000 connections, 30s later", AtMost: 12},
		{Workload: "idle-cpu", Name: "10000 connections, heartbeats each 5s and 6s: of a core", TimesNode: 1. / 3},
		{Workload: "stalled", Name: "64 B, a member's message: p99 with / without", AtMost: 1.1},
		{Workload: "stalled", Name: "1024 B, a member's message: p99 with / without", AtMost: 1.1},
		{Workload: "churn", Name: "after / before", AtMost: 1.1},
		{Workload: "shards", Name: "1000 members, 64 B, 1 queued: a shard for each core / one", AtMost: 1.05},
		{Workload: "shards", Name: "1000 members, 64 B, 10 queued: a shard for each core / one", AtMost: 1.05},
		{Workload: "shards", Name: "9000 members, 64 B, 1 queued: a shard for each core / one", AtMost: 1.05},
		{Workload: "shards", Name: "9000 members, 64 B, 10 queued: a shard for each core / one", AtMost: 1.05},
	}
}

// floors are goals without their limits, which then only say what the floor is.
func floors(goals []report.Goal) []report.Goal {
	for i := range goals {
		goals[i] = report.Goal{Workload: goals[i].Workload, Name: goals[i].Name, Floor: goals[i].Floor}
	}
	return goals
}

// headlines are what a README shows.
func headlines() []report.Headline {
	return []report.Headline{
		{Workload: "broadcast-1000", Name: "64 B, 1 queued", Label: "a delivery to each of 1000, 64 B, one at a time", Plot: true},
		{Workload: "broadcast-1000", Name: "64 B, 10 queued", Label: "a delivery to each of 1000, 64 B, ten queued", Plot: true},
		{Workload: "broadcast-1000", Name: "1024 B, 1 queued", Label: "a delivery to each of 1000, 1 KiB, one at a time"},
		{Workload: "broadcast-1000", Name: "1024 B, 10 queued", Label: "a delivery to each of 1000, 1 KiB, ten queued"},
		{Workload: "broadcast-10000", Name: "64 B, 1 queued", Label: "a delivery to each of 10 000, 64 B, one at a time", Plot: true},
		{Workload: "broadcast-10000", Name: "64 B, 10 queued", Label: "a delivery to each of 10 000, 64 B, ten queued", Plot: true},
		{Workload: "echo-100", Name: "closed loop", Label: "echo with acknowledgement, 100 clients", Plot: true},
		{Workload: "echo-100", Name: "closed loop: p99", Label: "echo, 100 clients: p99, each as soon as the last is answered"},
		{Workload: "echo-100", Name: "open loop, 10000/s: p99", Label: "echo, 100 clients: p99, 10 000 a second"},
		{Workload: "echo-1000", Name: "closed loop", Label: "echo, 1000 clients", Plot: true},
		{Workload: "echo-1000", Name: "open loop, 10000/s: p99", Label: "echo, 1000 clients: p99, 10 000 a second"},
		{Workload: "echo-polling-100", Name: "closed loop", Label: "echo, 100 clients over polling", Plot: true},
		{Workload: "connect", Name: "until CONNECT is answered", Label: "connect", Plot: true},
		{Workload: "connect", Name: "to authenticate, on top", Label: "authenticate, on top", Plot: true},
		{Workload: "hop-shared", Name: "closed loop", Label: "leave and join a room of many", Plot: true},
		{Workload: "hop-own", Name: "closed loop", Label: "leave and join a room of one's own", Plot: true},
		{Workload: "stalled", Name: "64 B, a member's message: p99 with / without", Label: "p99 of 1000 members with a stalled one / without, 64 B"},
		{Workload: "stalled", Name: "1024 B, a member's message: p99 with / without", Label: "p99 of 1000 members with a stalled one / without, 1 KiB"},
		{Workload: "idle-memory", Name: "5000 connections", Label: "memory of 5000 idle connections"},
		{Workload: "idle-memory", Name: "10000 connections", Label: "memory of 10 000 idle connections"},
		{Workload: "idle-memory", Name: "18000 connections", Label: "memory of 18 000 idle connections"},
		{Workload: "idle-memory", Name: "18000 connections, 30s later", Label: "memory of 18 000, 30 s later"},
		{Workload: "idle-memory-gateway", Name: "5000 connections", Label: "memory of the gateway, 5000 idle"},
		{Workload: "idle-memory-gateway", Name: "10000 connections", Label: "memory of the gateway, 10 000"},
		{Workload: "idle-memory-gateway", Name: "18000 connections", Label: "memory of the gateway, 18 000"},
		{Workload: "idle-memory-gateway", Name: "18000 connections, 30s later", Label: "memory of the gateway, 18 000, 30 s later"},
		{
			Workload: "idle-cpu", Name: "10000 connections, heartbeats each 5s and 6s: of a core",
			Label: "10 000 idle connections, heartbeats of 5 s and 6 s: of a core", Plot: true,
		},
		{Workload: "churn", Name: "connect, authenticate, killed", Label: "one of 200 000 that connect, authenticate and are killed"},
		{Workload: "churn", Name: "after / before", Label: "memory after all of them / before"},
		shardsHeadline("1000 members, 64 B, 1 queued", "1000, one at a time"),
		shardsHeadline("1000 members, 64 B, 10 queued", "1000, ten queued"),
		shardsHeadline("9000 members, 64 B, 1 queued", "9000, one at a time"),
		shardsHeadline("9000 members, 64 B, 10 queued", "9000, ten queued"),
	}
}

func shardsHeadline(cast, label string) report.Headline {
	return report.Headline{
		Workload: "shards", Name: cast + ": a shard for each core / one", Label: "CPU of a delivery by a shard for each core / by one, " + label,
	}
}
