package redisbridge

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/redisbridge/format"
)

func TestAcks_AnswersBeforeTheCount_AreKept(t *testing.T) {
	var k acks
	assert.True(t, k.acknowledge(&format.Message{Socket: "~a", Event: event(`["early"]`)}))
	assert.True(t, k.acknowledge(&format.Message{Event: event(`["of Node.js"]`)}))
	assert.False(t, k.acknowledge(&format.Message{Socket: "~a", Event: event(`["again"]`)}))

	k.ask(&format.Message{Sender: "one", Count: 2, IDs: []string{"~a", "~b"}})
	k.ask(&format.Message{Count: 1})
	assert.Equal(t, 1, k.open(), "~b")

	got := k.responses(Missing{})
	assert.Len(t, got.Answers, 3)
	assert.Zero(t, got.Unanswered)
	assert.Equal(t, "~a", got.Answers[0].SocketID)
	assert.NoError(t, got.Answers[0].Err)
	assert.Equal(t, `"early"`, string(got.Answers[0].Args.Raw(0)))
	assert.Equal(t, Answer{SocketID: "~b", Err: ErrTimeout}, got.Answers[1])
	assert.Empty(t, got.Answers[2].SocketID)
}

func TestAcks_AnswersThatNobodyOwes_AreNoPartOfTheResult(t *testing.T) {
	var k acks
	for range 3 {
		k.acknowledge(&format.Message{Event: event(`["x"]`)})
	}
	k.acknowledge(&format.Message{Socket: "~made up", Event: event(`["x"]`)})
	k.ask(&format.Message{Count: 1})
	assert.Zero(t, k.open())
	assert.Len(t, k.responses(Missing{}).Answers, 1)
}
