package redisproc

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options of a single server.
type Options struct {
	// Password is what clients must give. Empty: none.
	Password string
	// TLS makes the server speak TLS only, with a certificate for 127.0.0.1 that ClientOptions trusts.
	TLS bool
	// Arguments are further ones for redis-server, such as "--maxclients", "20".
	Arguments []string
}

// Server is one redis-server on a port of its own, which it keeps when it is restarted.
type Server struct {
	tb        testing.TB
	options   Options
	port      int
	arguments []string
	folder    string
	log       string
	trust     *tls.Config // nil without TLS

	mutex   sync.Mutex
	process *process // nil while it is dead
}

// Start starts one server. It returns when the server answers.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return StartWith(tb, Options{})
}

// StartWith starts one server with options. It returns when the server answers.
func StartWith(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := prepare(tb, o)
	showLogs(tb, s)
	s.Restart()
	return s
}

// prepare makes a server that does not run yet.
func prepare(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := &Server{tb: tb, options: o, port: reservePort(tb), folder: tb.TempDir()}
	port := strconv.Itoa(s.port)
	s.log = filepath.Join(s.folder, "redis-"+port+".log")
	s.arguments = []string{
		"--bind", "127.0.0.1", "--dir", s.folder, "--save", "", "--appendonly", "no",
		"--repl-diskless-sync-delay", "0", // a replica need not wait for further ones
	}
	if o.TLS {
		var certFile, keyFile string
		certFile, keyFile, s.trust = certificate(tb, s.folder)
		s.arguments = append(s.arguments, "--port", "0", "--tls-port", port, "--tls-auth-clients", "no",
			"--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile)
	} else {
		s.arguments = append(s.arguments, "--port", port)
	}
	if o.Password != "" {
		s.arguments = append(s.arguments, "--requirepass", o.Password, "--masterauth", o.Password)
	}
	s.arguments = append(s.arguments, o.Arguments...)
	tb.Cleanup(s.Kill)
	return s
}

// showLogs shows the logs of servers at the end of a test that has failed.
func showLogs(tb testing.TB, servers ...*Server) {
	tb.Helper()
	l := &logs{}
	for _, s := range servers {
		l.files = append(l.files, s.log)
	}
	tb.Cleanup(func() { l.show(tb) })
}

// Addr is where the server is reached: 127.0.0.1 and its port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// Port is its port.
func (s *Server) Port() int { return s.port }

// URL is Addr as a redis:// or rediss:// URL, with the password. Certificates of rediss:// are in [Server.TLS].
func (s *Server) URL() string {
	url := "redis://"
	if s.trust != nil {
		url = "rediss://"
	}
	if s.options.Password != "" {
		url += ":" + s.options.Password + "@"
	}
	return url + s.Addr()
}

// TLS is what a client needs to trust the server; nil without TLS.
func (s *Server) TLS() *tls.Config { return s.trust.Clone() }

// CertificateFile is the PEM file that a client in another process needs to trust a server with TLS.
func (s *Server) CertificateFile() string { return filepath.Join(s.folder, "redis.crt") }

// ClientOptions are those of a client for this server. They are the caller's.
func (s *Server) ClientOptions() *redis.Options {
	return &redis.Options{
		Addr: s.Addr(), Password: s.options.Password, TLSConfig: s.TLS(),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Client returns a new client, which is closed at the end of the test.
func (s *Server) Client() *redis.Client {
	client := redis.NewClient(s.ClientOptions())
	s.tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Do runs one command on a connection of its own.
func (s *Server) Do(ctx context.Context, arguments ...any) (any, error) {
	options := s.ClientOptions()
	options.MaxRetries, options.PoolSize = -1, 1
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return client.Do(ctx, arguments...).Result()
}

// text runs a command that answers with a text.
func (s *Server) text(ctx context.Context, arguments ...any) (string, error) {
	answer, err := s.Do(ctx, arguments...)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(answer), nil
}

// must runs a command that has to succeed.
func (s *Server) must(arguments ...any) string {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := s.text(ctx, arguments...)
	if err != nil {
		s.tb.Fatalf("redisproc: %s: %v: %v", s.Addr(), arguments, err)
	}
	return answer
}

// ClientNames returns the names that connections have given themselves by CLIENT SETNAME, in the order of their age: one
// entry for each connection that has a name.
func (s *Server) ClientNames() []string {
	s.tb.Helper()
	var names []string
	for line := range strings.Lines(s.must("CLIENT", "LIST")) {
		for field := range strings.FieldsSeq(line) {
			if name, ok := strings.CutPrefix(field, "name="); ok && name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// Kill ends the server with SIGKILL and returns when it is gone. Idempotent.
func (s *Server) Kill() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Pause stalls the server with SIGSTOP: its connections stay open, and nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a stalled server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.process != nil {
		s.process.signal(signal)
	}
}

// Alive tells whether the server was started and not killed since.
func (s *Server) Alive() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process != nil
}

// Restart starts the server, killing it before if it runs, and returns when it answers.
func (s *Server) Restart() {
	s.tb.Helper()
	s.launch()
	s.waitReady()
}

// launch starts the server and returns at once.
func (s *Server) launch() {
	s.tb.Helper()
	s.Kill()
	p, err := launch(s.folder, s.log, s.arguments)
	if err != nil {
		s.tb.Fatalf("redisproc: %v", err)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.process = p
}

func (s *Server) waitReady() {
	s.tb.Helper()
	s.mutex.Lock()
	p := s.process
	s.mutex.Unlock()
	poll(s.tb, s.Addr()+" does not answer", func(ctx context.Context) error {
		select {
		case <-p.ended:
			return &finalError{fmt.Errorf("it has ended: %s", p.command.ProcessState)}
		default:
		}
		_, err := s.Do(ctx, "PING")
		return err
	})
}
