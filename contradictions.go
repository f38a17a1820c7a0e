package actio

import (
	"errors"
	"slices"
)

// What is set and cannot mean anything beside what else is set: who set it would wait for it in vain.

// contradiction is one case of it.
type contradiction struct {
	is   bool
	text string
}

func (o *Options) contradictions() []error {
	return those(
		contradiction{
			o.NoAuthentication && o.AuthenticateOn != OnEvent,
			"AuthenticateOn means nothing with NoAuthentication; for one namespace see Namespace.Authenticate",
		},
		contradiction{
			o.RatePolicy != RateDrop && o.MaxEventsPerSecond == 0 && o.MaxBytesPerSecond == 0,
			"RatePolicy " + o.RatePolicy.String() + " means nothing without MaxEventsPerSecond or MaxBytesPerSecond",
		},
	)
}

// contradictions of options that have their defaults.
func (o *EngineOptions) contradictions() []error {
	polling, websocket := slices.Contains(o.Transports, Polling), slices.Contains(o.Transports, WebSocket)
	return those(
		contradiction{
			o.DisableHTTPCompression && o.HTTPCompression != nil,
			"Engine.HTTPCompression and Engine.DisableHTTPCompression exclude each other",
		},
		contradiction{o.Compression != nil && !websocket, "Engine.Compression means nothing without the transport websocket"},
		contradiction{o.Cookie != nil && !polling, "Engine.Cookie means nothing without the transport polling"},
		contradiction{
			o.ProxyHeader != XForwardedFor && len(o.TrustedProxies) == 0,
			"Engine.ProxyHeader means nothing without Engine.TrustedProxies: nobody is believed what the header says",
		},
	)
}

func those(all ...contradiction) (problems []error) {
	for _, c := range all {
		if c.is {
			problems = append(problems, errors.New("actio: "+c.text))
		}
	}
	return problems
}
