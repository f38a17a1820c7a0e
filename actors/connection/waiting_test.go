package connection

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/transport"
)

func TestHandedOver_End_ClosesDoneForThoseWhoAskedBeforeAndAfter(t *testing.T) {
	var before, after handedOver
	done := before.done()
	select {
	case <-done:
		t.Fatal("closed before the end")
	default:
	}
	before.end()
	after.end()
	<-done
	<-before.done()
	<-after.done()
	assert.True(t, after.isOver())
}

func TestHandedOver_End_RefusesWhatWaitsAndWhatComesLater(t *testing.T) {
	var h handedOver
	waiting, answered, late := new(transport.Poll), new(transport.Poll), new(transport.Poll)
	assert.True(t, h.poll(answered))
	answered.Respond([]byte("6"))
	assert.True(t, h.poll(waiting))
	assert.Len(t, h.links, 1, "an answered GET is let go of")
	h.end()
	assert.False(t, h.poll(late))
	assert.Equal(t, "6", describe(answered))
	assert.Equal(t, "Session ID unknown", describe(waiting))
	assert.Equal(t, "Session ID unknown", describe(late))
}
