package connection

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

const (
	textClosed  = "actio: socket closed"
	textTooMany = "actio: too many pending acknowledgements: at most 2"
	textFull    = "actio: inbox full while awaiting an acknowledgement"
)

func TestAsk_SomeAnswerSomeEndSomeAreSilent_EachIsToldOnce(t *testing.T) {
	party(t, 4, nil, func(all []*rig, sockets []*Socket) {
		a := all[0].ask()
		a.is(t, sockets, nil)
		for _, o := range all[:3] {
			assert.Equal(t, fmt.Sprintf(`42%d["ask"]`, a.id), o.get())
		}
		all[0].post(fmt.Sprintf(`43%d["zero"]`, a.id))
		all[1].post(fmt.Sprintf(`43%d["one"]`, a.id), "41") // the answer came before the end
		all[2].post("41", fmt.Sprintf(`43%d["late"]`, a.id))
		want := map[*Socket]string{sockets[0]: `"zero"`, sockets[1]: `"one"`, sockets[2]: textClosed}
		a.is(t, sockets, want)
		all[0].post(fmt.Sprintf(`43%d["again"]`, a.id))
		assert.EqualValues(t, 1, all[0].env.Counters.AcksUnknown.Load())
		a.cancel()
		a.cancel()
		nothingPending(t, all[3].session)
		all[3].post(fmt.Sprintf(`43%d["after cancel"]`, a.id))
		a.is(t, sockets, want)
		assert.EqualValues(t, 2, all[0].env.Counters.AcksUnknown.Load())
	})
}

func TestAsk_EveryWayToEnd_IsErrClosed(t *testing.T) {
	for name, end := range map[string]func(r *rig, s *Socket){
		"disconnect":        func(_ *rig, s *Socket) { s.Disconnect(false) },
		"whole":             func(_ *rig, s *Socket) { s.Disconnect(true) },
		"session closed":    func(r *rig, _ *Socket) { r.session.Close(ReasonServerShutdown) },
		"aborted":           func(r *rig, _ *Socket) { r.session.tell(&Abort{Reason: ReasonTransportClose}) },
		"client leaves":     func(r *rig, _ *Socket) { r.post("41") },
		"client closes":     func(r *rig, _ *Socket) { r.post("1") },
		"protocol broken":   func(r *rig, _ *Socket) { r.post("9") },
		"heartbeat missed":  func(*rig, *Socket) { time.Sleep(time.Minute) },
		"the actor crashed": func(r *rig, _ *Socket) { r.session.tell((*verdict)(nil)) },
		"the actor stopped": func(r *rig, _ *Socket) { _ = r.system.Stop(context.Background(), r.session.PID()) },
	} {
		t.Run(name, func(t *testing.T) {
			party(t, 2, nil, func(all []*rig, sockets []*Socket) {
				a := all[0].ask(sockets[1].ID())
				end(all[1], sockets[1])
				a.is(t, sockets[1:], map[*Socket]string{sockets[1]: textClosed})
				nothingPending(t, all[1].session)
			})
		})
	}
}

func TestAsk_SocketEndsAroundExpect_IsErrClosedInBothOrders(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		r, tell := all[0], &answers{got: map[string]string{}}
		a := &ask{env: r.env, id: r.env.nextAckID(), counted: tell.count, answered: tell.answer}
		a.Begin(2)
		a.Expect(sockets[0].member())
		sockets[0].Disconnect(false) // before the delivery
		sockets[1].Disconnect(false)
		synctest.Wait()
		a.Expect(sockets[1].member()) // which the shard does not know yet
		a.Expect(&roomregistry.Member{SocketID: "of somebody else"})
		a.Counted()
		synctest.Wait()
		assert.Zero(t, tell.counted, "before the last shard has counted")
		a.Counted()
		tell.is(t, sockets, map[*Socket]string{sockets[0]: textClosed, sockets[1]: textClosed})
		a.cancel()
		a.Expect(sockets[0].member()) // after cancel
		nothingPending(t, r.session)
	})
}

func TestAsk_MoreThanMaxPendingAcks_FailsForThatSocketAndIsNotSent(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		r := all[0]
		first := r.ask(sockets[0].ID())
		ctx, stop := context.WithCancel(context.Background())
		emitted := asking(ctx, t, sockets[0])
		assert.NotContains(t, r.get(), "…")
		third := r.ask()
		third.is(t, sockets, map[*Socket]string{sockets[0]: textTooMany})
		assert.Equal(t, "…", r.get(), "the event was not sent")
		_, err := asking(r.t.Context(), t, sockets[0])()
		require.ErrorIs(t, err, ErrTooManyAcks)
		first.cancel()
		again := r.ask(sockets[0].ID())
		again.is(t, sockets[:1], nil)
		stop()
		_, err = emitted()
		require.ErrorIs(t, err, context.Canceled)
		again.cancel()
		third.cancel()
		assert.Zero(t, sockets[0].asked.Load())
		assert.Zero(t, sockets[1].asked.Load())
	})
}

func TestAsk_AcknowledgementMadeUpBeforeTheEvent_IsUnknown(t *testing.T) {
	party(t, 1, nil, func(all []*rig, sockets []*Socket) {
		r, tell := all[0], &answers{got: map[string]string{}}
		a := &ask{env: r.env, id: r.env.nextAckID(), counted: tell.count, answered: tell.answer}
		a.Begin(1)
		a.Expect(sockets[0].member())
		a.Counted()
		r.post(fmt.Sprintf(`43%d["guess"]`, a.id))
		tell.is(t, sockets, nil)
		assert.EqualValues(t, 1, r.env.Counters.AcksUnknown.Load())
		a.cancel()
	})
}

func TestAsk_AskedClientFloods_FailsWithErrInboxFullForThatSession(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		r := all[0]
		release := make(chan struct{})
		r.app.onEvent = func(*Socket, Event) { <-release }
		a, b := r.ask(), r.ask(sockets[0].ID())
		emitted := make(chan error, 1)
		r.env.Options.MaxPendingAcks = 3
		go func() {
			m, err := wire.EncodeEventAck("/", sockets[0].NextAckID(), "x")
			if err == nil {
				_, err = sockets[0].EmitWithAck(context.Background(), 77, m, FlagNone)
			}
			emitted <- err
		}()
		synctest.Wait()
		posted := make(chan struct{})
		go func() {
			defer close(posted)
			packets := slices.Repeat([]string{`42["flood"]`}, 9) // one more than the hard bound
			p := new(transport.Post)
			for _, text := range packets {
				p.Packets = append(p.Packets, wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(text[1:])})
			}
			r.session.Post(context.Background(), p)
		}()
		a.is(t, sockets, map[*Socket]string{sockets[0]: textFull})
		b.is(t, sockets[:1], map[*Socket]string{sockets[0]: textFull})
		require.ErrorIs(t, <-emitted, ErrInboxFull)
		assert.EqualValues(t, 3, r.env.Counters.AcksOverflown.Load())
		nothingPending(t, r.session)
		close(release)
		<-posted
		a.cancel()
		b.cancel()
	})
}

func TestAsk_HandlerOfAnAskedClient_ReadsOnToItsAnswer(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		r := all[0]
		answered := make(chan struct{})
		a := &answers{got: map[string]string{}}
		left := 2
		a.on = func() {
			if left--; left == 0 {
				close(answered)
			}
		}
		r.app.onEvent = func(_ *Socket, e Event) {
			if e.Name == "begin" {
				r.askInto(a, &roomregistry.Broadcast{Namespace: "/"})
				<-answered
				a.cancel()
			}
		}
		r.post(`42["begin"]`)
		id := a.id
		all[1].post(fmt.Sprintf(`43%d["there"]`, id))
		r.post(`42["1"]`, `42["2"]`, `42["3"]`, `42["4"]`, fmt.Sprintf(`43%d["here"]`, id))
		a.is(t, sockets, map[*Socket]string{sockets[0]: `"here"`, sockets[1]: `"there"`})
		assert.Len(t, r.app.told(), 5)
	})
}

func TestAsk_CancelledWhileTheShardIsBusy_NothingIsPendingOrTold(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		r := all[0]
		busy := make(chan struct{})
		for i := range 2 {
			r.system.Send(sockets[i].shard.PID(), &roomregistry.Join{Member: sockets[i].member(), Done: func() { <-busy }})
		}
		synctest.Wait()
		a := r.ask()
		assert.Zero(t, a.counted)
		a.cancel()
		close(busy)
		synctest.Wait()
		assert.Zero(t, a.counted)
		assert.Empty(t, a.got)
		for _, o := range all {
			nothingPending(t, o.session)
			assert.Equal(t, fmt.Sprintf(`42%d["ask"]`, a.id), o.get(), "it is delivered nevertheless")
		}
		r.post(fmt.Sprintf(`43%d["x"]`, a.id))
		assert.EqualValues(t, 1, r.env.Counters.AcksUnknown.Load())
	})
}

func TestAsk_CancelInACallback_IsTheLastCall(t *testing.T) {
	party(t, 3, nil, func(all []*rig, sockets []*Socket) {
		a := &answers{got: map[string]string{}}
		cancel := make(chan func(), 1)
		a.on = func() { (<-cancel)() }
		c, err := Ask(all[0].env, &roomregistry.Broadcast{Namespace: "/"}, func(id uint64) (*wire.Prepared, error) {
			a.id = id
			return wire.EncodeEventAck("/", id, "ask")
		}, a.count, a.answer)
		require.NoError(t, err)
		cancel <- c
		synctest.Wait()
		for _, o := range all {
			o.post(fmt.Sprintf(`43%d["x"]`, a.id))
		}
		assert.Len(t, a.got, 1)
	})
}

func TestAsk_CallbackPanics_HarmsNobody(t *testing.T) {
	party(t, 2, nil, func(all []*rig, sockets []*Socket) {
		a := &answers{got: map[string]string{}}
		a.on = func() { panic("of the test") }
		all[0].askInto(a, &roomregistry.Broadcast{Namespace: "/"})
		synctest.Wait()
		for _, o := range all {
			o.post(fmt.Sprintf(`43%d["x"]`, a.id))
		}
		a.is(t, sockets, map[*Socket]string{sockets[0]: `"x"`, sockets[1]: `"x"`})
		assert.EqualValues(t, 2, all[0].system.Panics())
		assert.False(t, sockets[0].Closed())
		a.cancel()
	})
}

func TestAsk_NobodyThere_IsCountedOnly(t *testing.T) {
	party(t, 1, nil, func(all []*rig, _ []*Socket) {
		a := all[0].ask("nobody")
		a.is(t, nil, nil)
		a.cancel()
		bad := errors.New("does not encode")
		cancel, err := Ask(all[0].env, &roomregistry.Broadcast{Namespace: "/"},
			func(uint64) (*wire.Prepared, error) { return nil, bad }, a.count, a.answer)
		require.ErrorIs(t, err, bad)
		assert.Nil(t, cancel)
		require.NoError(t, all[0].registry.Stop(context.Background()))
		late := all[0].ask()
		late.is(t, nil, nil)
		late.cancel()
	})
}

func TestAsk_Thousands_LeaveNothingBehind(t *testing.T) {
	large := func(o *Options) { o.QueueBytes = 1 << 20 }
	party(t, 10, large, func(all []*rig, sockets []*Socket) {
		r := all[0]
		for round := range 3000 {
			a := r.ask()
			if round%10 == 0 { // some answer, some do not
				for _, o := range all[:round/10%11] {
					o.post(fmt.Sprintf(`43%d["x"]`, a.id))
				}
				a.mu.Lock()
				require.Len(t, a.got, round/10%11)
				a.mu.Unlock()
				for _, o := range all {
					o.get()
				}
			}
			a.cancel()
			for i, o := range all {
				nothingPending(t, o.session)
				require.Zero(t, sockets[i].asked.Load())
			}
		}
	})
}

// TestAsk_Hammer has clients answer, be silent and go while many ask and cancel.
func TestAsk_Hammer_EachSocketIsToldAtMostOnceAndNothingStays(t *testing.T) {
	many := func(o *Options) { o.QueueBytes, o.MaxPendingAcks = 1<<24, 3 }
	party(t, 8, many, func(all []*rig, sockets []*Socket) {
		var clients, askers sync.WaitGroup
		for i, o := range all {
			clients.Go(func() { o.answerAll(i%4 == 3) })
		}
		for g := range 4 {
			askers.Go(func() {
				for i := range 200 {
					a := &answers{got: map[string]string{}}
					all[0].askInto(a, &roomregistry.Broadcast{Namespace: "/"})
					if i%3 > 0 {
						time.Sleep(time.Millisecond) // of the bubble: until nothing else moves
					}
					if g == 0 && i%50 == 25 {
						sockets[i/25].Disconnect(i%100 == 25)
					}
					a.cancel()
					a.mu.Lock()
					assert.LessOrEqual(t, a.counted, 1)
					assert.Zero(t, a.twice)
					assert.Zero(t, a.early)
					for id := range maps.Keys(a.got) {
						assert.Contains(t, a.asked, id)
						assert.NotContains(t, a.got[id], "unexpected")
					}
					a.mu.Unlock()
				}
			})
		}
		askers.Wait()
		for i, o := range all {
			nothingPending(t, o.session)
			assert.Zero(t, sockets[i].asked.Load())
			o.session.Close(ReasonServerShutdown)
		}
		clients.Wait()
	})
}

// answerAll polls until the session ends and answers what is asked; some of it if it is lazy.
func (r *rig) answerAll(lazy bool) {
	for n := 0; ; {
		poll := new(transport.Poll)
		r.session.Poll(poll)
		<-poll.Answered()
		body, refusal := poll.Answer()
		if refusal != nil || body == nil {
			return
		}
		for text := range strings.SplitSeq(string(body), "\x1e") {
			id, asks := strings.CutSuffix(strings.TrimPrefix(text, "42"), `["ask"]`)
			if n++; !asks || lazy && n%2 == 0 {
				continue
			}
			packet := wire.EnginePacket{Type: wire.EngineMessage, Data: []byte("3" + id + `["x"]`)}
			r.session.Post(context.Background(), &transport.Post{Packets: []wire.EnginePacket{packet}})
		}
	}
}
