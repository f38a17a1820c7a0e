package wire

import (
	"bytes"
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The candidates for checking an argument list and splitting it into raw arguments. doc.go says which won and why.

func splitOwn(data []byte) int {
	s := scanner{data: data, depth: defaultJSONDepth}
	n := 0
	i, more := s.enter(0)
	for ; more; n++ {
		if i = s.value(i); i < 0 {
			return -1
		}
		i, more = s.next(i)
	}
	return n
}

func splitStandard(data []byte) int {
	var args []stdjson.RawMessage
	if stdjson.Unmarshal(data, &args) != nil {
		return -1
	}
	return len(args)
}

func splitJSONText(data []byte) int {
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return -1
	}
	n := 0
	for d.PeekKind() != ']' {
		if _, err := d.ReadValue(); err != nil {
			return -1
		}
		n++
	}
	return n
}

func BenchmarkSplit(b *testing.B) {
	inputs := []struct{ name, data string }{
		{"chat", `["message",{"room":"general","from":"alice","text":"how are you today?","at":1712345678901}]`},
		{"numbers", `["position",[` + strings.Repeat(`12.5,-3,1e3,`, 80) + `0]]`},
		{"text4k", `["note","` + strings.Repeat("a plain line of text, \\n not short ", 120) + `"]`},
		{"nested", `["tree",` + strings.Repeat(`{"a":[`, 40) + `1` + strings.Repeat(`]}`, 40) + `]`},
		{"text1M", `["blob","` + strings.Repeat("x", 1<<20) + `"]`},
	}
	candidates := []struct {
		name  string
		split func([]byte) int
	}{{"own", splitOwn}, {"jsontext", splitJSONText}, {"encoding-json", splitStandard}}
	for _, in := range inputs {
		for _, c := range candidates {
			b.Run(in.name+"/"+c.name, func(b *testing.B) {
				data := []byte(in.data)
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if c.split(data) < 1 {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}
