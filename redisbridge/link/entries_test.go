package link

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

const twoEntries = "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" +
	"*2\r\n$3\r\n1-0\r\n*8\r\n$3\r\nuid\r\n$1\r\nu\r\n$3\r\nnsp\r\n$1\r\n/\r\n$4\r\ntype\r\n$1\r\n3\r\n$4\r\ndata\r\n$2\r\n{}\r\n" +
	"*2\r\n$3\r\n2-0\r\n*-1\r\n"

func saidEntries(words string) entryReader {
	return entryReader{reader{bufio.NewReaderSize(strings.NewReader(words), newsBuffer)}}
}

func TestEntryReader_Answer_HandsOverItsEntries(t *testing.T) {
	r := saidEntries("*-1\r\n" + twoEntries + "-LOADING\r\n")
	var got []*format.Entry
	take := func(e *format.Entry) error {
		got = append(got, e)
		return nil
	}
	require.NoError(t, r.answer(take))
	assert.Empty(t, got, "nothing came for as long as Redis waited")
	require.NoError(t, r.answer(take))
	assert.Equal(t, []*format.Entry{{ID: "1-0", UID: "u", Namespace: "/", Type: "3", Data: []byte("{}")}, {ID: "2-0"}}, got)
	err := r.answer(take)
	assert.True(t, isReply(err), "%v", err)
	assert.Error(t, r.answer(take))
}

func TestEntryReader_OtherThanEntries_IsAnError(t *testing.T) {
	for _, words := range []string{
		":1\r\n", "*2\r\n", "*1\r\n*3\r\n", "*1\r\n*2\r\n:1\r\n", "*1\r\n*2\r\n$1\r\ns\r\n$1\r\n", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*1\r\n",
		"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\na\r\n",
	} {
		require.Error(t, saidEntries(words).answer(func(*format.Entry) error { return nil }), "%q", words)
	}
	err := saidEntries(twoEntries).answer(func(*format.Entry) error { return errUnexpected })
	require.ErrorIs(t, err, errUnexpected)
}

func FuzzEntryReader(f *testing.F) {
	f.Add([]byte(twoEntries))
	f.Add([]byte("*-1\r\n"))
	f.Fuzz(func(_ *testing.T, words []byte) {
		r := saidEntries(string(words))
		for {
			if err := r.answer(func(*format.Entry) error { return nil }); err != nil && !isReply(err) {
				return
			}
		}
	})
}

func TestAppendAdd_Frame_IsACommand(t *testing.T) {
	f := &format.Frame{
		Channel: "s", Entry: &format.Entry{UID: "u", Namespace: "/", Type: "3"}, Payload: []byte("\r\n\x00"),
	}
	for _, private := range []bool{false, true} {
		field := "nsp"
		if private {
			field, f.Entry.Namespace, f.Entry.Private = "actio", "", "/"
		}
		command, err := readCommand(bufio.NewReader(bytes.NewReader(appendAdd(nil, 100, f))))
		require.NoError(t, err)
		assert.Equal(t, []string{
			"XADD", "s", "MAXLEN", "~", "100", "*", "uid", "u", field, "/", "type", "3", "data", "\r\n\x00",
		}, command)
	}
}

func BenchmarkEntryReader(b *testing.B) {
	text := "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$15\r\n1526919030474-0\r\n*8\r\n$3\r\nuid\r\n$16\r\n0123456789abcdef\r\n" +
		"$3\r\nnsp\r\n$1\r\n/\r\n$4\r\ntype\r\n$1\r\n3\r\n$4\r\ndata\r\n$100\r\n" + strings.Repeat("x", 100) + "\r\n"
	r := entryReader{reader{bufio.NewReaderSize(&repeated{text: text}, newsBuffer)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.answer(func(*format.Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
