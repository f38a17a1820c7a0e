package jsclient

import (
	"encoding/json"
	"fmt"
)

// Binary is a binary value. It crosses to Node.js as a Buffer, wherever it stands in an argument.
type Binary []byte

// taggedBinary is how a binary value is written in JSON.
type taggedBinary struct {
	Data []byte `json:"$binary"`
}

// MarshalJSON writes the value in the form that the harness turns into a Buffer.
func (b Binary) MarshalJSON() ([]byte, error) {
	data := []byte(b)
	if data == nil {
		data = []byte{} // nil would become null
	}
	return json.Marshal(taggedBinary{data})
}

// UnmarshalJSON reads a Buffer as the harness writes it, and refuses anything else.
func (b *Binary) UnmarshalJSON(text []byte) error {
	var tagged struct {
		Data *[]byte `json:"$binary"`
	}
	if err := json.Unmarshal(text, &tagged); err != nil {
		return fmt.Errorf("jsclient: no binary value: %w", err)
	}
	if tagged.Data == nil {
		return fmt.Errorf("jsclient: no binary value: %s", text)
	}
	*b = *tagged.Data
	return nil
}

// Args are the arguments of an event or of an ack, in order.
type Args []json.RawMessage

// Decode reads the i-th argument into v as encoding/json does; a binary value goes into a [Binary].
func (a Args) Decode(i int, v any) error {
	if i >= len(a) {
		return fmt.Errorf("jsclient: argument %d of %d", i, len(a))
	}
	if err := json.Unmarshal(a[i], v); err != nil {
		return fmt.Errorf("jsclient: argument %d: %w", i, err)
	}
	return nil
}

// Values returns the arguments as encoding/json decodes them into an any, with []byte for each binary value.
func (a Args) Values() []any {
	values := make([]any, len(a))
	for i, raw := range a {
		// The harness writes valid JSON, and every JSON text fits into an any.
		_ = json.Unmarshal(raw, &values[i])
		values[i] = untag(values[i])
	}
	return values
}

// tag replaces each []byte in the arguments of an event by a [Binary].
func tag(value any) any {
	switch value := value.(type) {
	case []byte:
		return Binary(value)
	case []any:
		return tagAll(value)
	case map[string]any:
		tagged := make(map[string]any, len(value))
		for key, entry := range value {
			tagged[key] = tag(entry)
		}
		return tagged
	default:
		return value
	}
}

// Tag returns the arguments of an event as scripts in Node.js take them: each []byte, at any depth, is a [Binary].
func Tag(values []any) []any { return tagAll(values) }

func tagAll(values []any) []any {
	if values == nil {
		return nil
	}
	tagged := make([]any, len(values))
	for i, value := range values {
		tagged[i] = tag(value)
	}
	return tagged
}

// untag is the inverse of tag, for values that came out of encoding/json.
func untag(value any) any {
	switch value := value.(type) {
	case []any:
		for i, entry := range value {
			value[i] = untag(entry)
		}
	case map[string]any:
		if text, ok := value["$binary"].(string); ok && len(value) == 1 {
			return untagBinary(text)
		}
		for key, entry := range value {
			value[key] = untag(entry)
		}
	}
	return value
}

func untagBinary(base64 string) any {
	var data []byte
	if err := json.Unmarshal([]byte(`"`+base64+`"`), &data); err != nil {
		return base64
	}
	return data
}
