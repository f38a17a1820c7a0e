package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/actio-go/actio/tests/bench/internal/process"
	"github.com/actio-go/actio/tests/bench/internal/report"
	"github.com/actio-go/actio/tests/bench/internal/servers"
)

// heartbeats are the intervals of both. The floor has any only where they are what is measured.
type heartbeats struct {
	engine, app time.Duration
	measured    bool
}

var usualHeartbeats = heartbeats{engine: 25 * time.Second, app: 30 * time.Second}

// hosts start servers of any peer.
type hosts struct {
	cores   process.Cores
	own     string // this program
	scripts string // the folder of those for Node.js
	files   string // a temporary folder
	redis   *process.Redis
}

func newHosts(cores process.Cores) (*hosts, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files, err := os.MkdirTemp("", "actio-bench")
	if err != nil {
		return nil, err
	}
	return &hosts{cores: cores, own: own, files: files}, nil
}

func (h *hosts) end() error {
	if h.redis != nil {
		h.redis.End()
	}
	return os.RemoveAll(h.files)
}

// available says why a peer cannot run here.
func (h *hosts) available(peer string) error {
	switch peer {
	case report.Subject, report.Floor, report.FloorBatch:
		return nil
	case report.Node:
		return h.haveNode("socket.io")
	case report.Ignis:
		if err := h.haveNode(filepath.Join("@venizia", "ignis-helpers")); err != nil {
			return err
		}
		return h.haveRedis()
	default:
		return fmt.Errorf("no peer %q, there are %v", peer, allPeers)
	}
}

func (h *hosts) haveNode(npmPackage string) error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("%w; `make install` installs it", err)
	}
	if h.scripts == "" {
		folder, err := scripts()
		if err != nil {
			return err
		}
		h.scripts = folder
	}
	if _, err := os.Stat(filepath.Join(h.scripts, "node_modules", npmPackage)); err != nil {
		return fmt.Errorf("%w; `make install` installs it", err)
	}
	return nil
}

// scripts is tests/js of this repository, which the working folder is in.
func scripts() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		candidate := filepath.Join(folder, "tests", "js")
		if _, err := os.Stat(filepath.Join(candidate, "bench", "socketio.mjs")); err == nil {
			return candidate, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("run it within the repository: tests/js is needed")
		}
		folder = parent
	}
}

func (h *hosts) haveRedis() error {
	if h.redis != nil {
		return nil
	}
	r, err := process.StartRedis(h.files)
	if err != nil {
		return fmt.Errorf("%w; `make install` installs what is missing", err)
	}
	h.redis = r
	return nil
}

// start starts a server of a peer.
func (h *hosts) start(peer string, beats heartbeats) (*process.Server, error) {
	switch peer {
	case report.Node:
		return h.script("socketio.mjs", map[string]any{"ping": beats.engine.Milliseconds(), "appPing": beats.app.Milliseconds()})
	case report.Ignis:
		return h.script("ignis.mjs", map[string]any{
			"ping": beats.engine.Milliseconds(), "appPing": beats.app.Milliseconds(), "redis": h.redis.Address, "logs": h.files,
		})
	default:
		arguments := []string{
			"serve", peer, "-ping", beats.engine.String(), "-app-ping", beats.app.String(), fmt.Sprintf("-floor-beats=%v", beats.measured),
		}
		return process.Start(h.cores, process.Command{Path: h.own, Arguments: arguments, Log: os.Stderr})
	}
}

// startFree starts actio with a number of shards, 0 for as many as there are cores, on all cores.
func (h *hosts) startFree(beats heartbeats, shards int) (*process.Server, error) {
	return process.Start(h.cores.Free(), process.Command{Path: h.own, Log: os.Stderr, Arguments: []string{
		"serve", report.Subject, "-ping", beats.engine.String(), "-app-ping", beats.app.String(), "-shards", strconv.Itoa(shards),
	}})
}

// startGateway starts cmd/server, in the development mode of which every token will do.
func (h *hosts) startGateway(beats heartbeats) (*process.Server, error) {
	program := filepath.Join(h.files, "gateway")
	build := exec.Command("go", "build", "-o", program, "github.com/actio-go/actio/cmd/server")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/server: %w: %s", err, output)
	}
	return process.Start(h.cores, process.Command{
		Path: program, Listening: gatewayPort, Arguments: []string{
			"-listen", "127.0.0.1:0", "-path", servers.Path, "-log-format", "json", "-auth-timeout", "1m",
			"-ping-interval", beats.engine.String(), "-app-ping-interval", beats.app.String(),
		},
	})
}

func gatewayPort(line []byte) int {
	var entry struct{ Msg, Address string }
	if json.Unmarshal(line, &entry) != nil || entry.Msg != "listening" {
		return 0
	}
	address, err := netip.ParseAddrPort(entry.Address)
	if err != nil {
		return 0
	}
	return int(address.Port())
}

func (h *hosts) script(name string, options map[string]any) (*process.Server, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return process.Start(h.cores, process.Command{
		Path: "node", Arguments: []string{filepath.Join("bench", name), string(text)}, Folder: h.scripts,
		Environment: []string{"NODE_ENV=production"},
	})
}
