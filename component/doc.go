// Package component places a server of actio into an application: its parts are bound to keys, checked together, and brought
// to life when the application's HTTP server already listens.
//
//	app, err := component.NewApplication(component.ApplicationOptions{Server: &http.Server{Addr: ":3000", Handler: mux}})
//	component.Bind(app.Container(), component.RedisConnection, redisClient)
//	component.Bind(app.Container(), component.AuthenticateHandler, authenticate)
//	app.Use(component.NewSocketIO(actio.Attached))
//	err = app.Start(ctx)
//	…
//	err = app.Stop(ctx)
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
// run. What goes wrong in Start closes what was opened, in the order of Stop.
//
// Services get the server when they need it, not when they are made: see the example of Get.
package component
