package connection

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTally_StripesOfManyGoroutines_AreSummed(t *testing.T) {
	var tally Tally
	var counting sync.WaitGroup
	for stripe := range 256 {
		counting.Go(func() {
			for range 10 {
				tally.Add(uint8(stripe), 3)
			}
		})
	}
	counting.Wait()
	assert.EqualValues(t, 256*10*3, tally.Load())
}
