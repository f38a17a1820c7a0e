package component

import (
	"reflect"
	"sync"
)

// Key names a value of type T in a Container.
type Key[T any] string

// Container keeps values by their keys. The zero value is ready. All functions on it are safe for concurrent use.
type Container struct {
	values sync.Map // string -> any
}

// Bind puts a value under a key, in place of what was there. A nil, also one with a type, is as good as no value.
func Bind[T any](c *Container, key Key[T], value T) { c.values.Store(string(key), value) }

// Unbind removes what is under a key.
func Unbind[T any](c *Container, key Key[T]) { c.values.Delete(string(key)) }

// Get returns the value under a key; false when there is none, or when it is nil.
func Get[T any](c *Container, key Key[T]) (T, bool) {
	bound, _ := c.values.Load(string(key))
	value, ok := bound.(T)
	if !ok || isNil(bound) {
		var none T
		return none, false
	}
	return value, true
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan, reflect.Interface:
		return r.IsNil()
	default:
		return !r.IsValid()
	}
}
