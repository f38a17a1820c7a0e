package roomregistry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkHistory_Missed asks a history that is full of small events for what a socket in two rooms has missed. No broadcast
// goes out meanwhile.
func BenchmarkHistory_Missed(b *testing.B) {
	const events = 155_000
	h := newEventLog(HistoryOptions{Age: time.Hour})
	now := time.Now()
	for i := range events {
		h.remember(h.number(event(b, i, Broadcast{Rooms: []string{[]string{"a", "b"}[i%2]}})), now)
	}
	require.Zero(b, h.gone)
	for name, row := range map[string]struct {
		after uint64
		err   error
	}{
		"the last 100": {after: events - 100},
		"too much":     {err: ErrHistoryTooMuch},
	} {
		b.Run(name, func(b *testing.B) {
			r := &Restore{
				Member: &Member{Namespace: "/", SocketID: "id"}, Rooms: []string{"a", "b"}, After: row.after,
				MaxBytes: 768 << 10, EachBytes: 128,
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.missed(r); err != row.err { //nolint:errorlint // it is returned as it is
					b.Fatal(err)
				}
			}
		})
	}
}
