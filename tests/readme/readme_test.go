// Package readme holds the README to its word.
package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// block returns the first code block of a language.
func block(t *testing.T, language string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, found, "the README has no block of "+language)
	return found[1]
}

func TestReadme_Program_Builds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, block(t, "go"), 0o600))
	output, err := exec.Command("go", "vet", file).CombinedOutput()
	require.NoError(t, err, string(output))
}
