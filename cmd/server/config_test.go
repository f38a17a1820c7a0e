package main

import (
	"bytes"
	"flag"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestParse_NothingGiven_TakesTheDefaults(t *testing.T) {
	c, err := parse(nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:3000", c.listen)
	assert.Equal(t, "/io", c.options.Engine.Path)
	assert.Equal(t, slog.LevelInfo, c.logLevel)
	assert.Equal(t, 30*time.Second, c.shutdownTimeout)
	assert.Equal(t, []string{"io-default", "io-notification"}, c.options.DefaultRooms)
	assert.Empty(t, c.unknown)
}

func TestParse_FlagsAndEnvironment_FlagsWin(t *testing.T) {
	env := []string{
		"ACTIO_LISTEN=127.0.0.1:1", "ACTIO_PATH=/env", "ACTIO_LOG_LEVEL=", "ACTIO_PING_INTERVAL=3s", "ACTIO_REFUSE_NODE_IDS=true",
		"ACTIO_TYPO=1", "ACTIO_VERSION=7", "actio_path=/lower", "PATH=/bin",
	}
	c, err := parse([]string{"-listen", "[::1]:2", "--max-rooms=7"}, env)
	require.NoError(t, err)
	assert.Equal(t, "[::1]:2", c.listen)
	assert.Equal(t, "/env", c.options.Engine.Path)
	assert.Equal(t, slog.LevelInfo, c.logLevel, "an empty variable counts as not set")
	assert.Equal(t, 3*time.Second, c.options.Engine.PingInterval)
	assert.True(t, c.options.RefuseNodeIDs)
	assert.Equal(t, 7, c.options.MaxRooms)
	assert.Equal(t, []string{"ACTIO_TYPO", "ACTIO_VERSION"}, c.unknown)
}

func TestParse_Lists_AreSplit(t *testing.T) {
	c, err := parse([]string{"-default-rooms", "", "-transports", " websocket ,"}, []string{"ACTIO_QUEUE_POLICY=Drop-Oldest"})
	require.NoError(t, err)
	assert.Equal(t, []string{}, c.options.DefaultRooms, "none, as opposed to the default")
	assert.Equal(t, []actio.Transport{actio.WebSocket}, c.options.Engine.Transports)
	assert.Equal(t, actio.DropOldest, c.options.Engine.QueuePolicy)
}

func TestParse_Rates_ReachTheServer(t *testing.T) {
	c, err := parse([]string{
		"-max-events-per-second", "10", "-event-burst=20", "-rate-policy", "disconnect", "-max-handshakes-per-second-per-ip", "5",
		"-trusted-proxies", "10.1.2.3/8, ::ffff:192.0.2.1,fd00::/8", "-proxy-header", "Forwarded", "-handshake-timeout", "3s",
	}, []string{"ACTIO_MAX_BYTES_PER_SECOND=1000", "ACTIO_MAX_CONNECTIONS_PER_IP=7"})
	require.NoError(t, err)
	o := c.finish(slog.New(slog.DiscardHandler))
	assert.Equal(t, 10, o.MaxEventsPerSecond)
	assert.Equal(t, 20, o.EventBurst)
	assert.Equal(t, 1000, o.MaxBytesPerSecond)
	assert.Zero(t, o.ByteBurst)
	assert.Equal(t, actio.RateDisconnect, o.RatePolicy)
	assert.Equal(t, 5, o.Engine.MaxHandshakesPerSecondPerIP)
	assert.Equal(t, 7, o.Engine.MaxConnectionsPerIP)
	assert.Equal(t, actio.Forwarded, o.Engine.ProxyHeader)
	assert.Equal(t, 3*time.Second, o.Engine.HandshakeTimeout)
	assert.Equal(t, "10.0.0.0/8,192.0.2.1/32,fd00::/8", (&prefixes{&o.Engine.TrustedProxies}).String())
	_, err = actio.New(o)
	assert.NoError(t, err)
}

func TestParse_WaysIn_ReachTheServer(t *testing.T) {
	c, err := parse([]string{
		"-authenticate-on", "connect", "-allow-eio3", "-recovery", "-recovery-duration", "1m", "-recovery-max-sessions=7",
	}, []string{"ACTIO_RECOVERY_MAX_BYTES=1000", "ACTIO_RECOVERY_TIMEOUT=3s"})
	require.NoError(t, err)
	o := c.finish(slog.New(slog.DiscardHandler))
	assert.Equal(t, actio.OnConnect, o.AuthenticateOn)
	assert.True(t, o.Engine.AllowEIO3)
	assert.Equal(t, actio.RecoveryOptions{
		Enabled: true, MaxDisconnectionDuration: time.Minute, MaxBytes: 1000, MaxSessions: 7, Timeout: 3 * time.Second,
	}, o.Recovery)
	_, err = actio.New(o)
	assert.NoError(t, err)
}

func TestParse_RecoveryAlone_TakesTheDefaultsOfTheLibrary(t *testing.T) {
	c, err := parse([]string{"-recovery"}, nil)
	require.NoError(t, err)
	assert.Equal(t, actio.RecoveryOptions{
		Enabled: true, MaxDisconnectionDuration: 2 * time.Minute, MaxBytes: 64 << 20, MaxSessions: 100_000, Timeout: 5 * time.Second,
	}, c.options.Recovery)
}

func TestConfig_Finish_SetsWhatTheGatewayDecides(t *testing.T) {
	c, err := parse([]string{"-app-ping-interval", "0", "-inbox-events", "5000"}, nil)
	require.NoError(t, err)
	o := c.finish(slog.New(slog.DiscardHandler))
	assert.True(t, o.BroadcastAuthenticatedOnly)
	assert.True(t, o.Engine.DevelopmentOnly)
	assert.Negative(t, o.PingInterval)
	assert.Equal(t, 5000, o.Engine.InboxEventsHard)
	_, err = actio.New(o)
	assert.NoError(t, err)
}

func TestBook_EachFlag_HasAVariableAndAUsage(t *testing.T) {
	var out bytes.Buffer
	usage(&out)
	(&config{}).book().VisitAll(func(f *flag.Flag) {
		assert.Contains(t, out.String(), "\n  -"+f.Name)
		if f.Name == "version" {
			return
		}
		name, ours := flagOf(variableOf(f.Name))
		assert.True(t, ours)
		assert.Equal(t, f.Name, name)
		assert.NotEmpty(t, f.Usage)
	})
}

func TestRun_WrongUsage_SaysWhatIsWrong(t *testing.T) {
	const refusal = "there is no authentication yet"
	for _, c := range []struct {
		name, env, want string
		args            []string
	}{
		{name: "unknown flag", args: []string{"-nope"}, want: "not defined: -nope"},
		{name: "argument", args: []string{"-path", "/x", "serve"}, want: `unexpected argument "serve"`},
		{name: "all addresses", args: []string{"-listen", ":3000"}, want: refusal},
		{name: "all IPv4 addresses", args: []string{"-listen", "0.0.0.0:3000"}, want: refusal},
		{name: "all IPv6 addresses", args: []string{"-listen", "[::]:3000"}, want: refusal},
		{name: "another address", args: []string{"-listen", "192.0.2.1:3000"}, want: refusal},
		{name: "a name", args: []string{"-listen", "localhost.example.org:3000"}, want: refusal},
		{name: "address of the environment", env: "ACTIO_LISTEN=0.0.0.0:80", want: refusal},
		{name: "no port", args: []string{"-listen", "127.0.0.1"}, want: "want host:port"},
		{name: "path hides the page", args: []string{"-path", "/"}, want: "would hide /"},
		{name: "path hides health", args: []string{"-path", "/healthz/"}, want: "would hide /healthz"},
		{name: "path hides the assets", args: []string{"-path", "/assets"}, want: "would hide /assets/"},
		{name: "no path", args: []string{"-path", "io"}, want: "does not begin with a slash"},
		{name: "log format", args: []string{"-log-format", "xml"}, want: "want one of text, json"},
		{name: "log level", env: "ACTIO_LOG_LEVEL=loud", want: `invalid value "loud" for ACTIO_LOG_LEVEL: want one of debug`},
		{name: "zero", args: []string{"-max-rooms", "0"}, want: "must be above zero"},
		{name: "no number", args: []string{"-max-rooms", "many"}, want: "want a whole number"},
		{name: "negative", args: []string{"-app-ping-interval", "-1s"}, want: "must not be negative"},
		{name: "no unit", env: "ACTIO_SHUTDOWN_TIMEOUT=30", want: "want a duration with a unit"},
		{name: "no truth", args: []string{"-refuse-node-ids=maybe"}, want: "want true or false"},
		{name: "transport", args: []string{"-transports", "polling,webtransport"}, want: `unknown transport "webtransport"`},
		{name: "no transport", args: []string{"-transports", ","}, want: "want polling, websocket or both"},
		{name: "proxies", args: []string{"-trusted-proxies", "10.0.0.0/8,nginx"}, want: `"nginx" is neither an address nor a network`},
		{name: "burst of nothing", env: "ACTIO_EVENT_BURST=5", want: "EventBurst 5 means nothing without MaxEventsPerSecond"},
		{name: "negative rate", args: []string{"-max-bytes-per-second", "-1"}, want: "must not be negative"},
		{name: "when to authenticate", args: []string{"-authenticate-on", "sunday"}, want: "want one of event, connect"},
		{name: "no memory", env: "ACTIO_RECOVERY_MAX_BYTES=0", want: "must be above zero"},
		{name: "rate policy", args: []string{"-rate-policy", "ban"}, want: "want one of drop, error, disconnect"},
		{name: "too many rooms", args: []string{"-max-rooms", "1"}, want: "DefaultRooms has 2 names, MaxRooms is 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), c.args, []string{c.env}, &stdout, &stderr)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout.String())
			assert.Contains(t, stderr.String(), "actio: ")
			assert.Contains(t, stderr.String(), c.want)
			assert.True(t, strings.HasSuffix(stderr.String(), "Run with -h for usage.\n"))
		})
	}
}

func TestRun_Questions_AreAnsweredOnStdout(t *testing.T) {
	for _, c := range []struct{ name, flag, want string }{
		{"help", "-h", "Usage: actio [flags]"},
		{"long help", "--help", "ACTIO_LOG_LEVEL"},
		{"version", "-version", "actio "},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{c.flag}, []string{"ACTIO_LISTEN=nonsense"}, &stdout, &stderr)
			assert.Equal(t, exitDone, code)
			assert.Contains(t, stdout.String(), c.want)
			assert.Empty(t, stderr.String())
		})
	}
}

func TestConfig_Logger_HasFormatAndLevel(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{"text", "level=WARN msg=seen"},
		{"json", `"level":"WARN","msg":"seen"`},
	} {
		t.Run(c.format, func(t *testing.T) {
			parsed, err := parse([]string{"-log-format", c.format, "-log-level", "warn"}, nil)
			require.NoError(t, err)
			var out bytes.Buffer
			logger := parsed.logger(&out)
			logger.Info("not seen")
			logger.Warn("seen")
			assert.Contains(t, out.String(), c.want)
			assert.Equal(t, 1, strings.Count(out.String(), "\n"))
		})
	}
}
