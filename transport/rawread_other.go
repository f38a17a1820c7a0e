//go:build !unix

package transport

// tryFill is not available here: no connection has a raw descriptor.
func (ws *WebSocket) tryFill(uintptr) bool { return true }
