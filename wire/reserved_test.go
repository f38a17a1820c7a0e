package wire_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/wire"
)

func TestIsReserved_OnlyTheNamesOfTheProtocol(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		assert.True(t, wire.IsReserved(name), name)
	}
	for _, name := range []string{"", "error", "Connect", "connection", "newlistener", "message"} {
		assert.False(t, wire.IsReserved(name), name)
	}
}
