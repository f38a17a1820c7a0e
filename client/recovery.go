package client

import (
	"encoding/json"
	"fmt"

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

// received notes the offset of an event.
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

// amend adds what the server needs to take up the former connection.
func (r *recovery) amend(auth any) (any, error) {
	if r.pid == "" {
		return auth, nil
	}
	members := map[string]json.RawMessage{}
	if auth != nil {
		text, err := json.Marshal(auth)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", wire.ErrEncode, err)
		}
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, fmt.Errorf("%w: auth is no object: %w", wire.ErrEncode, err)
		}
	}
	for name, value := range map[string]string{"pid": r.pid, "offset": r.offset} {
		if _, taken := members[name]; !taken && value != "" {
			members[name], _ = json.Marshal(value)
		}
	}
	return members, nil
}
