package connection

import (
	"errors"
	"log/slog"

	"github.com/actio-go/actio/actors"
)

// within is the level of what clients can cause again and again: Debug for all that a limit does not allow.
func within(l *actors.LogLimit, level slog.Level) slog.Level {
	if l.Allow() {
		return level
	}
	return slog.LevelDebug
}

// failureLevel is that of an error of a function that the application has given us. A panic is a fault of the program: it is an
// error however often it happens, as its stack is logged.
func failureLevel(l *actors.LogLimit, err error) slog.Level {
	if errors.Is(err, ErrPanicked) {
		return slog.LevelError
	}
	return within(l, slog.LevelError)
}
