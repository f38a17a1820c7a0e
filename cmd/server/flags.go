package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// envPrefix begins the name of every environment variable of the gateway.
const envPrefix = "ACTIO_"

// variableURL is a second name of the variable of -redis.
const variableURL = envPrefix + "REDIS_URL"

// book is a set of flags in sections. Each flag can be given as an environment variable too.
type book struct {
	*flag.FlagSet

	sections []section
}

type section struct {
	title string
	names []string
}

func newBook() *book {
	b := &book{FlagSet: flag.NewFlagSet(program, flag.ContinueOnError)}
	b.SetOutput(io.Discard) // whoever parses reports, once
	b.Usage = func() {}
	return b
}

// section begins a section of the usage text.
func (b *book) section(title string) { b.sections = append(b.sections, section{title: title}) }

func (b *book) add(v flag.Value, name, usage string) {
	b.Var(v, name, usage)
	last := &b.sections[len(b.sections)-1]
	last.names = append(last.names, name)
}

// text adds a setting that is any text.
func (b *book) text(target *string, name, value, usage string) {
	*target = value
	b.add((*text)(target), name, usage)
}

// on adds a switch that is off.
func (b *book) on(target *bool, name, usage string) { b.add((*toggle)(target), name, usage) }

// count adds a number above zero.
func (b *book) count(target *int, name string, value int, usage string) {
	*target = value
	b.add(&above[int]{target, 1, strconv.Atoi}, name, usage)
}

// upTo adds a number that may be zero, which is its default.
func (b *book) upTo(target *int, name, usage string) {
	b.add(&above[int]{target, 0, strconv.Atoi}, name, usage)
}

// duration adds a duration above zero.
func (b *book) duration(target *time.Duration, name string, value time.Duration, usage string) {
	*target = value
	b.add(&above[time.Duration]{target, 1, time.ParseDuration}, name, usage)
}

// list adds a list with commas.
func (b *book) list(target *[]string, name string, value []string, usage string) {
	*target = value
	b.add((*list)(target), name, usage)
}

// fill sets from the environment what the command line did not say. An empty variable says nothing. It returns the names
// of variables that look like settings and are none.
func (b *book) fill(env []string) (unknown []string, err error) {
	given := make(map[string]bool)
	b.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var problems []error
	from := make(map[string]string) // the first value of a flag that has several variables
	for _, entry := range env {
		variable, value, _ := strings.Cut(entry, "=")
		name, ours := flagOf(variable)
		first, again := from[name]
		switch {
		case !ours:
		case !b.settable(name):
			unknown = append(unknown, variable)
		case value == "" || given[name]:
		case again && first != value:
			problems = append(problems, fmt.Errorf("two environment variables of -%s say different things", name))
		default:
			from[name] = value
			if err := b.Set(name, value); err != nil {
				problems = append(problems, fmt.Errorf("invalid value %q for %s: %w", value, variable, err))
			}
		}
	}
	slices.Sort(unknown)
	return unknown, errors.Join(problems...)
}

// settable tells whether a flag is a setting, as opposed to a question such as -version.
func (b *book) settable(name string) bool {
	return slices.ContainsFunc(b.sections, func(s section) bool { return slices.Contains(s.names, name) })
}

// variableOf names the environment variable of a flag, flagOf is its inverse.
func variableOf(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func flagOf(variable string) (string, bool) {
	if variable == variableURL {
		variable = variableOf("redis")
	}
	rest, ours := strings.CutPrefix(variable, envPrefix)
	if !ours || rest != strings.ToUpper(rest) {
		return "", false
	}
	return strings.ReplaceAll(strings.ToLower(rest), "_", "-"), true
}

// describe writes all sections.
func (b *book) describe(w io.Writer) {
	for _, s := range b.sections {
		_, _ = fmt.Fprintf(w, "\n%s\n", s.title)
		for _, name := range s.names {
			f := b.Lookup(name)
			kind, usage := flag.UnquoteUsage(f)
			head := "-" + name
			if _, isToggle := f.Value.(*toggle); !isToggle {
				head += " " + kind
			}
			if f.DefValue != "" && f.DefValue != "false" {
				usage += " (default " + f.DefValue + ")"
			}
			_, _ = fmt.Fprintf(w, "  %s\n        %s\n", head, usage)
		}
	}
}

type text string

// Set sets.
func (t *text) Set(s string) error {
	*t = text(s)
	return nil
}

// String is empty for a nil receiver too, as flag.Value demands of all.
func (t *text) String() string {
	if t == nil {
		return ""
	}
	return string(*t)
}

type toggle bool

// Set takes what strconv.ParseBool takes.
func (t *toggle) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("want true or false")
	}
	*t = toggle(v)
	return nil
}

// String is true or false.
func (t *toggle) String() string { return strconv.FormatBool(t != nil && bool(*t)) }

// IsBoolFlag lets the flag stand without a value.
func (*toggle) IsBoolFlag() bool { return true }

// above is a number that must not be below its least value.
type above[T int | time.Duration] struct {
	target *T
	least  T
	parse  func(string) (T, error)
}

// Set parses and checks.
func (a *above[T]) Set(s string) error {
	v, err := a.parse(s)
	if err != nil {
		if _, isDuration := any(v).(time.Duration); isDuration {
			return errors.New("want a duration with a unit, such as 500ms, 30s or 2m")
		}
		return errors.New("want a whole number")
	}
	if v < a.least {
		if a.least == 0 {
			return errors.New("must not be negative")
		}
		return errors.New("must be above zero")
	}
	*a.target = v
	return nil
}

// String formats the value.
func (a *above[T]) String() string {
	if a.target == nil {
		return ""
	}
	return fmt.Sprint(*a.target)
}

type list []string

// Set splits.
func (l *list) Set(s string) error {
	*l = []string{}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}

// String joins.
func (l *list) String() string {
	if l == nil {
		return ""
	}
	return strings.Join(*l, ",")
}

// choice is one of several values that have names.
type choice[T comparable] struct {
	target *T
	names  []string
	values []T
}

// Set looks the name up.
func (c *choice[T]) Set(s string) error {
	i := slices.Index(c.names, strings.ToLower(s))
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(c.names, ", "))
	}
	*c.target = c.values[i]
	return nil
}

// String is the name of the value.
func (c *choice[T]) String() string {
	if c.target == nil {
		return ""
	}
	return c.names[slices.Index(c.values, *c.target)]
}
