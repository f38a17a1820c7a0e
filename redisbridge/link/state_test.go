package link

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

func TestReason_PasswordSetMeanwhile_SaysWhatKeepsItDown(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()}, format.Subscription{Name: "base"})
	for p := range StreamPart {
		require.NoError(t, l.Reason(p))
	}
	require.NoError(t, l.Reason(parts))
	fake.script(func([]string) string { return "-NOAUTH Authentication required.\r\n" })
	fake.hangUpAll()
	for p := range StreamPart {
		until(t, "no reason", func() bool { return l.Reason(p) != nil && strings.Contains(l.Reason(p).Error(), "NOAUTH") })
		assert.Equal(t, 1, h.count(p.String()+" down"), "one change")
	}
	fake.script(nil)
	for p := range StreamPart {
		until(t, "still down", func() bool { return l.Reason(p) == nil })
	}
}

func TestPartState_OtherReasons_AreLoggedOnceInAWhile(t *testing.T) {
	var s partState
	s.init()
	check := func(err error, changed, log bool) {
		t.Helper()
		gotChanged, gotLog := s.set(err)
		assert.Equal(t, changed, gotChanged)
		assert.Equal(t, log, gotLog)
	}
	one, two := errors.New("one"), errors.New("two")
	check(one, false, false)
	check(nil, false, false)
	check(one, true, true)
	check(two, false, false)
	s.logged = time.Now().Add(-2 * warnPause)
	check(two, false, false)
	check(one, false, true)
	check(two, false, false)
	check(nil, true, true)
}
