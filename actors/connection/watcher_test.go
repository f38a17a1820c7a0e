package connection

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

func TestWatch_WhatGoesOut_IsToldInOrder(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		var told []string
		r.post("40")
		r.app.sockets[0].Watch(func(name string, _ wire.Args) { told = append(told, name) })
		r.post(`42["authenticate"]`, "420[\"asked\"]")
		s := r.app.sockets[0]
		emitText(t, s, FlagNone, "one")
		emitText(t, s, FlagVolatile, "dropped: no GET waits")
		m, err := wire.EncodeEvent("/", "all")
		require.NoError(t, err)
		r.registry.Broadcast(&roomregistry.Broadcast{Namespace: "/", Message: m})
		synctest.Wait()
		r.get()
		assert.Equal(t, []string{"authenticated", "ping", "one", "all"}, told)
		s.Watch(nil)
		emitText(t, s, FlagNone, "unseen")
		synctest.Wait()
		r.get()
		assert.Len(t, told, 4)
	})
}

func TestWatch_TooSlow_MissesAndIsCountedWhileTheClientGetsAll(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		release, told := make(chan struct{}), 0
		s.Watch(func(string, wire.Args) {
			<-release
			told++
		})
		const events = 30
		got := 0
		for range events { // of 100 bytes: QueueBytes is 1000
			emitText(t, s, FlagNone, "n", strings.Repeat("x", 90))
			got += strings.Count(r.get(), `42["n"`)
		}
		assert.Equal(t, events, got)
		close(release)
		synctest.Wait()
		assert.Positive(t, told)
		assert.Equal(t, uint64(events-told), r.env.Counters.OutgoingUnseen.Load())
		emitText(t, s, FlagNone, "n")
		synctest.Wait()
		assert.Contains(t, r.get(), `42["n"]`)
		assert.Equal(t, events+1, told+int(r.env.Counters.OutgoingUnseen.Load()))
	})
}

func TestWatch_Panics_IsCaughtAndTheRestIsStillTold(t *testing.T) {
	inBubble(t, func(o *Options) { o.SurvivePanics = true }, func(r *rig) {
		s := connectFreely(r)
		told := 0
		s.Watch(func(string, wire.Args) {
			told++
			if told == 1 {
				panic("user code")
			}
		})
		emitText(t, s, FlagNone, "one")
		emitText(t, s, FlagNone, "two")
		synctest.Wait()
		r.get()
		assert.Equal(t, 2, told)
		assert.EqualValues(t, 1, r.env.Counters.HandlerPanics.Load())
		assert.False(t, s.Closed())
	})
}
