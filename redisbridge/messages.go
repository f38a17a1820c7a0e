package redisbridge

import (
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// late marks messages that nobody needs to hear of when the actor is gone.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

type (
	// opened says that the link is there. listening is closed when all that was wanted so far is on its list.
	opened struct {
		late
		listening chan struct{}
	}
	// hello makes this instance known to the others, and them to it.
	hello struct{ late }
	// reckon has the neighbours counted.
	reckon struct{ late }
	// addNamespace comes from AddNamespace, removeNamespace from RemoveNamespace, roomChanged from RoomChanged.
	addNamespace struct {
		late
		name string
	}
	removeNamespace struct {
		late
		name string
	}
	roomChanged struct {
		late
		namespace, room string
		present         bool
	}
	// leave says farewell; gone is closed when it is known what became of it.
	leave struct {
		late
		gone chan struct{}
	}
	// over comes from Close, behind all that came from the link.
	over struct {
		late
		done chan struct{}
	}
	// changed comes from the link: a connection is up (err is nil) or down.
	changed struct {
		late
		part link.Part
		err  error
	}
	// member is a Hello, Beat or Bye of a neighbour.
	member struct {
		late
		message *format.Message
	}
	// beatDue and peersDue come from the clock: we have to be heard, and who has not been heard of may be dead.
	beatDue  struct{ late }
	peersDue struct{ late }
	// listened says which namespaces somebody else listens to; nil when Redis did not say.
	listened struct {
		late
		heard map[string]bool
	}

	// begin makes a request one that answers are collected for.
	begin struct {
		late
		request *request
	}
	// expect is the number of instances that listen for a request.
	expect struct {
		late
		request   *request
		listeners int
	}
	// conclude ends a request with what has come.
	conclude struct {
		late
		request   *request
		unreached bool // nobody got it
	}
	// recounted is the number of instances that listen for a request, counted again.
	recounted struct {
		late
		request   *request
		listeners int
		err       error
	}
	// answered is an answer of a neighbour to some request.
	answered struct {
		late
		message *format.Message
	}

	// question is a request of a neighbour that has to wait for the Instance.
	question struct {
		late
		message *format.Message
	}
	// questionDone says that one has ended.
	questionDone struct{ late }
	// asking says that local sockets have been asked for a neighbour, askingDone that all have answered or the time is up.
	asking struct {
		late
		poll *poll
	}
	askingDone struct {
		late
		poll *poll
	}
)
