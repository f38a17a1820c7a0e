// Package rediskeeper tests the keeper of sessions in Redis with a real Redis, between connections that poll without HTTP.
package rediskeeper
