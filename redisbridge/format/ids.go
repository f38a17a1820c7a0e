package format

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
)

// The ids of instances and of requests have one form in each adapter. They are random: enough for the instances of a cluster
// and for the requests that one of them has open at a time.
const (
	classicIDBytes = 6 // 8 characters of base64url, of which 6 are taken
	shardedIDBytes = 8
)

// MaxUID bounds the bytes of the ids of instances that say that they are there.
const MaxUID = 64

// NewClassicUID makes an id in the form of the classic adapter: 6 characters of base64url.
func NewClassicUID() string {
	var b [classicIDBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])[:classicIDBytes]
}

// NewShardedUID makes an id in the form of the sharded adapter: 16 hexadecimal digits.
func NewShardedUID() string {
	var b [shardedIDBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
