// Package documented fails when something exported is not documented.
package documented

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// library lists the folders of the packages that programs can import.
func library(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{.Name}} {{.Dir}}", "../../...").Output()
	require.NoError(t, err)
	var folders []string
	for line := range strings.Lines(string(out)) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, folder, _ := strings.Cut(rest, " ")
		if name != "main" && !strings.Contains(path, "/internal/") && !strings.Contains(path, "/tests/") {
			folders = append(folders, folder)
		}
	}
	return folders
}

// ownMessages are the folders of packages that programs need only to speak with actors: what the fields of a message mean is in
// the comment of its type.
var ownMessages = regexp.MustCompile(`/(actors|redisbridge/format)(/|$)`)

func TestExported_EachIdentifier_IsDocumented(t *testing.T) {
	folders := library(t)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		c := checker{files: token.NewFileSet(), strict: !ownMessages.MatchString(folder)}
		sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, source := range sources {
			if strings.HasSuffix(source, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(c.files, source, nil, parser.ParseComments)
			require.NoError(t, err)
			c.packageDoc = c.packageDoc || file.Doc != nil
			for _, d := range file.Decls {
				c.declaration(d)
			}
		}
		assert.True(t, c.packageDoc, "%s: the package is not documented", folder)
		assert.Empty(t, c.missing, "%s: not documented", folder)
	}
}

// checker gathers what is not documented in a package.
type checker struct {
	files      *token.FileSet
	strict     bool // fields, too
	packageDoc bool
	missing    []string
}

func (c *checker) need(documented bool, format string, args ...any) {
	if !documented {
		c.missing = append(c.missing, fmt.Sprintf(format, args...))
	}
}

func (c *checker) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := receiverOf(d)
		if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver)) {
			c.need(d.Doc != nil, "%s.%s", receiver, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			c.spec(d, spec)
		}
	}
}

func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func (c *checker) spec(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec: // a group of constants may have one comment for all
		for _, name := range s.Names {
			c.need(!name.IsExported() || d.Doc != nil || s.Doc != nil || s.Comment != nil, "%s", name)
		}
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		c.need(s.Doc != nil || d.Doc != nil && len(d.Specs) == 1 || s.Comment != nil, "type %s", s.Name)
		if c.strict {
			c.fields(s)
		}
	}
}

// fields looks at the fields of a struct and the methods of an interface, of which one speaks for itself. A comment above a field
// speaks for those that follow it without a blank line, too.
func (c *checker) fields(s *ast.TypeSpec) {
	var list *ast.FieldList
	switch x := s.Type.(type) {
	case *ast.StructType:
		list = x.Fields
	case *ast.InterfaceType:
		if list = x.Methods; len(list.List) == 1 {
			return
		}
	default:
		return
	}
	spoken, last := false, 0
	for _, f := range list.List {
		first := f.Pos()
		if f.Doc != nil {
			first = f.Doc.Pos()
		}
		spoken = f.Doc != nil || spoken && c.files.Position(first).Line == last+1
		last = c.files.Position(f.End()).Line
		for _, name := range f.Names {
			c.need(!name.IsExported() || spoken || f.Comment != nil, "%s.%s", s.Name, name)
		}
	}
}
