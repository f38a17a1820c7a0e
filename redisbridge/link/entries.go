package link

import (
	"fmt"

	"github.com/actio-go/actio/redisbridge/format"
)

// entryReader reads what Redis answers to XREAD of one stream.
type entryReader struct{ reader }

// answer reads one answer and hands over its entries as they come. Nothing else may follow an error: not even a refusal
// within an answer.
func (r entryReader) answer(take func(e *format.Entry) error) error {
	n, err := r.number('*')
	if err != nil || n == null { // there was none for as long as it waited
		return err
	}
	if n != 1 {
		return fmt.Errorf("%w: %d streams", errUnexpected, n)
	}
	if err := r.array(2); err != nil {
		return err
	}
	if _, err := r.text(""); err != nil {
		return err
	}
	entries, err := r.number('*')
	if err != nil {
		return err
	}
	for range entries {
		e, err := r.entry()
		if err == nil {
			err = take(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// array reads the header of an array of so many elements.
func (r entryReader) array(n int) error {
	got, err := r.number('*')
	if err == nil && got != n {
		err = fmt.Errorf("%w: an array of %d", errUnexpected, got)
	}
	return err
}

// entry reads an entry.
func (r entryReader) entry() (*format.Entry, error) {
	if err := r.array(2); err != nil {
		return nil, err
	}
	id, err := r.text("")
	if err != nil {
		return nil, err
	}
	e := &format.Entry{ID: id}
	n, err := r.number('*')
	if err != nil || n == null { // null: it was deleted meanwhile
		return e, err
	}
	for range n / 2 {
		if err := r.field(e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// field reads a field with its value.
func (r entryReader) field(e *format.Entry) error {
	name, err := r.text("data")
	if err != nil {
		return err
	}
	switch name {
	case "uid":
		e.UID, err = r.text("")
	case "nsp":
		e.Namespace, err = r.text("/") // the most frequent namespace costs nothing
	case "actio":
		e.Private, err = r.text("/")
	case "type":
		e.Type, err = r.text("3")
	case "data":
		e.Data, err = r.bytes()
	default:
		_, err = r.bytes()
	}
	return err
}
