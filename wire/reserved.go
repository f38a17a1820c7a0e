package wire

// IsReserved reports whether an event name belongs to the protocol: it can be neither sent nor received.
func IsReserved(name string) bool { return isReserved(name) }
