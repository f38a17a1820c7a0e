package link

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// What a connection carries all the time, frames and messages, is written and read here: the library would arm timers, make
// commands and copy texts for each of them. Everything else goes by way of the library, whose buffers are empty meanwhile: it
// reads the answers to what it has asked, and no more.

const (
	replyBuffer  = 4 << 10
	newsBuffer   = 32 << 10
	keptCommand  = 64 << 10  // a larger buffer for commands is not kept
	maxBulk      = 512 << 20 // that of Redis
	takenOnTrust = 1 << 20   // what is made room for before it has come
	null         = -1        // the length of a text that is not there
)

// refusal is an error that Redis answered.
type refusal string

// Error implements redis.Error.
func (r refusal) Error() string { return string(r) }

// RedisError implements redis.Error.
func (r refusal) RedisError() {}

// appendPublish appends the command that publishes a frame.
func appendPublish(b []byte, sharded bool, channel string, payload []byte) []byte {
	if sharded {
		b = append(b, "*3\r\n$8\r\nspublish\r\n"...)
	} else {
		b = append(b, "*3\r\n$7\r\npublish\r\n"...)
	}
	b = append(append(appendLength(b, len(channel)), channel...), "\r\n"...)
	return append(append(appendLength(b, len(payload)), payload...), "\r\n"...)
}

func appendLength(b []byte, n int) []byte {
	return append(strconv.AppendInt(append(b, '$'), int64(n), 10), "\r\n"...)
}

// appendAdd appends the command that adds an entry to a stream, which keeps about so many.
func appendAdd(b []byte, maxLen int, f *format.Frame) []byte {
	e := f.Entry
	b = append(b, "*14\r\n$4\r\nXADD\r\n"...)
	b = appendText(b, f.Channel)
	b = append(b, "$6\r\nMAXLEN\r\n$1\r\n~\r\n"...)
	b = appendText(b, strconv.Itoa(maxLen))
	b = append(b, "$1\r\n*\r\n$3\r\nuid\r\n"...)
	b = appendText(b, e.UID)
	if e.Namespace != "" {
		b = append(b, "$3\r\nnsp\r\n"...)
		b = appendText(b, e.Namespace)
	} else {
		b = append(b, "$5\r\nactio\r\n"...)
		b = appendText(b, e.Private)
	}
	b = append(b, "$4\r\ntype\r\n"...)
	b = appendText(b, e.Type)
	b = append(b, "$4\r\ndata\r\n"...)
	return append(append(appendLength(b, len(f.Payload)), f.Payload...), "\r\n"...)
}

// AddArguments are the words of that command, for a client of the library. maxLen 0 is the default of Streams.MaxLen.
func AddArguments(f format.Frame, maxLen int) []any {
	if maxLen <= 0 {
		maxLen = defaultMaxLen
	}
	e := f.Entry
	field, namespace := "nsp", e.Namespace
	if namespace == "" {
		field, namespace = "actio", e.Private
	}
	return []any{
		"xadd", f.Channel, "maxlen", "~", maxLen, "*", "uid", e.UID, field, namespace, "type", e.Type, "data", f.Payload,
	}
}

func appendText(b []byte, text string) []byte {
	return append(append(appendLength(b, len(text)), text...), "\r\n"...)
}

// patient is a connection that is read with patience: each Read may take so long.
type patient struct {
	net.Conn

	patience time.Duration
}

// Read reads what is there, or waits for it.
func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// reader reads what Redis says. When it returns an error that is not a refusal, the connection is of no use any more.
type reader struct{ in *bufio.Reader }

// line returns the next line without its end. It is valid until the next call.
func (r reader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	switch {
	case err != nil:
		return nil, err
	case len(line) < 3 || line[len(line)-2] != '\r':
		return nil, fmt.Errorf("%w: %q", errUnexpected, line)
	case line[0] == '-':
		return nil, refusal(line[1 : len(line)-2])
	default:
		return line[:len(line)-2], nil
	}
}

// number reads a line that is a number behind one of the types.
func (r reader) number(types ...byte) (int, error) {
	line, err := r.line()
	if err != nil {
		return 0, err
	}
	for _, one := range types {
		if n, err := strconv.Atoi(string(line[1:])); err == nil && line[0] == one {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: %q", errUnexpected, line)
}

// length reads the length of a text.
func (r reader) length() (int, error) {
	n, err := r.number('$')
	if err == nil && (n < null || n > maxBulk) {
		err = fmt.Errorf("%w: a text of %d bytes", errUnexpected, n)
	}
	return n, err
}

// end reads the end of a line, which follows a text.
func (r reader) end() error {
	end, err := r.in.Peek(2)
	if err != nil {
		return err
	}
	if string(end) != "\r\n" {
		return fmt.Errorf("%w: %q behind a text", errUnexpected, end)
	}
	_, err = r.in.Discard(2)
	return err
}

// bytes reads a text, which is the caller's; nil if it is not there.
func (r reader) bytes() ([]byte, error) {
	n, err := r.length()
	if err != nil || n == null {
		return nil, err
	}
	text, err := r.exactly(n)
	if err != nil {
		return nil, err
	}
	return text, r.end()
}

// exactly reads so many bytes.
func (r reader) exactly(n int) ([]byte, error) {
	if n <= takenOnTrust {
		text := make([]byte, n)
		_, err := io.ReadFull(r.in, text)
		return text, err
	}
	text, err := io.ReadAll(io.LimitReader(r.in, int64(n)))
	if err == nil && len(text) < n {
		err = io.ErrUnexpectedEOF
	}
	return text, err
}

// text reads a text; it is known itself if that is what was read, which saves a copy.
func (r reader) text(known string) (string, error) {
	n, err := r.length()
	if err != nil || n == null {
		return "", err
	}
	if n > r.in.Size() {
		text, err := r.exactly(n)
		if err != nil {
			return "", err
		}
		return string(text), r.end()
	}
	text, err := r.in.Peek(n)
	if err != nil {
		return "", err
	}
	if string(text) != known {
		known = string(text)
	}
	if _, err := r.in.Discard(n); err != nil {
		return "", err
	}
	return known, r.end()
}
