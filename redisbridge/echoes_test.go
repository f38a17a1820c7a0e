package redisbridge

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/redisbridge/format"
)

const stream = "socket.io"

func id(ms uint64) format.EntryID { return format.EntryID{Milliseconds: ms} }

// isClosed tells whether a wait is over.
func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// confirm notes that Redis has added an event.
func confirm(e *echoes, ms uint64) (one *echo, awaited, skipped bool) {
	one = e.begin(&format.Message{Kind: format.Broadcast}, nil)
	awaited, skipped = e.confirmed(one, stream, id(ms).String())
	return one, awaited, skipped
}

// awaited confirms an event and wants it to be awaited.
func awaited(t *testing.T, e *echoes, ms uint64) *echo {
	t.Helper()
	one, awaited, skipped := confirm(e, ms)
	assert.True(t, awaited)
	assert.False(t, skipped)
	return one
}

// readBack reads an own entry of the stream, and wants no other to be pushed out before it.
func readBack(t *testing.T, e *echoes, ms uint64) {
	t.Helper()
	assert.Empty(t, e.before(stream, id(ms).String()))
	e.own(stream, id(ms).String())
	assert.Empty(t, e.read(stream, id(ms).String()))
}

func TestEchoes_ConfirmedBehindTheReader_WerePushedOut(t *testing.T) {
	var e echoes
	e.seek(stream)
	e.found(stream, id(5), false)
	_, awaited, skipped := confirm(&e, 3)
	assert.False(t, awaited)
	assert.True(t, skipped)
}

// TestEchoes_ConfirmedWhileTheEndIsSought_AreAwaitedUntilItIsFound: a stream that has gone back has its events behind what was
// read of the old one. Nobody knows before the end is found which of them will be read.
func TestEchoes_ConfirmedWhileTheEndIsSought_AreAwaitedUntilItIsFound(t *testing.T) {
	var e echoes
	e.found(stream, id(50), false)
	e.seek(stream)
	before, behind := awaited(t, &e, 3), awaited(t, &e, 4)
	assert.Equal(t, []*echo{before}, e.found(stream, id(3), true), "it is no more read")
	assert.True(t, e.some())
	e.settle(before)
	readBack(t, &e, 4)
	assert.True(t, behind.read)
	assert.False(t, e.some())
}

func TestEchoes_ConfirmedWhileTheEndIsSoughtInVain_WerePushedOut(t *testing.T) {
	var e echoes
	e.found(stream, id(5), false)
	e.seek(stream)
	pushedOut, behind := awaited(t, &e, 3), awaited(t, &e, 6)
	e.seek(stream) // the first time the connection broke
	assert.Equal(t, []*echo{pushedOut}, e.found(stream, id(5), false), "the stream is as it was")
	readBack(t, &e, 6)
	assert.True(t, behind.read)
}

func TestEchoes_ReadAndConfirmedWhileTheEndIsSought_AreNotAwaited(t *testing.T) {
	var e echoes
	e.found(stream, id(5), false)
	readBack(t, &e, 6)
	e.seek(stream)
	_, awaited, skipped := confirm(&e, 6)
	assert.False(t, awaited)
	assert.False(t, skipped)
}

// TestEchoes_StreamGoesBack_WhatWasAddedBeforeIsLostInItsOrder: the order of ids is none then.
func TestEchoes_StreamGoesBack_WhatWasAddedBeforeIsLostInItsOrder(t *testing.T) {
	var e echoes
	e.found(stream, id(5), false)
	first, second := awaited(t, &e, 7), awaited(t, &e, 8)
	e.seek(stream)
	third, fourth, fifth := awaited(t, &e, 2), awaited(t, &e, 9), awaited(t, &e, 4)
	assert.Equal(t, []*echo{first, second, third}, e.found(stream, id(2), true))
	sixth := awaited(t, &e, 3)
	for _, one := range []*echo{sixth, fifth, fourth} { // it is read from there on
		readBack(t, &e, one.id.Milliseconds)
		assert.True(t, one.read)
	}
}

func TestPassage_StreamIsReadOn_EndsAtItsID(t *testing.T) {
	var e echoes
	e.found(stream, id(5), false)
	assert.True(t, isClosed(e.passed(stream, 0, id(5)).done))
	p, left := e.passed(stream, 0, id(7)), e.passed(stream, 0, id(7))
	e.forget(left)
	assert.Len(t, e.passing, 1, "nobody waits for the other")
	e.read(stream, "6-0")
	e.read("other", "9-0")
	assert.False(t, isClosed(p.done))
	e.read(stream, "7-0")
	assert.True(t, isClosed(p.done))
	assert.False(t, p.gone)
	assert.False(t, isClosed(left.done))
	assert.Empty(t, e.passing)
}

func TestPassage_StreamGoesBack_IsGone(t *testing.T) {
	var e echoes
	e.found(stream, id(5), false)
	p, other := e.passed(stream, e.epoch(stream), id(7)), e.passed("other", e.epoch("other"), id(7))
	before := e.epoch(stream)
	e.seek(stream)
	e.found(stream, id(2), true)
	assert.True(t, isClosed(p.done))
	assert.True(t, p.gone)
	assert.False(t, isClosed(other.done))
	late := e.passed(stream, before, id(1)) // it had looked before
	assert.True(t, isClosed(late.done))
	assert.True(t, late.gone)
}
