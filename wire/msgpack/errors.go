package msgpack

import "errors"

// ErrMalformed is MessagePack that is truncated, nests too deep, or holds what no JSON stands for.
var ErrMalformed = errors.New("msgpack: malformed MessagePack")

// The ways in which MessagePack is malformed.
var (
	errTruncated = errors.New("truncated")
	errDepth     = errors.New("nests too deep")
	errType      = errors.New("no such type")
	errExtension = errors.New("unknown extension")
	errKey       = errors.New("a key that is no scalar")
)
