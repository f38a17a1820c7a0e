package connection

// Reason says why a socket or a session ended. Its String is the public string that Socket.IO's documentation gives for
// the disconnect event of the server; the reasons that Socket.IO does not know have strings of their own.
type Reason uint8

// The reasons, and who causes each.
const (
	ReasonNone                  Reason = iota
	ReasonTransportClose               // the peer closed the connection or vanished
	ReasonTransportError               // reading, writing or polling failed
	ReasonPingTimeout                  // no pong within pingTimeout
	ReasonClientDisconnect             // the client sent a Socket.IO DISCONNECT
	ReasonServerDisconnect             // the server disconnected this namespace
	ReasonForcedClose                  // the client broke the protocol of Engine.IO
	ReasonForcedServerClose            // the server closed the whole session
	ReasonParseError                   // the client sent a packet that is none
	ReasonServerShutdown               // Shutdown
	ReasonSlowConsumer                 // the outgoing queue passed its bound, or a write its deadline
	ReasonAuthenticationFailed         // refused, failed, or out of attempts
	ReasonAuthenticationTimeout        // no verdict in time
	ReasonPrincipalExpired             // the principal expired and was not renewed
	ReasonHandlerPanic                 // a handler of this connection panicked
	ReasonConnectTimeout               // no namespace joined in time
	ReasonRateLimited                  // more events or bytes in a second than allowed
	ReasonCrash                        // the connection's actor failed: a bug of actio
)

// String returns the public string.
func (r Reason) String() string {
	switch r {
	case ReasonNone:
		return ""
	case ReasonTransportClose:
		return "transport close"
	case ReasonTransportError:
		return "transport error"
	case ReasonPingTimeout:
		return "ping timeout"
	case ReasonClientDisconnect:
		return "client namespace disconnect"
	case ReasonServerDisconnect:
		return "server namespace disconnect"
	case ReasonForcedClose:
		return "forced close"
	case ReasonForcedServerClose:
		return "forced server close"
	case ReasonParseError:
		return "parse error"
	case ReasonServerShutdown:
		return "server shutting down"
	case ReasonSlowConsumer:
		return "slow consumer"
	case ReasonAuthenticationFailed:
		return "authentication failed"
	case ReasonAuthenticationTimeout:
		return "authentication timeout"
	case ReasonPrincipalExpired:
		return "principal expired"
	case ReasonHandlerPanic:
		return "handler panic"
	case ReasonConnectTimeout:
		return "connect timeout"
	case ReasonRateLimited:
		return textRateLimited
	case ReasonCrash:
		return "internal error"
	default:
		return "unknown"
	}
}
