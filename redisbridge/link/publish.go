package link

import "time"

// publish sends some parcels of a batch in one go and sets their fates. The error is that of the connection.
func (s *session) publish(l *Link, batch []parcel, which []int) error {
	if err := s.conn.check(); err != nil {
		for _, n := range which {
			batch[n].fate, batch[n].err = unsent, err
		}
		return err
	}
	before := s.conn.written.Load()
	failed := s.write(l, batch, which)
	sent := s.conn.written.Load() != before
	var broken error
	for _, n := range which {
		p := &batch[n]
		if failed == nil {
			p.err = s.confirm(p)
		} else {
			p.err = failed
		}
		switch {
		case p.err == nil:
			p.fate = confirmed
		case isReply(p.err):
			p.fate = s.judge(l, p.err)
			if p.fate == unsent && !isRedirection(p.err) {
				broken = p.err
			}
		default:
			failed, broken = p.err, p.err
			if p.fate = unsent; sent {
				p.fate = doubtful
			}
		}
	}
	return broken
}

// confirm reads what Redis answers to a frame.
func (s *session) confirm(p *parcel) (err error) {
	if p.frame.Entry == nil {
		p.receivers, err = s.answers.number(':')
		return err
	}
	p.frame.Entry.ID, err = s.answers.text("")
	return err
}

// write writes the frames. Their answers have to come within the same time.
func (s *session) write(l *Link, batch []parcel, which []int) error {
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	command := s.command[:0]
	for _, n := range which {
		f := &batch[n].frame
		if f.Entry != nil {
			command = appendAdd(command, l.o.Streams.maxLen(), f)
			continue
		}
		command = appendPublish(command, f.Sharded, f.Channel, f.Payload)
	}
	if s.command = command; cap(command) > keptCommand {
		s.command = nil
	}
	_, err := s.conn.Write(command)
	return err
}

// judge tells whether a frame that Redis answered with an error may be sent again. None of these was executed.
func (s *session) judge(l *Link, err error) fate {
	if isRedirection(err) {
		if l.topology != nil && hasReplyPrefix(err, "MOVED ") {
			l.topology.redirect(s.addr, err)
		}
		return unsent
	}
	if hasReplyPrefix(err, "CLUSTERDOWN", "TRYAGAIN", "LOADING", "MASTERDOWN", "READONLY", "NOAUTH", "BUSY ", "UNBLOCKED",
		"NOREPLICAS", "MISCONF") {
		return unsent
	}
	return refused
}

// isRedirection tells whether a node said that another one serves the slot.
func isRedirection(err error) bool { return hasReplyPrefix(err, "MOVED ", "ASK ") }
