package jsclient

import "maps"

// The usual values of [Options.Transports].
var (
	// WebSocket connects by websocket at once.
	WebSocket = []string{"websocket"}
	// Polling never upgrades.
	Polling = []string{"polling"}
	// Upgrade starts with polling and upgrades to websocket, as the official client does by default.
	Upgrade = []string{"polling", "websocket"}
)

// Options are the options of one client. The zero value is the official client's default, except that it does not
// reconnect by itself.
type Options struct {
	// Transports in the order in which the client tries them. Nil: the official default, see [Upgrade].
	Transports []string
	// Auth is the payload of the CONNECT packet, which cannot carry binary values. Nil: none.
	Auth any
	// Path of the server. Empty: /socket.io/.
	Path string
	// Reconnect lets the client reconnect by itself, with the official delays.
	Reconnect bool
	// Mute makes the client ignore requests for an ack; otherwise it acknowledges with the event's own arguments.
	Mute bool
	// Answer is what the client acknowledges with in place of the event's own arguments. Nil: with those.
	Answer []any
	// Greet is an event that the client emits each time it connects, at once. Empty: none.
	Greet string
	// Extra goes to the official client as it is and wins over the fields above: extraHeaders, query, upgrade,
	// reconnectionDelay, ... Nil: nothing.
	Extra map[string]any
}

func (o Options) request(command, url string) request {
	options := map[string]any{"reconnection": o.Reconnect}
	if o.Transports != nil {
		options["transports"] = o.Transports
	}
	if o.Auth != nil {
		options["auth"] = o.Auth
	}
	if o.Path != "" {
		options["path"] = o.Path
	}
	maps.Copy(options, o.Extra)
	return request{Command: command, URL: url, Options: options, Mute: o.Mute, Greet: o.Greet, Answer: tagAll(o.Answer)}
}
