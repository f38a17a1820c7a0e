package transport

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// busyRetry is the Retry-After of requests over a limit of concurrent ones.
const busyRetry = time.Second

// request is a verified request: for a session, or, with a nil session, a handshake.
type request struct {
	kind      Kind
	session   Session
	handshake *Handshake
}

// verify checks a request in the order of the Engine.IO server: transport, Origin header, session id, then for
// handshakes method, upgrade, protocol version; then the limits, and last what costs most or asks others.
func (h *Handler) verify(r *http.Request) (request, *Error) {
	query := r.URL.RawQuery
	q, ok := h.transportOf(query)
	if !ok {
		return q, UnknownTransport()
	}
	if !isFieldValue(r.Header.Get("Origin")) {
		return q, BadRequest()
	}
	if sid := queryValue(query, "sid"); sid != "" {
		return h.verifyKnown(r, q, sid)
	}
	return h.verifyHandshake(r, q)
}

func (h *Handler) transportOf(query string) (request, bool) {
	switch queryValue(query, "transport") {
	case "polling":
		return request{kind: Polling}, h.allows(Polling)
	case "websocket":
		return request{kind: WebSocketKind}, h.allows(WebSocketKind)
	default:
		return request{}, false
	}
}

// verifyKnown checks a request with a session id.
func (h *Handler) verifyKnown(r *http.Request, q request, sid string) (request, *Error) {
	s, ok := h.sessions.Find(r.Context(), sid)
	if !ok || s == nil {
		return q, UnknownSID()
	}
	q.session = s
	if q.kind == WebSocketKind {
		if h.config.DisableUpgrades {
			return q, BadRequest()
		}
		return q, h.verifyUpgrade(r)
	}
	if wantsUpgrade(r) || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return q, BadRequest()
	}
	return q, nil
}

// verifyHandshake checks a request without a session id.
func (h *Handler) verifyHandshake(r *http.Request, q request) (request, *Error) {
	if r.Method != http.MethodGet {
		return q, BadHandshakeMethod()
	}
	if wantsUpgrade(r) != (q.kind == WebSocketKind) {
		return q, BadRequest()
	}
	revision3 := queryValue(r.URL.RawQuery, "EIO") != "4" // Node takes whatever is not 4 for 3, and nothing, too
	if revision3 {
		if !h.config.AllowEIO3 {
			return q, UnsupportedProtocol()
		}
		if queryValue(r.URL.RawQuery, "j") != "" {
			return q, noJSONP()
		}
	}
	if q.kind == WebSocketKind {
		if e := h.verifyUpgrade(r); e != nil {
			return q, e
		}
	}
	client := h.proxies.client(r)
	if h.admitter != nil {
		if err := h.admitter.Admit(r.Context(), client); err != nil {
			return q, refusal(err, internal())
		}
	}
	if h.config.AllowRequest != nil {
		if err := h.config.AllowRequest(r); err != nil {
			return q, refusal(err, Forbidden(err.Error()))
		}
	}
	q.handshake = NewHandshake(r, q.kind)
	q.handshake.ClientIP = client
	q.handshake.Revision3, q.handshake.OnlyText = revision3, revision3 && onlyText(r)
	if q.handshake.size() > h.config.MaxHeaderBytes {
		return q, headersTooLarge()
	}
	return q, nil
}

// onlyText reports whether a client of revision 3 asks for base64 in place of binary packets.
func onlyText(r *http.Request) bool { return queryValue(r.URL.RawQuery, "b64") != "" }

// verifyUpgrade checks that r is a websocket handshake from a page that may make one.
func (h *Handler) verifyUpgrade(r *http.Request) *Error {
	if r.Method != http.MethodGet || !wantsUpgrade(r) || !isWebSocketRequest(r) {
		return BadRequest()
	}
	if !h.originMayConnect(r) {
		return Forbidden("")
	}
	return nil
}

// originMayConnect guards websockets, which CORS does not reach. Only browsers send an Origin header.
func (h *Handler) originMayConnect(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return true
	case h.config.CheckOrigin != nil:
		return h.config.CheckOrigin(r)
	default:
		return sameOrigin(r, origin) || h.cors.has(r, origin)
	}
}

// wantsUpgrade reports whether r asks to become a websocket.
func wantsUpgrade(r *http.Request) bool {
	return r.ProtoMajor == 1 && hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

// isWebSocketRequest checks the rest of what RFC 6455 demands of a handshake.
func isWebSocketRequest(r *http.Request) bool {
	keys := r.Header.Values("Sec-Websocket-Key")
	if r.ProtoMinor < 1 || r.Header.Get("Sec-Websocket-Version") != "13" || len(keys) != 1 {
		return false
	}
	key := strings.TrimSpace(keys[0])
	if base64.StdEncoding.DecodedLen(len(key)) > keyRoom {
		return false
	}
	var room [keyRoom]byte
	n, err := base64.StdEncoding.Decode(room[:], []byte(key))
	return err == nil && n == keyBytes
}

const (
	keyBytes = 16 // of a Sec-WebSocket-Key
	keyRoom  = 18 // and of its base64 text with padding
)

// hasToken reports whether a header that is a list holds a token, whatever its case.
func hasToken(header http.Header, name, token string) bool {
	for _, line := range header[http.CanonicalHeaderKey(name)] {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}
