package redisproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Sentinels are a master with replicas that three sentinels watch over.
type Sentinels struct {
	tb        testing.TB
	servers   []*Server
	sentinels []*Server
}

const (
	masterName = "mymaster"
	replicas   = 2
	// firstDownAfter is how long, in milliseconds, a master is silent before the first sentinel calls for an election. Shorter,
	// and a busy machine looks like a dead one. The others are more patient and vote for it: when two call at a time, their
	// election may fail and is repeated only after seconds.
	firstDownAfter, othersDownAfter = 1000, 3000
)

// StartSentinel starts one master, two replicas and three sentinels, and returns when all of them know each other. A master
// that dies or stalls is replaced after about two seconds.
func StartSentinel(tb testing.TB) *Sentinels {
	tb.Helper()
	s := &Sentinels{tb: tb}
	master := prepare(tb, Options{})
	s.servers = append(s.servers, master)
	for range replicas {
		s.servers = append(s.servers, prepare(tb, Options{Arguments: []string{
			"--replicaof", "127.0.0.1 " + fmt.Sprint(master.port), "--repl-ping-replica-period", "1",
		}}))
	}
	for _, downAfter := range []int{firstDownAfter, othersDownAfter, othersDownAfter} {
		s.sentinels = append(s.sentinels, prepareSentinel(tb, master, downAfter))
	}
	showLogs(tb, slices.Concat(s.servers, s.sentinels)...)
	startAll(s.servers)
	s.waitReplicas(master)
	startAll(s.sentinels)
	for _, sentinel := range s.sentinels {
		sentinel.must("SENTINEL", "DEBUG", "INFO-PERIOD", 500, "PUBLISH-PERIOD", 300, "PING-PERIOD", 200, "ASK-PERIOD", 200,
			"ELECTION-TIMEOUT", 3000)
	}
	s.waitAcquainted()
	return s
}

// startAll starts servers at the same time.
func startAll(servers []*Server) {
	for _, s := range servers {
		s.tb.Helper()
		s.launch()
	}
	for _, s := range servers {
		s.waitReady()
	}
}

// prepareSentinel makes a sentinel that does not run yet. Its configuration is a file that it writes to.
func prepareSentinel(tb testing.TB, master *Server, downAfter int) *Server {
	tb.Helper()
	s := prepare(tb, Options{})
	file := filepath.Join(s.folder, "sentinel.conf")
	text := fmt.Sprintf(`port %[1]d
bind 127.0.0.1
dir %[2]s
sentinel monitor %[3]s 127.0.0.1 %[4]d 1
sentinel down-after-milliseconds %[3]s %[5]d
sentinel failover-timeout %[3]s 3000
`, s.port, s.folder, masterName, master.port, downAfter)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatalf("redisproc: %v", err)
	}
	s.arguments = []string{file, "--sentinel"}
	return s
}

// waitReplicas waits until the replicas follow their master.
func (s *Sentinels) waitReplicas(master *Server) {
	s.tb.Helper()
	poll(s.tb, "replicas do not follow", func(ctx context.Context) error {
		info, err := master.text(ctx, "INFO", "replication")
		if err == nil && strings.Count(info, "state=online") != replicas {
			err = errors.New(info)
		}
		return err
	})
}

// waitAcquainted waits until each sentinel knows the others and the replicas.
func (s *Sentinels) waitAcquainted() {
	s.tb.Helper()
	for _, sentinel := range s.sentinels {
		poll(s.tb, "a sentinel does not know the others", func(ctx context.Context) error {
			info, err := sentinel.text(ctx, "INFO", "sentinel")
			want := fmt.Sprintf("status=ok,address=127.0.0.1:%d,slaves=%d,sentinels=%d", s.servers[0].port, replicas, len(s.sentinels))
			if err == nil && !strings.Contains(info, want) {
				err = errors.New(info)
			}
			return err
		})
	}
}

// MasterName is the name by which the sentinels know the master.
func (s *Sentinels) MasterName() string { return masterName }

// SentinelAddrs are the addresses of the sentinels.
func (s *Sentinels) SentinelAddrs() []string { return addresses(s.sentinels) }

// Servers are the master and its replicas, whichever they are at the moment.
func (s *Sentinels) Servers() []*Server { return slices.Clone(s.servers) }

// Sentinels are the sentinels.
func (s *Sentinels) Sentinels() []*Server { return slices.Clone(s.sentinels) }

func addresses(servers []*Server) []string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Addr()
	}
	return all
}

// ClientOptions are those of a client. They are the caller's.
func (s *Sentinels) ClientOptions() *redis.FailoverOptions {
	return &redis.FailoverOptions{MasterName: masterName, SentinelAddrs: s.SentinelAddrs()}
}

// Client returns a new client, which is closed at the end of the test.
func (s *Sentinels) Client() *redis.Client {
	client := redis.NewFailoverClient(s.ClientOptions())
	s.tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Master is the server that the sentinels agree on; it waits until they do.
func (s *Sentinels) Master() *Server {
	s.tb.Helper()
	var master *Server
	poll(s.tb, "the sentinels do not agree on a master", func(ctx context.Context) (err error) {
		master, err = s.agreed(ctx)
		return err
	})
	return master
}

func (s *Sentinels) agreed(ctx context.Context) (*Server, error) {
	var agreed string
	for _, sentinel := range s.sentinels {
		if !sentinel.Alive() {
			continue
		}
		answer, err := sentinel.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)
		if err != nil {
			return nil, err
		}
		pair, ok := answer.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("answered %v", answer)
		}
		address := fmt.Sprintf("%v:%v", pair...)
		if agreed != "" && agreed != address {
			return nil, fmt.Errorf("%s or %s", agreed, address)
		}
		agreed = address
	}
	for _, server := range s.servers {
		if server.Addr() == agreed {
			return server, nil
		}
	}
	return nil, fmt.Errorf("unknown: %q", agreed)
}

// KillMaster kills the master and returns it. See WaitFailover.
func (s *Sentinels) KillMaster() *Server {
	s.tb.Helper()
	master := s.Master()
	master.Kill()
	return master
}

// Failover makes the sentinels replace a master that lives, and returns the new one when they have.
func (s *Sentinels) Failover() *Server {
	s.tb.Helper()
	old := s.Master()
	poll(s.tb, "failover", func(ctx context.Context) error { // "-INPROG" right after another one
		_, err := s.sentinels[0].Do(ctx, "SENTINEL", "FAILOVER", masterName)
		return err
	})
	return s.WaitFailover(old)
}

// WaitFailover waits until the sentinels have put another server in the place of a master, and returns it.
func (s *Sentinels) WaitFailover(old *Server) *Server {
	s.tb.Helper()
	var master *Server
	poll(s.tb, "no failover", func(ctx context.Context) (err error) {
		if master, err = s.agreed(ctx); err != nil {
			return err
		}
		if master == old {
			return errors.New("it is still the old one")
		}
		role, err := master.text(ctx, "ROLE")
		if err == nil && !strings.HasPrefix(role, "[master") {
			err = errors.New(role)
		}
		return err
	})
	return master
}
