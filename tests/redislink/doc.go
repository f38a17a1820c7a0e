// Package redislink tests the connections of redisbridge/link against real redis-server processes that die, stall, fail over
// and are moved. It holds tests only.
package redislink
