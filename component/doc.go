// Package component places a server of actio into an application: its parts are bound to keys, checked together, and brought
// to life when the application's HTTP server already listens. The example of the package is a whole program:
//
//	app := component.NewApplication(component.ApplicationOptions{
//		Server: &http.Server{Addr: ":3000", Handler: mux, ReadHeaderTimeout: 5 * time.Second}, Logger: log,
//	})
//	component.RedisConnection.Bind(app.Container(), client)
//	component.AuthenticateHandler.Bind(app.Container(), authenticate)
//	err := errors.Join(
//		app.Use(component.NewSocketIO(actio.Attached)),
//		app.RegisterStopHook("redis", func(context.Context) error { return client.Close() }),
//		app.Start(ctx),
//	)
//
// Handlers of events are added in ClientConnectedHandler, to the socket: it runs before the first event of the client.
//
// # Lifecycle
//
//	Start   bind     each component resolves its bindings and registers hooks; what is wrong ends the start here
//	        listen   the HTTP server accepts; ServerInstance has it
//	        hooks    the post-start hooks, one after another, in the order of their registration; "socket-io-initialize"
//	                 makes the Socket.IO server live and binds it to Instance
//	Stop    components, the last first: Socket.IO sends its clients away and closes its connections to Redis
//	        stop hooks, the last first: what the application opened, its Redis client for instance
//	        the HTTP server
//
// From the first request on, those under the path of Socket.IO are answered: with 503 and Retry-After until the hook has
// run. What goes wrong in Start closes what was opened, in the order of Stop, within ApplicationOptions.StopTimeout. What goes
// wrong later, with the HTTP server or the Socket.IO server, closes Application.Done; Stop then closes the rest.
//
// Steps run on goroutines of their own. One that does not return although its context has ended is named in the error and left
// behind; the others are made.
//
// # Log
//
// The lines are those of the reference, with attributes in place of what it writes into the text:
//
//	debug  Registered post-start hook       identifier             Registered post-start hook | identifier: %s
//	info   Binding SocketIO for application...
//	debug  Socket.IO Server Options         identifier, path, …    Socket.IO Server Options: %j, without secrets
//	info   Server STARTED                   address
//	info   Executing post-start hook(s)...  count                  Executing %s post-start hook(s)...
//	info   SocketIO Server READY            identifier, path, …    SocketIO Server READY | path: %s | runtime: %s
//	info   SocketIO initialized for Node.js runtime                (attached; for Bun runtime: mounted)
//	info   Executed hook                    identifier, took_ms    Executed hook | identifier: %s | took: %s (ms)
//
// The reference has none for these:
//
//	error  Failed hook                      identifier, took_ms, error
//	error  Application failed               error
//	info   SocketIO stopped                 complete
//
// Services get the server when they need it, not when they are made: see the example of Key.Get.
package component
