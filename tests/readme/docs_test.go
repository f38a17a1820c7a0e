package readme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A block of lines has a comment in front of it that says what the text around them gives them.
var (
	block = regexp.MustCompile("(?ms)^(?:<!-- given: (.*?) -->\n)?```go\n(.*?)^```$")
	link  = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// pages are those under docs.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func TestDocs_GoBlocks_Compile(t *testing.T) {
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			folder, functions, n := t.TempDir(), "", 0
			for _, found := range block.FindAllStringSubmatch(string(text), -1) {
				n++
				if isProgram(found[2]) {
					vet(t, filepath.Join(folder, fmt.Sprint("program", n, ".go")), found[2])
				} else {
					functions += function(t, fmt.Sprint("lines", n), found[1], found[2])
				}
			}
			assert.Equal(t, n, strings.Count(string(text), "```go\n"), "a block that is not at the beginning of a line")
			vet(t, filepath.Join(folder, "lines.go"), program(functions))
		})
	}
}

func vet(t *testing.T, file, source string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	output, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
	assert.NoError(t, err, "%s\n%s", output, source)
}

// Links within the repository lead somewhere.
func TestDocs_Links_LeadToFiles(t *testing.T) {
	for _, page := range append(pages(t), "../../README.md", "../../CONTRIBUTING.md", "../../ARCHITECTURE.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			assert.FileExists(t, filepath.Join(filepath.Dir(page), found[1]), page)
		}
	}
}
