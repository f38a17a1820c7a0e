// The application of the benchmark (tests/bench) on socket.io with ws, as a peer of actio: what servers/doc.go says there, with
// the authentication after the connection and the event `ping` that actio and the Ignis helper have. Its argument is JSON:
// {"ping": ms, "appPing": ms}. The first line of its output is {"listening": PORT}; it ends with its input.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { application, listen } from "./application.mjs";

const options = JSON.parse(process.argv[2]);
const server = createServer();
const io = new Server(server, {
  path: "/socket.io/",
  serveClient: false,
  pingInterval: options.ping,
});

const authenticate = async () => true;

io.on("connection", (socket) => {
  let ping;
  let authenticating = false;
  const deadline = setTimeout(() => socket.disconnect(true), 60_000);
  socket.on("disconnect", () => {
    clearTimeout(deadline);
    clearInterval(ping);
  });
  socket.on("authenticate", async () => {
    if (authenticating) {
      return;
    }
    authenticating = true;
    if (!(await authenticate(socket.handshake)) || socket.disconnected) {
      return;
    }
    clearTimeout(deadline);
    socket.join(["io-default", "io-notification"]);
    ping = setInterval(() => socket.emit("ping", { time: new Date().toISOString() }), options.appPing);
    socket.emit("authenticated", { id: socket.id, time: new Date().toISOString() });
    socket.emit("ping", { time: new Date().toISOString() });
  });
  application(io, socket);
});

listen(server);
