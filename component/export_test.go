package component

import "context"

// ExecutePostStartHooks runs the hooks of an application that does not listen.
func ExecutePostStartHooks(ctx context.Context, a *Application) error {
	return a.executePostStartHooks(ctx)
}

// ReturnGrace is how long a step may take to return when its context has ended.
const ReturnGrace = returnGrace
