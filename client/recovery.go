package client

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/actio-go/actio/wire"
)

// recovery is what connection state recovery needs: the private id that the server gave, and the offset of the last event,
// which the server adds to events as a further argument.
type recovery struct {
	pid, offset string
	recovered   bool
}

func (r *recovery) confirmed(pid string) {
	r.recovered = pid != "" && pid == r.pid
	if !r.recovered {
		r.offset = "" // it belongs to a session that is gone
	}
	r.pid = pid
}

// forget has the next connection begin anew.
func (r *recovery) forget() { *r = recovery{} }

// received notes the offset of an event that goes into the inbox. Events that want an acknowledgement have none.
func (r *recovery) received(args wire.Args) {
	n := args.Len()
	if r.pid == "" || n == 0 {
		return
	}
	var offset string
	if raw := args.Raw(n - 1); len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &offset) == nil {
		r.offset = offset
	}
}

// amend adds what the server needs to take up the former connection to an auth, which is an object or nil.
func (r *recovery) amend(auth json.RawMessage) (json.RawMessage, error) {
	if r.pid == "" {
		return auth, nil
	}
	members := map[string]json.RawMessage{}
	if auth != nil {
		if err := json.Unmarshal(auth, &members); err != nil {
			return nil, fmt.Errorf("%w: auth: %w", wire.ErrEncode, err)
		}
	}
	for name, value := range map[string]string{"pid": r.pid, "offset": r.offset} {
		if _, taken := members[name]; !taken && value != "" {
			members[name], _ = json.Marshal(value)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("%w: auth: %w", wire.ErrEncode, err)
	}
	return text, nil
}

// encodeAuth makes an object of what the application gave; nil of nothing. It runs code of the application, so it must not run
// under the mutex.
func encodeAuth(auth any) (json.RawMessage, error) {
	if auth == nil || isNil(auth) {
		return nil, nil
	}
	return wire.EncodePayload(wire.Connect, auth)
}

// isNil tells whether a value is a map or a pointer that is nil, which JSON has as null.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Map || r.Kind() == reflect.Pointer) && r.IsNil()
}
