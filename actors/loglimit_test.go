package actors_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors"
)

func TestLogLimit_ManyAtOnce_TenThenOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l actors.LogLimit
		allowed := func(tries int) int {
			var n atomic.Int64
			var all sync.WaitGroup
			for range tries {
				all.Go(func() {
					if l.Allow() {
						n.Add(1)
					}
				})
			}
			all.Wait()
			return int(n.Load())
		}
		assert.Equal(t, 10, allowed(100))
		time.Sleep(time.Second - 1)
		assert.Equal(t, 0, allowed(100))
		time.Sleep(1)
		assert.Equal(t, 1, allowed(100))
		time.Sleep(5 * time.Second)
		assert.Equal(t, 5, allowed(100))
		time.Sleep(time.Hour)
		assert.Equal(t, 10, allowed(100))
	})
}
