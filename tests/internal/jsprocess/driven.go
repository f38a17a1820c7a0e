package jsprocess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What bounds waiting, so that a process that is stuck fails the test instead of hanging it. The machine may be busy with others.
const (
	// Patience bounds every call.
	Patience = 30 * time.Second
	// Startup bounds the wait for the first word of a process.
	Startup = 60 * time.Second
)

// Driven is a script that reads requests from stdin and writes answers and events to stdout, one JSON object a line. An
// answer has the "id" of its request and a "result" or an "error"; everything else is an event. All methods are safe for
// concurrent use.
type Driven struct {
	*Process

	tb      testing.TB
	onEvent func(line []byte)
	spoken  atomic.Bool // it has written something

	mutex   sync.Mutex
	lastID  uint64
	pending map[uint64]chan<- answer
}

type answer struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
}

// Drive starts a script and gives each event to onEvent, one after another; the line is onEvent's. The process ends with
// the test, which fails at once when the script cannot be run, and fails when it writes something else than JSON.
func Drive(tb testing.TB, onEvent func(line []byte), script string, args ...string) *Driven {
	tb.Helper()
	d := &Driven{tb: tb, onEvent: onEvent, pending: make(map[uint64]chan<- answer)}
	d.Process = Start(tb, d.receive, script, args...)
	return d
}

// receive runs for each line of the process, one after another.
func (d *Driven) receive(line []byte) {
	d.spoken.Store(true)
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		d.tb.Errorf("jsprocess: a script wrote %q: %v", line, err)
		return
	}
	if a.ID == 0 {
		d.onEvent(append([]byte(nil), line...))
		return
	}
	d.mutex.Lock()
	waiting := d.pending[a.ID]
	delete(d.pending, a.ID)
	d.mutex.Unlock()
	if waiting != nil {
		waiting <- a
	}
}

// Call sends a request, which must become a JSON object that is not empty, and waits for its answer, which it decodes into
// result unless that is nil. The errors are those of the script, of ctx, which [Patience] bounds, or [Startup] while the process
// has said nothing, and [ErrEnded].
func (d *Driven) Call(ctx context.Context, request, result any) error {
	bound := Patience
	if !d.spoken.Load() {
		bound = Startup
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	text, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("jsprocess: request: %w", err)
	}
	answers := make(chan answer, 1)
	id := d.expect(answers)
	defer d.forget(id)
	line := append(strconv.AppendUint([]byte(`{"id":`), id, 10), ',')
	if err := d.Send(append(line, text[1:]...)); err != nil {
		return d.because(ctx, err)
	}
	select {
	case a := <-answers:
		return a.decode(result)
	case <-ctx.Done():
		return fmt.Errorf("jsprocess: %.200s: %w", text, context.Cause(ctx))
	case <-d.Ended():
		return d.Err()
	}
}

// because says why a process takes no more requests: it has gone, or is about to be seen to.
func (d *Driven) because(ctx context.Context, err error) error {
	select {
	case <-d.Ended():
		return d.Err()
	case <-ctx.Done():
		return err
	}
}

func (d *Driven) expect(answers chan<- answer) uint64 {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.lastID++
	d.pending[d.lastID] = answers
	return d.lastID
}

func (d *Driven) forget(id uint64) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.pending, id)
}

func (a answer) decode(result any) error {
	if a.Error != "" {
		return errors.New(a.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return fmt.Errorf("jsprocess: answer: %w", err)
	}
	return nil
}
