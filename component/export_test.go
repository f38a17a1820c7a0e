package component

import "context"

// ExecutePostStartHooks runs the hooks of an application that does not listen.
func ExecutePostStartHooks(a *Application, ctx context.Context) error { //nolint:revive // ctx is of the method
	return a.executePostStartHooks(ctx)
}
