package link

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// scripted is a connection that takes what is written up to a number of bytes, and says what it is to say.
type scripted struct {
	net.Conn

	room int
	says io.Reader
}

func (c *scripted) SetDeadline(time.Time) error { return nil }

func (c *scripted) Read(b []byte) (int, error) { return c.says.Read(b) }

func (c *scripted) Write(b []byte) (int, error) {
	if n := min(len(b), c.room); n < len(b) {
		return n, net.ErrClosed
	}
	return len(b), nil
}

func scriptedSession(c *scripted) *session {
	tracked := &trackedConn{Conn: c}
	return &session{conn: tracked, answers: reader{bufio.NewReaderSize(tracked, replyBuffer)}}
}

func parcels(n int) []parcel {
	batch := make([]parcel, n)
	for i := range batch {
		batch[i].frame = format.Frame{Channel: "socket.io#/#", Payload: []byte(strings.Repeat("x", 100))}
	}
	return batch
}

func TestPublish_WhatIsAnswered_DecidesTheFates(t *testing.T) {
	for name, c := range map[string]struct {
		room   int
		says   string
		want   []fate
		broken bool
	}{
		"all":             {1 << 20, ":1\r\n:0\r\n:2\r\n", []fate{confirmed, confirmed, confirmed}, false},
		"refused":         {1 << 20, ":1\r\n-NOPERM no\r\n:2\r\n", []fate{confirmed, refused, confirmed}, false},
		"redirected":      {1 << 20, ":1\r\n-MOVED 1 a:1\r\n:2\r\n", []fate{confirmed, unsent, confirmed}, false},
		"not now":         {1 << 20, "-LOADING\r\n:1\r\n:2\r\n", []fate{unsent, confirmed, confirmed}, true},
		"broken between":  {1 << 20, ":1\r\n:2", []fate{confirmed, doubtful, doubtful}, true},
		"no number":       {1 << 20, ":1\r\n+OK\r\n:2\r\n", []fate{confirmed, doubtful, doubtful}, true},
		"broken at once":  {1 << 20, "", []fate{doubtful, doubtful, doubtful}, true},
		"partly written":  {1, ":1\r\n:1\r\n:1\r\n", []fate{doubtful, doubtful, doubtful}, true},
		"nothing written": {0, "", []fate{unsent, unsent, unsent}, true},
	} {
		t.Run(name, func(t *testing.T) {
			batch := parcels(3)
			s := scriptedSession(&scripted{room: c.room, says: strings.NewReader(c.says)})
			err := s.publish(&Link{}, batch, []int{0, 1, 2})
			assert.Equal(t, c.broken, err != nil, "%v", err)
			for i, want := range c.want {
				assert.Equal(t, want, batch[i].fate, "frame %d", i)
			}
		})
	}
}

func TestPublish_Batch_AllocatesNothing(t *testing.T) {
	s := scriptedSession(&scripted{room: 1 << 20, says: &repeated{text: ":1\r\n"}})
	batch, all := parcels(10), numbers(0, 10)
	publish := func() { require.NoError(t, s.publish(&Link{}, batch, all)) }
	publish()
	assert.Zero(t, testing.AllocsPerRun(100, publish))
}

func BenchmarkPublish(b *testing.B) {
	s := scriptedSession(&scripted{room: 1 << 20, says: &repeated{text: ":1\r\n"}})
	batch, all := parcels(1), numbers(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.publish(&Link{}, batch, all); err != nil {
			b.Fatal(err)
		}
	}
}
