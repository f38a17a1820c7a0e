package actors

import (
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
)

const (
	// InlineMessages is how many messages a sender handles at most.
	InlineMessages = inlineMessages
	// YieldAfter is how many messages an actor's goroutine handles before it yields.
	YieldAfter = yieldAfter
	// SegmentSize is how many messages a piece of a queue holds.
	SegmentSize = segmentSize
	// ReapPeriod is how often parked workers are looked at.
	ReapPeriod = reapPeriod
	// MailboxBytes is what an idle mailbox weighs: the mailbox and its bound method.
	MailboxBytes = unsafe.Sizeof(mailbox{}) + 2*unsafe.Sizeof(uintptr(0))
)

// Captured are the mailboxes made with an option of Capture.
type Captured struct{ boxes []*mailbox }

// Capture makes an option like Inline or Queued that remembers the mailboxes it makes.
func Capture(inline bool) (actor.PropsOption, *Captured) {
	c := &Captured{}
	k := &kind{inline: inline}
	return actor.WithMailbox(func() actor.Mailbox {
		m := &mailbox{kind: k, running: true}
		c.boxes = append(c.boxes, m)
		return m
	}), c
}

// Holds reports whether the mailbox holds memory for messages. It must be idle.
func (c *Captured) Holds() bool {
	m := c.boxes[0]
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.head != nil || m.system.head != nil || m.batch.head != nil
}

// Count returns how many messages the mailbox counts.
func (c *Captured) Count() int { return c.boxes[0].UserMessageCount() }
