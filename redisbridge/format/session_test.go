package format_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

func TestSession_Captured_IsReadAndWrittenAsItIs(t *testing.T) {
	for _, c := range streamCommands(t) {
		if c.words[0] != "SET" {
			continue
		}
		s, err := format.DecodeSession([]byte(c.words[2]))
		require.NoError(t, err)
		data, err := resolved(s.Data)
		require.NoError(t, err)
		assert.Equal(t, `{"n":1}`, data)
		assert.Equal(t, format.Session{
			ID: "plYNE40RxYJvWdheAAAC", PID: "6Zamibp8J2Eqz-gQAAAD", Rooms: []string{"plYNE40RxYJvWdheAAAC", "rB"}, Data: s.Data,
		}, *s)
		again, err := format.EncodeSession(s)
		require.NoError(t, err)
		assert.Equal(t, c.words[2], string(again))
		return
	}
	t.Fatal("no session was captured")
}

func TestSession_OfActio_ComesBackWithAllThatItHas(t *testing.T) {
	want := &format.Session{
		ID: "s", PID: "p", Rooms: []string{"s", "r"}, Namespace: "/chat", User: "u",
		Expires: time.UnixMilli(1_700_000_000_000), Holder: "0123456789abcdef00000001",
		Data: event(`{"huge":1e400,"bin":`+one+`}`, []byte{1}, []byte{2}),
	}
	text, err := format.EncodeSession(want)
	require.NoError(t, err)
	assert.Equal(t, format.HolderText(want.Holder), string(text[format.HolderAt:])[:len(format.HolderText(want.Holder))])
	got, err := format.DecodeSession(text)
	require.NoError(t, err)
	data, err := resolved(got.Data)
	require.NoError(t, err)
	assert.Equal(t, `{"huge":1e400,"bin":<02>}`, data)
	got.Data = want.Data
	assert.Equal(t, want, got)
}

func TestSession_Holder_StandsAtTheSamePlaceWhateverElseThereIs(t *testing.T) {
	for _, holder := range []string{"0123456789abcdef00000001", "zzzzzzzzzzzzzzzzffffffff"} {
		for _, s := range []format.Session{
			{ID: "s", PID: "p"},
			{ID: "s", PID: "p", Namespace: "/"},
			{ID: "longer", PID: "p", User: "u", Expires: time.UnixMilli(1)},
			{ID: "s", PID: "p", Rooms: []string{"a", "b"}, Data: event(`{"huge":1e400}`)},
		} {
			s.Holder = holder
			text, err := format.EncodeSession(&s)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(text[format.HolderAt:]), format.HolderText(holder)))
			got, err := format.DecodeSession(text)
			require.NoError(t, err)
			assert.Equal(t, holder, got.Holder)
		}
	}
	_, err := format.EncodeSession(&format.Session{ID: "s", PID: "p", Holder: "short"})
	require.ErrorIs(t, err, format.ErrMalformed)
}

func TestDecodeSession_Garbage_IsMalformed(t *testing.T) {
	for _, text := range []string{"", "{}", "!!", "gA==", "gaNzaWShYQ==", "kA==", "wQ=="} {
		_, err := format.DecodeSession([]byte(text))
		assert.ErrorIs(t, err, format.ErrMalformed, text)
	}
}

func FuzzDecodeSession(f *testing.F) {
	for _, c := range streamCommands(f) {
		if c.words[0] == "SET" {
			f.Add([]byte(c.words[2]))
		}
	}
	held, err := format.EncodeSession(&format.Session{ID: "s", PID: "p", Holder: "0123456789abcdef00000001"})
	require.NoError(f, err)
	f.Add(held)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := format.DecodeSession(text)
		if err != nil {
			require.ErrorIs(t, err, format.ErrMalformed)
			return
		}
		if _, _, err := s.Data.JSON(); err != nil {
			require.ErrorIs(t, err, format.ErrMalformed)
			return
		}
		again, err := format.EncodeSession(s)
		require.NoError(t, err)
		got, err := format.DecodeSession(again)
		require.NoError(t, err)
		require.Equal(t, s.ID, got.ID)
		require.Equal(t, s.Holder, got.Holder)
		require.Equal(t, s.Rooms, got.Rooms)
	})
}
