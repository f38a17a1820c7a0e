package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// Half of what it takes to accept a connection is garbage as soon as it is there, and the runtime keeps room for as much again
// as is in use. After a storm of connections, as every deploy causes one, the process would hold twice the memory that its
// clients need for as long as they are quiet. So the memory is returned to the system once a storm is over.

const (
	lookEvery = time.Second // at the number of connections
	calmLooks = 2           // that find it unchanged end a storm
	minStorm  = 1000        // connections that come or go
	share     = 4           // and 1/4 of those that were there when memory was returned last
	steady    = 100         // 1/100 more or fewer is unchanged,
	steadyMin = 10          // or so many
)

// weather tells from the number of connections when a storm is over.
type weather struct {
	before int // connections when the last storm was over
	since  int // connections at the first look of the calm
	calm   int // looks that found them unchanged since
}

// over is told the number of connections, and reports that a storm has just ended.
func (w *weather) over(connections int) bool {
	if distance(connections, w.since) > max(w.since/steady, steadyMin) {
		w.since, w.calm = connections, 0
		return false
	}
	w.calm++
	if w.calm < calmLooks || distance(connections, w.before) < max(minStorm, w.before/share) {
		return false
	}
	w.before = connections
	return true
}

func distance(a, b int) int { return max(a-b, b-a) }

// watchMemory begins to return memory after storms. What it returns ends that, and waits until it has ended.
func (g *gateway) watchMemory() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		afterStorms(ctx, g.connections, func(connections int) {
			g.log.Debug("memory is returned after a storm", slog.Int("connections", connections))
			debug.FreeOSMemory()
		})
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (g *gateway) connections(ctx context.Context) (int, error) {
	stats, err := g.server.Stats(ctx)
	return stats.Connections, err
}

// afterStorms calls free after each storm, until ctx ends.
func afterStorms(ctx context.Context, connections func(context.Context) (int, error), free func(connections int)) {
	ticker := time.NewTicker(lookEvery) //nolint:forbidigo // the timer of the program itself: it ends with this function
	defer ticker.Stop()
	var w weather
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		n, err := connections(ctx)
		if err == nil && w.over(n) { // an error: the server ends
			free(n)
		}
	}
}
