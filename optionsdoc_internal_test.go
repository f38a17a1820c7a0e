package actio

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// optionRow is a row of a table of docs/options.md: what there is of actio in it.
type optionRow struct {
	name     string   // the first cell
	options  []string // paths of fields of Options
	initial  string   // what is said of the default of the first
	counters []string // paths of fields of Stats
}

// optionRows reads the tables that have a column of options.
func optionRows(t *testing.T) (rows []optionRow) {
	t.Helper()
	text, err := os.ReadFile("docs/options.md")
	require.NoError(t, err)
	var columns map[string]int
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			columns = nil
		case columns == nil:
			columns = make(map[string]int)
			for i, title := range cells {
				columns[strings.TrimSuffix(title, " here")] = i
			}
		case strings.HasPrefix(line, "|---"):
		default:
			rows = append(rows, rowOf(cells, columns))
		}
	}
	return rows
}

// code finds what is quoted as code.
func code(cell string) (names []string) {
	for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		names = append(names, found[1])
	}
	return names
}

func rowOf(cells []string, columns map[string]int) optionRow {
	cell := func(title string) string {
		if i, there := columns[title]; there {
			return cells[i]
		}
		return ""
	}
	return optionRow{
		name: cells[0], options: append(code(cell("actio")), code(cell("option"))...), initial: cell("default"),
		counters: code(cell("counter")),
	}
}

// field finds a field by its path.
func field(of any, path string) (v reflect.Value, found bool) {
	v = reflect.ValueOf(of)
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v = v.FieldByName(name); !v.IsValid() {
			return v, false
		}
	}
	return v, true
}

// exists tells whether an option, a method or a statistic is there.
func exists(path string) bool {
	if method, is := strings.CutPrefix(path, "(*Engine)."); is {
		_, found := reflect.TypeFor[*Engine]().MethodByName(method)
		return found
	}
	if statistic, is := strings.CutPrefix(path, "Stats."); is {
		_, found := field(Stats{}, statistic)
		return found
	}
	_, found := field(Options{}, path)
	return found
}

func TestOptionsDoc_EachNameOfActio_Exists(t *testing.T) {
	rows := optionRows(t)
	require.Greater(t, len(rows), 40)
	options := 0
	for _, row := range rows {
		for _, path := range row.options {
			assert.True(t, exists(path), "%s: %s", row.name, path)
			options++
		}
		for _, path := range row.counters {
			_, found := field(Stats{}, path)
			assert.True(t, found, "%s: %s", row.name, path)
		}
	}
	require.Greater(t, options, 40)
}

// words are defaults that are no numbers, and what they mean.
func words() map[string]func(o *Options, v reflect.Value) bool {
	zero := func(_ *Options, v reflect.Value) bool { return v.IsZero() }
	return map[string]func(*Options, reflect.Value) bool{
		"off": zero, "none": zero, "in memory": zero, "JSON": zero,
		"on":                 func(_ *Options, v reflect.Value) bool { return v.Bool() },
		"polling, websocket": func(o *Options, _ reflect.Value) bool { return len(o.Engine.Transports) == 2 },
		"any origin, without credentials": func(o *Options, _ reflect.Value) bool {
			return o.Engine.CORS.Origins[0] == "*" && !o.Engine.CORS.Credentials
		},
		"from 1024 bytes on": func(o *Options, _ reflect.Value) bool {
			return o.Engine.HTTPCompression.Threshold == 1024 && !o.Engine.DisableHTTPCompression
		},
	}
}

// quantity reads a number with its unit, as a field of Options has it.
func quantity(text string) (n int64, ok bool) {
	digits, unit := text, int64(1)
	for suffix, factor := range map[string]int64{
		" s": int64(time.Second), " min": int64(time.Minute), " KiB": 1 << 10, " MiB": 1 << 20, " MB": 1_000_000,
	} {
		if rest, has := strings.CutSuffix(text, suffix); has {
			digits, unit = rest, factor
		}
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(digits, " ", ""), 10, 64)
	return n * unit, err == nil
}

func TestOptionsDoc_EachDefault_IsThatOfTheCode(t *testing.T) {
	defaults := Options{}.withDefaults()
	for _, row := range optionRows(t) {
		if len(row.options) == 0 || row.initial == "" || !exists(row.options[0]) {
			continue
		}
		v, found := field(defaults, row.options[0])
		require.True(t, found, row.name)
		if n, is := quantity(row.initial); is {
			require.True(t, v.CanInt(), row.name)
			assert.Equal(t, n, v.Int(), row.name)
			continue
		}
		if quoted := code(row.initial); len(quoted) == 1 {
			assert.Equal(t, quoted[0], v.String(), row.name)
			continue
		}
		is := words()[row.initial]
		require.NotNil(t, is, "%s: %q", row.name, row.initial)
		assert.True(t, is(&defaults, v), "%s: %q", row.name, row.initial)
	}
}
