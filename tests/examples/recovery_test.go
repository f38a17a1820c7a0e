package examples_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRecovery_ConnectionIsLost_WhatWasMissedIsReceived(t *testing.T) {
	assert.Equal(t, `received: Ann is here
connection lost: transport close
recovered: true - the same socket: true
received: Bob is here
`, run(t, build(t, "recovery")))
}
