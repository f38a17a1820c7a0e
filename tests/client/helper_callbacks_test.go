package client_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// failing makes all lifecycle callbacks fail with an error or a panic, after they were noted in calls.
func failing(o *client.HelperOptions, calls chan<- string, fail func(name string) error) {
	failed := func(name string) error {
		calls <- name
		return fail(name)
	}
	o.OnConnected = func(context.Context, *client.Helper) error { return failed("onConnected") }
	o.OnDisconnected = func(context.Context, *client.Helper, client.Reason) error { return failed("onDisconnected") }
	o.OnError = func(context.Context, *client.Helper, error) error { return failed("onError") }
	o.OnAuthenticated = func(context.Context, *client.Helper) error { return failed("onAuthenticated") }
	o.OnUnauthenticated = func(context.Context, *client.Helper, string) error { return failed("onUnauthenticated") }
}

// failureRows are the sentences on what code of the application does wrong.
func failureRows() []row {
	const sentence = "All lifecycle callbacks are wrapped to prevent callback errors from crashing the client: "
	return []row{
		failureRow(sentence+"errors", "", func(name string) error { return errors.New("at " + name) }),
		failureRow(sentence+"panics", "panic: ", func(name string) error { panic("at " + name) }),
		{"subscribe(): handler errors never crash the client", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			note := func(name string) { w.calls <- name }
			w.Subscribe("panics", func(context.Context, *client.Event) error { note("panics"); panic("ouch") })
			w.Subscribe("fails", func(context.Context, *client.Event) error { note("fails"); return errors.New("no") })
			w.Subscribe("misfits", client.Data(func(context.Context, int) error { note("misfits"); return nil }))
			w.Subscribe("goexits", func(context.Context, *client.Event) error { note("goexits"); runtime.Goexit(); return nil })
			w.Subscribe("last", func(context.Context, *client.Event) error { note("last"); return nil })
			for range 2 { // the subscriptions live on
				w.emit(t, "panics")
				w.called(t, "panics")
				w.emit(t, "fails")
				w.called(t, "fails")
				w.emit(t, "misfits", "text")
				w.emit(t, "goexits")
				w.called(t, "goexits")
				w.emit(t, "last")
				w.called(t, "last")
			}
			assert.True(t, w.log.has("ERROR Handler error id=C1 event=panics error=panic: ouch"))
			assert.True(t, w.log.has("ERROR Handler error id=C1 event=fails error=no"))
			assert.True(t, w.log.has("ERROR Handler error id=C1 event=misfits error=invalid payload"))
			assert.True(t, w.Socket().Connected())
		}},
	}
}

// failureRow leads a client through all callbacks, twice.
func failureRow(sentence, prefix string, fail func(name string) error) row {
	var calls chan string
	change := func(o *client.HelperOptions) {
		calls = make(chan string, 100)
		failing(o, calls, fail)
		auth := o.Socket.Auth
		o.Socket.Auth = nil
		var connects atomic.Int32
		o.Socket.AuthFunc = func(context.Context) (any, error) {
			if connects.Add(1)%2 == 1 { // of each connection the first attempt
				return nil, errors.New("no token yet")
			}
			return auth, nil
		}
	}
	return row{sentence, change, func(t *testing.T, w *world) {
		failed := func(name string) {
			t.Helper()
			assert.Equal(t, name, next(t, calls))
			w.log.wait(t, "ERROR callback error id=C1 callback="+name+" error="+prefix+"at "+name)
			w.log.clear()
		}
		for range 2 {
			failed("onError")
			failed("onConnected")
			require.NoError(t, w.Authenticate(within(t)))
			failed("onAuthenticated")
			w.emit(t, "unauthenticated", map[string]string{"message": "Go away!"})
			failed("onUnauthenticated")
			assert.True(t, w.Socket().Connected())
			w.kick(t)
			failed("onDisconnected")
			w.Connect()
		}
		assert.Equal(t, "onError", next(t, calls), "it still goes on")
	}}
}
