package link

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// said is a listener to what Redis says, byte by byte or all at once.
func said(words string, slowly bool) *listener {
	var from io.Reader = strings.NewReader(words)
	if slowly {
		from = iotest.OneByteReader(from)
	}
	return &listener{reader: reader{bufio.NewReaderSize(from, 64)}}
}

func TestListener_News_AreRead(t *testing.T) {
	long := strings.Repeat("x", 1000)
	words := "+PONG\r\n" +
		"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" +
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n" +
		"*2\r\n$4\r\npong\r\n$0\r\n\r\n" +
		"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\n\r\n\x00\xff\r\n" +
		"*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$0\r\n\r\n" +
		"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1000\r\n" + long + "\r\n$1000\r\n" + long + "\r\n"
	for _, slowly := range []bool{false, true} {
		l := said(words, slowly)
		for _, want := range []news{
			{kind: newsPong},
			{kind: "subscribe", channel: "a"},
			{kind: "unsubscribe"},
			{kind: newsPong},
			{kind: newsMessage, channel: "a", payload: []byte("\r\n\x00\xff")},
			{kind: newsMessage, channel: "a", payload: []byte{}},
			{kind: newsMessage, channel: long, payload: []byte(long)},
		} {
			got, err := l.next()
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
		_, err := l.next()
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestListener_LargePayload_IsRead(t *testing.T) {
	large := strings.Repeat("x", takenOnTrust+1)
	got, err := said("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1048577\r\n"+large+"\r\n", false).next()
	require.NoError(t, err)
	assert.Equal(t, large, string(got.payload))
	_, err = said("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1048577\r\nx", false).next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestListener_Payloads_AreTheReceivers(t *testing.T) {
	l := said(strings.Repeat("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n", 2), false)
	first, err := l.next()
	require.NoError(t, err)
	first.payload[0] = 'c'
	second, err := l.next()
	require.NoError(t, err)
	assert.Equal(t, "b", string(second.payload))
}

func TestListener_Refusal_IsWhatRedisSaidAndNotTheEnd(t *testing.T) {
	l := said("-NOPERM no\r\n+PONG\r\n", false)
	_, err := l.next()
	require.EqualError(t, err, "NOPERM no")
	assert.True(t, isReply(err) && isRefusal(err))
	got, err := l.next()
	require.NoError(t, err)
	assert.Equal(t, newsPong, got.kind)
}

func TestListener_OtherWords_AreNoAnswerOfRedis(t *testing.T) {
	for _, words := range []string{
		"\r\n", "+OK\r\n", ":1\r\n", "*3\n", "*x\r\n", "*1\r\n$4\r\npong\r\n", "*5\r\n$7\r\nmessage\r\n", "*3\r\n:1\r\n", "*3\r\n$x\r\n",
		"*3\r\n$-2\r\n", "*3\r\n$7\r\nunknown\r\n", "*4\r\n$7\r\nmessage\r\n", "*3\r\n$7\r\nmessageXX", "*3\r\n$7\r\nmessage\r\n*0\r\n",
		"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$99999999999\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n$1\r\n1\r\n", strings.Repeat("x", 100),
	} {
		_, err := said(words, false).next()
		require.Error(t, err, "%q", words)
		assert.False(t, isReply(err), "%q", words)
	}
}

func TestListener_BrokenAnywhere_IsAnError(t *testing.T) {
	whole := "*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$3\r\nabc\r\n"
	for n := range len(whole) {
		_, err := said(whole[:n], false).next()
		require.Error(t, err, "after %d bytes", n)
		assert.False(t, isReply(err))
	}
}

func FuzzListener(f *testing.F) {
	f.Add([]byte("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"))
	f.Add([]byte("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n-ERR\r\n"))
	f.Fuzz(func(_ *testing.T, words []byte) {
		l := said(string(words), false)
		for {
			if _, err := l.next(); err != nil && !isReply(err) {
				return
			}
		}
	})
}

func TestAppendPublish_Frame_IsACommand(t *testing.T) {
	for verb, sharded := range map[string]bool{"publish": false, "spublish": true} {
		command, err := readCommand(bufio.NewReader(bytes.NewReader(appendPublish(nil, sharded, "a", []byte("\r\n\x00")))))
		require.NoError(t, err)
		assert.Equal(t, []string{verb, "a", "\r\n\x00"}, command)
	}
}

// repeated reads the same again and again.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func TestListener_Message_AllocatesItsPayloadOnly(t *testing.T) {
	l := &listener{reader: reader{bufio.NewReaderSize(&repeated{
		text: "*4\r\n$8\r\npmessage\r\n$12\r\nsocket.io#/#\r\n$12\r\nsocket.io#/#\r\n$5\r\nhello\r\n",
	}, newsBuffer)}}
	read := func() {
		_, err := l.next()
		require.NoError(t, err)
	}
	read()
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, read), 1.0)
}

func BenchmarkListener(b *testing.B) {
	l := &listener{reader: reader{bufio.NewReaderSize(&repeated{
		text: "*4\r\n$8\r\npmessage\r\n$12\r\nsocket.io#/#\r\n$12\r\nsocket.io#/#\r\n$100\r\n" + strings.Repeat("x", 100) + "\r\n",
	}, newsBuffer)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.next(); err != nil {
			b.Fatal(err)
		}
	}
}
