package connection

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClaim_AuthOfAConnect_IsReadOrLeftAlone(t *testing.T) {
	for auth, want := range map[string]*Claim{
		``:                                     nil,
		`{}`:                                   nil,
		`{"token":"t"}`:                        nil,
		`{"pid":""}`:                           nil,
		`{"pid":null,"offset":"o"}`:            nil,
		`{"pid":7,"offset":"o"}`:               nil,
		`{"pid":["p"],"offset":"o"}`:           nil,
		`{"pid":"p"}`:                          {PrivateID: "p"},
		`{"pid":"p","offset":null}`:            {PrivateID: "p"},
		`{"pid":"p","offset":"o","token":"t"}`: {PrivateID: "p", Offset: "o"},
		`{"pid":"p","offset":7}`:               {PrivateID: "p", Offset: "?"},
		`{"pid":"p","offset":{"offset":"\""}}`: {PrivateID: "p", Offset: "?"},
		`{"pid":"p","offset":"\u00e4\"\\ \ud83d\ude00"}`: {PrivateID: "p", Offset: "ä\"\\ 😀"},
	} {
		assert.Equal(t, want, claimOf([]byte(auth)), auth)
	}
}

func FuzzClaim(f *testing.F) {
	for _, auth := range []string{`{"pid":"p","offset":"o"}`, `{"pid":7}`, `{"offset":{}}`, `[]`, `{"pid":"p","pid":"q"}`, `{`, ``} {
		f.Add([]byte(auth))
	}
	f.Fuzz(func(t *testing.T, auth []byte) {
		c := claimOf(auth)
		if c == nil {
			return
		}
		if c.PrivateID == "" || !json.Valid(auth) {
			t.Errorf("%q is claimed by %q", c.PrivateID, auth)
		}
		said, err := json.Marshal(map[string]string{"pid": c.PrivateID, "offset": c.Offset})
		require.NoError(t, err)
		again := claimOf(said)
		require.NotNil(t, again)
		require.Equal(t, c.PrivateID, again.PrivateID)
		require.Equal(t, c.Offset, again.Offset)
	})
}

func TestPrivateID_IsLongAndNeverTheSame(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := newPrivateID()
		require.Len(t, id, 24)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestReason_OnlyTheLossOfATransport_IsRecoverable(t *testing.T) {
	var recoverable []Reason
	for r := ReasonNone; r <= ReasonCrash; r++ {
		if r.recoverable() {
			recoverable = append(recoverable, r)
		}
	}
	assert.Equal(t, []Reason{ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonForcedClose}, recoverable)
}
