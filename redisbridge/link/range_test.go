package link

import (
	"bufio"
	"bytes"
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

const entriesInRange = "*2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$3\r\nuid\r\n$1\r\nu\r\n$4\r\ndata\r\n$2\r\n{}\r\n*2\r\n$3\r\n2-0\r\n*0\r\n"

func TestEntryReader_Entries_AreThoseOfTheRange(t *testing.T) {
	r := saidEntries(entriesInRange + "*0\r\n-LOADING\r\n")
	got, err := r.entries(2)
	require.NoError(t, err)
	assert.Equal(t, []*format.Entry{{ID: "1-0", UID: "u", Data: []byte("{}")}, {ID: "2-0"}}, got)
	got, err = r.entries(2)
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = r.entries(2)
	assert.True(t, isReply(err), "%v", err)
}

func TestEntryReader_EntriesOtherThanAskedFor_BreakTheConnection(t *testing.T) {
	for _, words := range []string{entriesInRange, "*-1\r\n", ":1\r\n", "*1\r\n*2\r\n$3\r\n1-0\r\n-ERR\r\n", "*1\r\n*3\r\n", "*1\r\n"} {
		_, err := saidEntries(words).entries(1)
		require.Error(t, err, "%q", words)
		assert.False(t, isReply(err), "what follows would be taken for the next answer: %q", words)
	}
}

func TestAppendRange_Range_IsACommand(t *testing.T) {
	r := &Range{
		Stream: "s", First: format.EntryID{Milliseconds: 1, Sequence: 2}, Last: format.EntryID{Milliseconds: 3, Sequence: 4}, Count: 5,
	}
	for latest, want := range map[bool][]string{
		false: {"XRANGE", "s", "1-2", "3-4", "COUNT", "5"}, true: {"XREVRANGE", "s", "3-4", "1-2", "COUNT", "5"},
	} {
		r.Latest = latest
		command, err := readCommand(bufio.NewReader(bytes.NewReader(appendRange(nil, r))))
		require.NoError(t, err)
		assert.Equal(t, want, command)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(entriesInRange))
	f.Add([]byte("*0\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*-1\r\n"))
	f.Fuzz(func(t *testing.T, words []byte) {
		const most = 10
		r := saidEntries(string(words))
		for {
			entries, err := r.entries(most)
			if err != nil && !isReply(err) {
				return
			}
			assert.LessOrEqual(t, len(entries), most)
		}
	})
}

// TestRun_RangesThatHaveNoAnswer_KeepNobodyWaiting: sessions are read while many clients read what they have missed.
func TestRun_RangesThatHaveNoAnswer_KeepNobodyWaiting(t *testing.T) {
	fake := startFake(t)
	asked := make(chan struct{}, rangers)
	fake.script(func(command []string) string {
		switch command[0] {
		case "xrevrange":
			return "*0\r\n"
		case "xread":
			return noAnswer
		case "xrange":
			asked <- struct{}{}
			return noAnswer
		case "get":
			return "$5\r\nvalue\r\n"
		default:
			return ""
		}
	})
	l, _ := openFake(t, Options{Client: fake.client(), CommandTimeout: patience, Streams: &Streams{
		Names: []string{"s"}, Entry: func(string, *format.Entry) {},
	}})
	ctx, cancel := context.WithCancel(t.Context())
	const many = 20
	failed := make(chan error, many)
	for range many {
		go func() {
			_, err := l.Range(ctx, Range{Stream: "s", Count: 1})
			failed <- err
		}()
	}
	for range rangers {
		<-asked
	}
	require.NoError(t, l.Run(t.Context(), "k", func(ctx context.Context, conn *redis.Conn) error {
		got, err := conn.Get(ctx, "k").Result()
		assert.Equal(t, "value", got)
		return err
	}))
	cancel()
	for range many {
		require.ErrorIs(t, <-failed, context.Canceled)
	}
}
