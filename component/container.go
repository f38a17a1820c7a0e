package component

import (
	"reflect"
	"sync"
)

// Container keeps values by their keys. The zero value is ready, and safe for concurrent use.
type Container struct {
	values sync.Map // string -> any
}

// Key names a value of type T in a Container.
type Key[T any] string

// Bind puts a value under the key, in place of what was there. A nil, also one with a type, is as good as no value.
func (k Key[T]) Bind(c *Container, value T) { c.values.Store(string(k), value) }

// Unbind removes what is under the key.
func (k Key[T]) Unbind(c *Container) { c.values.Delete(string(k)) }

// Get returns the value under the key; false when there is none, or when it is nil.
func (k Key[T]) Get(c *Container) (T, bool) {
	bound, _ := c.values.Load(string(k))
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
