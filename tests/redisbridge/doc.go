// Package redisbridge tests bridges with each other over a real Redis, without servers: each stands before an Instance that
// exists in memory only.
package redisbridge
