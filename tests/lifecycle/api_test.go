package lifecycle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exported are the names of all exported functions and methods of package actio, as in its source: "New", "Server.Emit".
func exported(t *testing.T) []string {
	t.Helper()
	folder := filepath.Join("..", "..")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file.Name()), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names = appendExported(names, f)
			}
		}
	}
	slices.Sort(names)
	return names
}

func appendExported(names []string, f *ast.FuncDecl) []string {
	if !f.Name.IsExported() {
		return names
	}
	if f.Recv == nil {
		return append(names, f.Name.Name)
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	switch {
	case !ok:
	case name.Name == "hooks": // which these have embedded
		names = append(names, "Namespace."+f.Name.Name, "ParentNamespace."+f.Name.Name)
	case name.IsExported():
		names = append(names, name.Name+"."+f.Name.Name)
	}
	return names
}

func TestHammer_CallsAllThatIsExported(t *testing.T) {
	called := operations()
	for _, name := range exported(t) {
		assert.NotNil(t, called[name], "TestHammer does not call %s: add it to operations", name)
		delete(called, name)
	}
	assert.Empty(t, slices.Collect(maps.Keys(called)), "there is no such thing any more")
}
