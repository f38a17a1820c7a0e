package actio_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func yes(context.Context, *actio.Handshake) (*actio.Principal, error) { return &actio.Principal{}, nil }

func TestNew_InvalidOptions_SaysEverythingAtOnceInTheReferencesWords(t *testing.T) {
	_, err := actio.New(actio.Options{
		Hosting: 7, DefaultRooms: []string{""}, AuthenticateTimeout: -1, MaxRooms: -1,
		MaxEventsPerSecond: 2_000_000_000, EventBurst: -1, ByteBurst: 3, RatePolicy: 4,
		Recovery: actio.RecoveryOptions{MaxDisconnectionDuration: -1, MaxBytes: -1, MaxSessions: -1, Timeout: -1},
		Engine: actio.EngineOptions{
			PingInterval: -1, QueuePolicy: 9, InboxEvents: 10, InboxEventsHard: 5, Compression: &actio.Compression{Level: 12},
			CORS: &actio.CORS{Origins: []string{"*"}, Credentials: true}, Path: "io",
		},
	})
	require.Error(t, err)
	for _, text := range []string{
		"Unsupported runtime!", "Unsupported runtime: 7", "Invalid authenticateFn to setup io socket server!", "DefaultRooms has an empty name",
		"AuthenticateTimeout is negative", "MaxRooms is negative", "Engine.PingInterval is negative", "QueuePolicy 9",
		"MaxEventsPerSecond 2000000000 is not within 0 and 1000000000", "EventBurst is negative",
		"ByteBurst 3 means nothing without MaxBytesPerSecond", "RatePolicy 4 is unknown", "InboxEventsHard 5", "Compression.Level 12",
		"Recovery.MaxDisconnectionDuration is negative", "Recovery.MaxBytes is negative", "Recovery.MaxSessions is negative",
		"Recovery.Timeout is negative",
	} {
		assert.ErrorContains(t, err, text)
	}
	assert.ErrorContains(t, err, "redentials", "* with credentials")
}

func TestNew_HostingWithoutItsServer_IsTheReferencesError(t *testing.T) {
	_, err := actio.New(actio.Options{Authenticate: yes, Hosting: actio.Attached})
	require.ErrorContains(t, err, "Invalid HTTP server for Node.js runtime!")
	require.ErrorContains(t, err, "[DANGER] Invalid HTTP server instance to init Socket.io server!")
	_, err = actio.New(actio.Options{Authenticate: yes, Server: &http.Server{ReadHeaderTimeout: time.Second}})
	require.ErrorContains(t, err, "Invalid @socket.io/bun-engine instance for Bun runtime!")
	require.ErrorContains(t, err, "[DANGER] Invalid @socket.io/bun-engine instance to init Socket.io server!")
	require.ErrorContains(t, err, "Hosting is not Attached")
	_, err = actio.New(actio.Options{Authenticate: yes, NoAuthentication: true})
	require.ErrorContains(t, err, "exclude each other")
}

func TestNew_WhatCannotMeanAnything_IsAnErrorThatSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *actio.Options)
		texts  []string
	}{
		"authentication": {func(o *actio.Options) {
			o.Authenticate, o.NoAuthentication, o.AuthenticateOn = nil, true, actio.OnConnect
		}, []string{"AuthenticateOn", "NoAuthentication"}},
		"rates": {func(o *actio.Options) { o.RatePolicy = actio.RateError }, []string{"RatePolicy error", "MaxEventsPerSecond"}},
		"compression": {func(o *actio.Options) {
			o.Engine.HTTPCompression, o.Engine.DisableHTTPCompression = &actio.Compression{}, true
		}, []string{"Engine.HTTPCompression", "Engine.DisableHTTPCompression"}},
		"no websocket": {func(o *actio.Options) {
			o.Engine.Transports, o.Engine.Compression = []actio.Transport{actio.Polling}, &actio.Compression{}
		}, []string{"Engine.Compression", "websocket"}},
		"no polling": {func(o *actio.Options) {
			o.Engine.Transports, o.Engine.Cookie = []actio.Transport{actio.WebSocket}, &http.Cookie{}
		}, []string{"Engine.Cookie", "polling"}},
		"proxies": {func(o *actio.Options) { o.Engine.ProxyHeader = actio.Forwarded }, []string{"Engine.ProxyHeader", "TrustedProxies"}},
	} {
		o := actio.Options{Authenticate: yes}
		c.change(&o)
		_, err := actio.New(o)
		require.Error(t, err, name)
		for _, text := range c.texts {
			assert.ErrorContains(t, err, text, name)
		}
	}
	_, err := actio.New(actio.Options{Authenticate: yes, MaxBytesPerSecond: 1, RatePolicy: actio.RateError, Engine: actio.EngineOptions{
		DisableHTTPCompression: true, Compression: &actio.Compression{}, Cookie: &http.Cookie{},
		ProxyHeader: actio.Forwarded, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}})
	require.NoError(t, err)
}

func TestNew_Defaults_AreValid(t *testing.T) {
	_, err := actio.New(actio.Options{Authenticate: yes})
	require.NoError(t, err)
	_, err = actio.New(actio.Options{NoAuthentication: true, DefaultRooms: []string{}})
	require.NoError(t, err)
}

func TestNewEngine_InvalidConfig_SaysEverythingAtOnce(t *testing.T) {
	_, err := actio.NewEngine(actio.EngineConfig{EngineOptions: actio.EngineOptions{MaxPayload: -1}})
	require.ErrorContains(t, err, "OnSession is nil")
	require.ErrorContains(t, err, "MaxPayload is negative")
}
