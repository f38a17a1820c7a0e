package actio

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// jsTime is how JavaScript prints a Date in UTC.
const jsTime = "Mon Jan 02 2006 15:04:05 GMT-0700 (Coordinated Universal Time)"

// describe describes a socket of this instance as Node.js would.
func (s *Server) describe(h *connection.Socket, rooms []string) format.Socket {
	d := format.Socket{ID: h.ID(), Rooms: rooms, User: h.UserID(), Handshake: format.NewPayload(encodeHandshake(h.Handshake()), nil)}
	d.Data = format.NewPayload([]byte("{}"), nil)
	if socket := s.socketOf(h); socket != nil {
		if text, attachments := socket.encodeData(); text != nil {
			d.Data = format.NewPayload(text, attachments)
		}
	}
	return d
}

// encodeData makes a JSON object of the entries of Data whose keys are strings and whose values can be encoded; nil when there
// is none.
func (s *Socket) encodeData() (text []byte, attachments [][]byte) {
	kept := s.data.Load()
	if kept == nil {
		return nil, nil
	}
	entries := make(map[string]any)
	kept.Range(func(key, value any) bool {
		if name, ok := key.(string); ok {
			entries[name] = value
		}
		return true
	})
	if len(entries) == 0 {
		return nil, nil
	}
	array, attachments, err := wire.EncodeArgs(entries)
	if err != nil {
		for name, value := range entries {
			if _, _, err := wire.EncodeArgs(value); err != nil {
				delete(entries, name)
			}
		}
		if array, attachments, err = wire.EncodeArgs(entries); err != nil {
			return nil, nil
		}
	}
	return array[1 : len(array)-1], attachments
}

// nodeHandshake is a handshake as Node.js writes it.
type nodeHandshake struct {
	Headers map[string]any  `json:"headers"`
	Time    string          `json:"time"`
	Address string          `json:"address"`
	XDomain bool            `json:"xdomain"`
	Secure  bool            `json:"secure"`
	Issued  float64         `json:"issued"` // milliseconds
	URL     string          `json:"url"`
	Query   map[string]any  `json:"query"`
	Auth    json.RawMessage `json:"auth"`
}

func encodeHandshake(h *Handshake) []byte {
	address, _, err := net.SplitHostPort(h.RemoteAddr)
	if err != nil {
		address = h.RemoteAddr
	}
	w := nodeHandshake{
		Headers: nodeHeaders(h.Header(), h.Host), Time: h.Issued.UTC().Format(jsTime), Address: address,
		XDomain: h.XDomain, Secure: h.Secure, Issued: float64(h.Issued.UnixMilli()), URL: h.RequestURI,
		Query: make(map[string]any), Auth: h.Auth,
	}
	for name, values := range h.Query() {
		w.Query[name] = oneOrMore(values)
	}
	if len(h.Auth) == 0 {
		w.Auth = json.RawMessage("{}")
	}
	text, err := json.Marshal(w)
	if err != nil { // the payload of CONNECT was checked when it came
		return []byte("{}")
	}
	return text
}

// nodeHeaders joins the headers as Node.js does: names in lower case, several values of one name in one text.
func nodeHeaders(header http.Header, host string) map[string]any {
	headers := make(map[string]any, len(header)+1)
	for name, values := range header {
		switch name = strings.ToLower(name); name {
		case "cookie":
			headers[name] = strings.Join(values, "; ")
		case "set-cookie":
			headers[name] = values
		default:
			headers[name] = strings.Join(values, ", ")
		}
	}
	if host != "" {
		headers["host"] = host
	}
	return headers
}

func oneOrMore(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// RemoteHandshake is what a socket of any instance was connected with: what instances tell each other of a Handshake, under the
// same names.
type RemoteHandshake struct {
	// Address of the peer, without its port: of a Handshake it is a part of RemoteAddr.
	Address string
	// RequestURI is the target of the first request, with its query.
	RequestURI string
	// Secure: the connection has TLS. XDomain: the request had an Origin header.
	Secure, XDomain bool
	// Issued is when the request arrived.
	Issued time.Time
	// Auth is the payload of CONNECT as raw JSON; {} when there was none.
	Auth json.RawMessage

	header http.Header
	query  url.Values
}

// Header returns the headers of the first request. Every call returns a map of its own.
func (h RemoteHandshake) Header() http.Header { return copied(h.header) }

// Query returns the query of the first request. Every call returns a map of its own.
func (h RemoteHandshake) Query() url.Values { return copied(h.query) }

// copied is a map that may be written to.
func copied(m map[string][]string) map[string][]string {
	if m == nil {
		return make(map[string][]string)
	}
	return http.Header(m).Clone()
}

// DecodeAuth decodes Auth as encoding/json does. Without a payload it leaves v as it is.
func (h RemoteHandshake) DecodeAuth(v any) error {
	if len(h.Auth) == 0 {
		return nil
	}
	return json.Unmarshal(h.Auth, v)
}

// decodeHandshake reads what an instance says of a handshake. What is missing, or is not what Node.js would write, stays zero.
func decodeHandshake(p format.Payload) RemoteHandshake {
	var fields map[string]json.RawMessage
	text, _, err := p.JSON()
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return RemoteHandshake{}
	}
	h := RemoteHandshake{Auth: fields["auth"], header: make(http.Header), query: make(url.Values)}
	for name, field := range map[string]any{
		"url": &h.RequestURI, "address": &h.Address, "secure": &h.Secure, "xdomain": &h.XDomain,
	} {
		_ = json.Unmarshal(fields[name], field) // an absent field is no JSON
	}
	var issued float64
	if json.Unmarshal(fields["issued"], &issued) == nil {
		h.Issued = time.UnixMilli(int64(issued))
	}
	for name, values := range texts(fields["headers"]) {
		h.header[http.CanonicalHeaderKey(name)] = values
	}
	maps.Copy(h.query, texts(fields["query"]))
	return h
}

// texts reads an object of texts and arrays of texts, and leaves out what is none.
func texts(object json.RawMessage) map[string][]string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return nil
	}
	all := make(map[string][]string, len(fields))
	for name, raw := range fields {
		var one string
		var more []string
		switch {
		case json.Unmarshal(raw, &one) == nil:
			all[name] = []string{one}
		case json.Unmarshal(raw, &more) == nil:
			all[name] = more
		}
	}
	return all
}
