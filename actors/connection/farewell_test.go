package connection

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFarewell_Polling_TheClosePacketTravelsAlone(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		emitText(t, s, FlagNone, "news")
		s.Disconnect(true)
		assert.Equal(t, `42["news"] 41`, r.get())
		assert.False(t, r.session.ended())
		assert.Equal(t, "1", r.get())
		assert.True(t, r.session.ended())
	})
}

func TestFarewell_PostMeanwhile_IsTakenAndDropped(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		s.Disconnect(true)
		_, refusal := r.post(`42["late"]`, `42["later"]`).Answer()
		assert.Nil(t, refusal, "a client whose POST is refused reads no farewell")
		assert.Equal(t, "41", r.get())
		assert.Equal(t, []string{"disconnected forced server close"}, r.app.told())
	})
}

func TestFarewell_ClientClosesMeanwhile_EndsAtOnce(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		s.Disconnect(true)
		assert.Equal(t, "41", r.get())
		r.post("1")
		assert.True(t, r.session.ended())
		assert.Equal(t, "Session ID unknown", r.get())
	})
}
