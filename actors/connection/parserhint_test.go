package connection

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestForeigners_OfManyAddresses_AreToldOfNowAndThenAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, next := new(foreigners), netip.MustParseAddr("192.0.2.1")
		told := 0
		for range 100 { // at once
			if f.first(next) {
				told++
			}
			next = next.Next()
		}
		assert.Equal(t, 10, told, "the rest would flood the log")
		for range mostForeign + 100 {
			time.Sleep(time.Second)
			assert.True(t, f.first(next))
			assert.False(t, f.first(next), "it was told of")
			next = next.Next()
		}
		assert.LessOrEqual(t, len(f.known), mostForeign)
		time.Sleep(time.Second)
		assert.True(t, f.first(netip.MustParseAddr("192.0.2.1")), "it was forgotten")
	})
}
