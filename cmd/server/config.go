package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/actio-go/actio"
)

// program is how the gateway calls itself.
const program = "actio"

// config is all that can be set.
type config struct {
	listen          string
	logFormat       string
	logLevel        slog.Level
	shutdownTimeout time.Duration
	version         bool
	options         actio.Options
	redis           string   // may hold a password: never logged
	unknown         []string // environment variables that look like settings and are none
}

// parse reads the command line, then the environment. flag.ErrHelp means that the usage text is asked for.
func parse(args, env []string) (*config, error) {
	c := &config{}
	b := c.book()
	if err := b.Parse(args); err != nil {
		return nil, err
	}
	if b.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", b.Arg(0))
	}
	if c.version {
		return c, nil
	}
	unknown, err := b.fill(env)
	if err != nil {
		return nil, err
	}
	c.unknown = unknown
	if err := errors.Join(checkLoopback(c.listen), checkPath(c.options.Engine.Path)); err != nil {
		return nil, err
	}
	return c, c.checkRedis()
}

// checkRedis makes the client that the connections to Redis are made from. It connects to nothing.
func (c *config) checkRedis() error {
	if c.redis == "" {
		return nil
	}
	client, err := newRedis(c.redis)
	if err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	c.options.Redis.Client = client
	return nil
}

// usage writes the usage text.
func usage(w io.Writer) {
	b := (&config{}).book()
	_, _ = fmt.Fprintf(w, `Usage: %s [flags]

A Socket.IO v4 server. It runs in development mode: on loopback only, every token that is
not empty logs in whoever it names. Open its address in two browser tabs and see.

Each flag can be given as an environment variable too: -log-level as %s.
The command line wins; an empty variable counts as not set.
`, program, variableOf("log-level"))
	b.describe(w)
	_, _ = io.WriteString(w, redisForms+`
  -version
        print the version and exit
  -h, -help
        print this and exit

GET /healthz answers 200 as long as the process should live, GET /readyz when new clients should come:
503 while Redis is awaited at the start and while it drains, 200 also when Redis is lost later.

SIGINT and SIGTERM end it in good order, a second one at once. Exit codes: 0 ended in good order,
1 could not listen or could not end in good order, 2 wrong usage, 128+n cut short by a second signal n.
`)
}

// book binds the flags to c and sets the defaults.
func (c *config) book() *book {
	o := &c.options
	e := &o.Engine
	b := newBook()
	b.BoolVar(&c.version, "version", false, "")

	b.section("Where:")
	b.text(&c.listen, "listen", "127.0.0.1:3000", "`host:port` to listen on; port 0 takes a free one")
	b.text(&e.Path, "path", "/io", "`path` of Socket.IO")
	b.text(&o.Identifier, "identifier", "SOCKET_IO_SERVER", "`name` of this server in its logs")

	b.section("Logs, on standard error:")
	c.logFormat = "text"
	b.add(&choice[string]{&c.logFormat, []string{"text", "json"}, []string{"text", "json"}}, "log-format", "text or json, the `format` of logs")
	b.add(&choice[slog.Level]{
		&c.logLevel,
		[]string{"debug", "info", "warn", "error"},
		[]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError},
	}, "log-level", "debug, info, warn or error, the lowest `level` that is logged")

	b.section("The end:")
	b.duration(&c.shutdownTimeout, "shutdown-timeout", 30*time.Second, "`duration` after which the end is cut short")
	b.duration(&e.DrainGrace, "drain-grace", 5*time.Second, "`duration` that running handlers get to finish")
	b.count(&e.CloseBatch, "close-batch", 500, "`number` of connections that are closed at a time")
	b.duration(&e.CloseInterval, "close-interval", 20*time.Millisecond, "`duration` between two batches")

	b.section("Other instances, of actio and of Node.js:")
	r := &o.Redis
	b.text(&c.redis, "redis", "", "`URL` of Redis, see below; "+variableURL+" stands for it too; without it this server stands alone")
	b.text(&r.Prefix, "redis-prefix", "socket.io", "`prefix` of all channels, the same on all instances")
	b.add(&choice[actio.Adapter]{
		&r.Adapter,
		[]string{"classic", "sharded", "streams"},
		[]actio.Adapter{actio.ClassicAdapter, actio.ShardedAdapter, actio.StreamsAdapter},
	}, "adapter", "classic, sharded or streams, the `adapter` of Socket.IO that all instances use")
	b.duration(&r.ReadyTimeout, "redis-ready-timeout", 30*time.Second, "`duration` that the connections to Redis may take at the start")

	b.section("Authentication and rooms:")
	b.add(&choice[actio.AuthenticateOn]{
		&o.AuthenticateOn,
		[]string{"event", "connect"},
		[]actio.AuthenticateOn{actio.OnEvent, actio.OnConnect},
	}, "authenticate-on", "event or connect, `when` clients authenticate: by an event afterwards, or before they are let in")
	b.duration(&o.AuthenticateTimeout, "auth-timeout", 10*time.Second, "`duration` that a client may take to authenticate")
	b.count(&o.MaxAuthAttempts, "max-auth-attempts", 5, "`number` of attempts of a connection, at most")
	b.count(&o.MaxUnauthenticated, "max-unauthenticated", 10_000, "`number` of connections that are not authenticated, at most")
	o.PingInterval = 30 * time.Second
	b.add(&above[time.Duration]{&o.PingInterval, 0, time.ParseDuration}, "app-ping-interval", "`duration` between two ping events to a client; 0: none")
	b.list(&o.DefaultRooms, "default-rooms", []string{actio.RoomDefault, actio.RoomNotification}, "`rooms` that every client joins, with commas")
	b.count(&o.MaxRooms, "max-rooms", 1000, "`number` of rooms of a client, at most")
	b.count(&o.MaxRoomsPerRequest, "max-rooms-per-request", 100, "`number` of rooms in one join or leave, at most")
	b.count(&o.MaxRoomNameBytes, "max-room-name", 256, "`bytes` of a room's name, at most")
	b.on(&o.RefuseNodeIDs, "refuse-node-ids", "refuse rooms named like socket ids of Node.js")

	c.rates(b)
	c.recovery(b)
	c.connections(b)
	return b
}

// connections adds the section of what is below the events.
func (c *config) connections(b *book) {
	o := &c.options
	e := &o.Engine
	b.section("Connections:")
	e.Transports = []actio.Transport{actio.Polling, actio.WebSocket}
	b.add(&transports{&e.Transports}, "transports", "`transports` that are allowed, with commas")
	b.on(&e.AllowEIO3, "allow-eio3", "serve clients of Socket.IO 2 as well")
	b.on(&e.DisableUpgrades, "disable-upgrades", "keep polling clients on polling")
	b.duration(&e.PingInterval, "ping-interval", 25*time.Second, "`duration` between two heartbeats")
	b.duration(&e.PingTimeout, "ping-timeout", 20*time.Second, "`duration` that the answer to a heartbeat may take")
	b.duration(&e.UpgradeTimeout, "upgrade-timeout", 10*time.Second, "`duration` that an upgrade to websocket may take")
	b.duration(&e.HandshakeTimeout, "handshake-timeout", 10*time.Second, "`duration` in which a polling client has to come back")
	b.duration(&o.ConnectTimeout, "connect-timeout", 45*time.Second, "`duration` that a connection may stay without a namespace")
	b.count(&e.MaxConnections, "max-connections", 100_000, "`number` of connections, at most")
	b.count(&o.MaxNamespaces, "max-namespaces", 16, "`number` of namespaces of a connection, at most")
	b.on(&e.DisableHTTPCompression, "disable-http-compression", "leave the answers of polling as they are")
	b.count(&e.MaxPayload, "max-payload", 1_000_000, "`bytes` of a message of a client, at most")
	b.count(&e.MaxJSONDepth, "max-json-depth", 64, "`levels` of a message's JSON, at most")
	b.count(&o.MaxAttachments, "max-attachments", 10, "`number` of binary attachments of a message, at most")
	b.count(&o.MaxPendingAcks, "max-pending-acks", 1000, "`number` of acknowledgements awaited of a client, at most")
	b.count(&e.InboxEvents, "inbox-events", 64, "`number` of events of a client that are not handled yet, at most")
	b.count(&e.QueueBytes, "queue-bytes", 4_000_000, "`bytes` that may wait for a client that reads slowly, at most")
	b.add(&choice[actio.QueuePolicy]{
		&e.QueuePolicy,
		[]string{"disconnect", "drop-volatile", "drop-oldest"},
		[]actio.QueuePolicy{actio.DisconnectSlow, actio.DropVolatile, actio.DropOldest},
	}, "queue-policy", "disconnect, drop-volatile or drop-oldest, the `policy` beyond that")
	b.duration(&e.WriteTimeout, "write-timeout", 10*time.Second, "`duration` that a write to a slow client may take")
}

// rates adds the section of what clients may do in a second, and from where.
func (c *config) rates(b *book) {
	o := &c.options
	e := &o.Engine
	b.section("How fast clients may be:")
	b.upTo(&o.MaxEventsPerSecond, "max-events-per-second", "`number` of events of a client in a second, at most; 0: no bound")
	b.upTo(&o.EventBurst, "event-burst", "`number` of events at once, at most; 0: as many as in a second")
	b.upTo(&o.MaxBytesPerSecond, "max-bytes-per-second", "`bytes` of the events of a client in a second, at most; 0: no bound")
	b.upTo(&o.ByteBurst, "byte-burst", "`bytes` at once, at most; 0: as many as in a second, or as in the largest message")
	b.add(&choice[actio.RatePolicy]{
		&o.RatePolicy,
		[]string{"drop", "error", "disconnect"},
		[]actio.RatePolicy{actio.RateDrop, actio.RateError, actio.RateDisconnect},
	}, "rate-policy", "drop, error or disconnect, the `policy` for events beyond that")
	b.upTo(&e.MaxHandshakesPerSecond, "max-handshakes-per-second", "`number` of new connections in a second, at most; 0: no bound")
	b.upTo(&e.HandshakeBurst, "handshake-burst", "`number` of them at once, at most; 0: as many as in a second")
	b.upTo(&e.MaxHandshakesPerSecondPerIP, "max-handshakes-per-second-per-ip", "`number` of them from one address; 0: no bound")
	b.upTo(&e.HandshakeBurstPerIP, "handshake-burst-per-ip", "`number` of them from one address at once; 0: as many as in a second")
	b.upTo(&e.MaxConnectionsPerIP, "max-connections-per-ip", "`number` of connections from one address, at most; 0: no bound")
	b.add(&prefixes{&e.TrustedProxies}, "trusted-proxies",
		"`addresses` and networks of proxies that say whom they speak for, with commas")
	b.add(&choice[actio.ProxyHeader]{
		&e.ProxyHeader,
		[]string{"x-forwarded-for", "forwarded", "x-real-ip"},
		[]actio.ProxyHeader{actio.XForwardedFor, actio.Forwarded, actio.XRealIP},
	}, "proxy-header", "x-forwarded-for, forwarded or x-real-ip, the `header` in which they say it")
}

// recovery adds the section of connection state recovery.
func (c *config) recovery(b *book) {
	r := &c.options.Recovery
	b.section("Clients that come back:")
	b.on(&r.Enabled, "recovery", "let clients whose connection was lost go on as who they were, with what they missed")
	b.duration(&r.MaxDisconnectionDuration, "recovery-duration", 2*time.Minute, "`duration` for which they may stay away")
	b.count(&r.MaxBytes, "recovery-max-bytes", 64<<20, "`bytes` of events that are remembered for them, at most")
	b.count(&r.MaxSessions, "recovery-max-sessions", 100_000, "`number` of them that are waited for, at most")
	b.duration(&r.Timeout, "recovery-timeout", 5*time.Second, "`duration` that a client waits until it begins afresh")
}

// finish makes the settings the options of the server.
func (c *config) finish(logger *slog.Logger) actio.Options {
	o := c.options
	o.Logger = logger
	o.BroadcastAuthenticatedOnly = true
	if o.PingInterval == 0 {
		o.PingInterval = -1 // none, where zero means the default
	}
	o.Engine.InboxEventsHard = max(4096, o.Engine.InboxEvents)
	develop(&o)
	return o
}

func (c *config) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.logLevel}
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// checkLoopback refuses addresses that other machines reach. Names other than localhost are refused unresolved: what they
// mean may change.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("-listen %q: want host:port, such as 127.0.0.1:3000", address)
	}
	ip, err := netip.ParseAddr(host)
	if err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost") {
		return nil
	}
	return fmt.Errorf("refusing to listen on %q: there is no authentication yet, every token logs in whoever it names; "+
		"use an address of this machine alone, such as 127.0.0.1:3000", address)
}

// checkPath refuses a path that would hide what the gateway serves itself.
func checkPath(path string) error {
	for _, own := range ownPaths() {
		if actio.Under(path, own) {
			return fmt.Errorf("-path %q would hide %s, which this server needs itself", path, own)
		}
	}
	return nil
}

// transports are the allowed transports, by name.
type transports struct{ target *[]actio.Transport }

// Set parses the list.
func (t *transports) Set(s string) error {
	var names list
	_ = names.Set(s)
	kinds := make([]actio.Transport, 0, len(names))
	for _, name := range names {
		switch name {
		case actio.Polling.String():
			kinds = append(kinds, actio.Polling)
		case actio.WebSocket.String():
			kinds = append(kinds, actio.WebSocket)
		default:
			return fmt.Errorf("unknown transport %q, want polling or websocket", name)
		}
	}
	if len(kinds) == 0 {
		return errors.New("want polling, websocket or both")
	}
	*t.target = kinds
	return nil
}

// String joins the names.
func (t *transports) String() string {
	if t.target == nil {
		return ""
	}
	names := make([]string, len(*t.target))
	for i, k := range *t.target {
		names[i] = k.String()
	}
	return strings.Join(names, ",")
}
