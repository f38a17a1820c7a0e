package frames

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxHead bounds status line and headers of a response.
const maxHead = 8 << 10

// Response is an HTTP response whose length is known.
type Response struct {
	Status int
	Body   []byte // a part of the data that it was cut from
	Size   int    // of the whole response; zero while it is not complete
}

// NextResponse cuts the first response off data. A response to an upgrade has no body; that of an error is all that has come of
// it; every other one must tell its length, which may not pass limit.
func NextResponse(data []byte, limit int) (Response, error) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		if len(data) > maxHead {
			return Response{}, fmt.Errorf("%w: headers of more than %d bytes", ErrMalformed, maxHead)
		}
		return Response{}, nil
	}
	line, headers, _ := bytes.Cut(data[:end], []byte("\r\n"))
	status, err := statusOf(line)
	if err != nil {
		return Response{}, err
	}
	length := 0
	switch {
	case status >= 400:
		return Response{Status: status, Body: data[end+4:], Size: len(data)}, nil
	case status != 101:
		if length, err = lengthOf(headers, limit); err != nil {
			return Response{}, err
		}
	}
	body := end + 4
	if len(data) < body+length {
		return Response{}, nil
	}
	return Response{Status: status, Body: data[body : body+length], Size: body + length}, nil
}

func statusOf(line []byte) (int, error) {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil || status < 100 || status > 999 || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return 0, fmt.Errorf("%w: status line %.60q", ErrMalformed, line)
	}
	return status, nil
}

func lengthOf(headers []byte, limit int) (int, error) {
	const name = "content-length"
	for line := range bytes.SplitSeq(headers, []byte("\r\n")) {
		if len(line) <= len(name) || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		length, err := strconv.Atoi(string(bytes.TrimSpace(line[len(name)+1:])))
		if err != nil || length < 0 || length > limit {
			return 0, fmt.Errorf("%w: %.60q", ErrMalformed, line)
		}
		return length, nil
	}
	return 0, fmt.Errorf("%w: a response without a length", ErrMalformed)
}
