// Package readme holds the README to its word.
package readme

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blocks returns the code blocks of Go.
func blocks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var all []string
	for _, found := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1) {
		all = append(all, string(found[1]))
	}
	return all
}

// isProgram tells a whole program from lines out of one.
func isProgram(block string) bool { return strings.HasPrefix(block, "package ") }

// given is what the text around the lines of each block gives them, in the order of the README.
func given() []string {
	return []string{
		"authenticate actio.Authenticator",
		"ctx context.Context, server *actio.Server, err error",
		"ctx context.Context, rdb redis.UniversalClient",
		"ctx context.Context, text string",
	}
}

func TestReadme_GoBlocks_Compile(t *testing.T) {
	around := given()
	for i, block := range blocks(t) {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			if !isProgram(block) {
				require.NotEmpty(t, around, "say in given what these lines stand on:\n%s", block)
				block, around = wrap(t, around[0], block), around[1:]
			}
			file := filepath.Join(t.TempDir(), "main.go")
			require.NoError(t, os.WriteFile(file, []byte(block), 0o600))
			output, err := exec.Command("go", "vet", file).CombinedOutput()
			require.NoError(t, err, "%s\n%s", output, block)
		})
	}
	assert.Empty(t, around)
}

// wrap makes a program of lines.
func wrap(t *testing.T, parameters, lines string) string {
	t.Helper()
	return program(function(t, "lines", parameters, lines))
}

// program makes a program of functions, with the imports that they need.
func program(functions string) string {
	imports := ""
	for name, path := range map[string]string{
		"context": "context", "errors": "errors", "http": "net/http", "regexp": "regexp", "time": "time", "actio": "github.com/actio-go/actio",
		"client": "github.com/actio-go/actio/client", "redis": "github.com/redis/go-redis/v9",
	} {
		if regexp.MustCompile(`(^|[^.\w])` + name + `\.[A-Z]`).MatchString(functions) {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	return "package main\n" + imports + "type Message struct{ Room, Text string }\nfunc main() {}\n" + functions
}

// function makes a function of lines. Whatever they define is used.
func function(t *testing.T, name, parameters, lines string) string {
	t.Helper()
	body := func(end string) string {
		return "func " + name + "(" + parameters + ") {\n" + lines + end + "}\nvar _ = " + name + "\n"
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+body(""), 0)
	require.NoError(t, err, lines)
	use := ""
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, name := range n.Lhs {
				if n.Tok == token.DEFINE {
					use += fmt.Sprintf("_ = %s\n", name)
				}
			}
		case *ast.FuncLit, *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt:
			return false
		}
		return true
	})
	return body(use)
}

// TestReadme_Programs_SpeakToEachOther runs the server and two of the client.
func TestReadme_Programs_SpeakToEachOther(t *testing.T) {
	var programs []string
	for _, block := range blocks(t) {
		if isProgram(block) {
			programs = append(programs, block)
		}
	}
	require.Len(t, programs, 2, "the server and the client")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server := start(ctx, t, build(t, programs[0], addr))
	program := build(t, programs[1], addr)
	bob := start(ctx, t, program, "bob")
	bob.says(t, `bob is in ["lobby"]`)
	ann := start(ctx, t, program, "ann")
	ann.says(t, `ann is in ["lobby"]`)
	bob.says(t, "ann says hello")
	for _, p := range []*process{ann, bob, server} {
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, p.cmd.Wait(), "%s", p)
	}
}

// build compiles a program that speaks over another port.
func build(t *testing.T, program, addr string) string {
	t.Helper()
	require.Contains(t, program, "127.0.0.1:3000")
	folder := t.TempDir()
	source, binary := filepath.Join(folder, "main.go"), filepath.Join(folder, "program")
	require.NoError(t, os.WriteFile(source, []byte(strings.ReplaceAll(program, "127.0.0.1:3000", addr)), 0o600))
	output, err := exec.Command("go", "build", "-race", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, string(output))
	return binary
}

// process is a program that runs, with what it has written so far.
type process struct {
	cmd   *exec.Cmd
	mutex sync.Mutex
	text  bytes.Buffer
}

func start(ctx context.Context, t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(ctx, binary, args...)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	require.NoError(t, p.cmd.Start())
	return p
}

func (p *process) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.Write(b)
}

func (p *process) String() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.String()
}

func (p *process) says(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.String(), text) }, 30*time.Second, 5*time.Millisecond, "%q", text)
}
