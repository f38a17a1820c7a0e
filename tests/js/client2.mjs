// Makes the client of Socket.IO 2 answer to what harness.mjs asks of newer ones.
import io from "socket.io-client-2";

// manager2 makes a manager. What is "auth" for newer clients is the query of a namespace here.
export function manager2(origin, options) {
  const manager = new io.Manager(origin, options);
  const socket = manager.socket.bind(manager);
  manager.socket = (namespace, { auth } = {}) => {
    delete manager.nsps[namespace]; // it would give the socket again that left
    return adapt(socket(namespace, auth && { query: auth }));
  };
  return manager;
}

// silence2 keeps a client from pinging, and from finding out by itself that nobody answers.
export function silence2(engine) {
  engine.off("heartbeat");
  clearTimeout(engine.pingIntervalTimer);
  clearTimeout(engine.pingTimeoutTimer);
}

function adapt(socket) {
  const listeners = [];
  const { onevent } = socket;
  socket.onAny = (listener) => listeners.push(listener);
  socket.onevent = (packet) => {
    const args = [...packet.data];
    if (packet.id !== undefined) {
      args.push(socket.ack(packet.id));
    }
    listeners.forEach((listener) => listener(...args));
    onevent.call(socket, { data: packet.data });
  };
  socket.timeout = (ms) => ({
    emit(event, ...args) {
      const done = args.pop();
      const timer = setTimeout(() => done(new Error("operation has timed out")), ms);
      socket.emit(event, ...args, (...answer) => {
        clearTimeout(timer);
        done(null, ...answer);
      });
    },
  });
  socket.on("pong", (ms) => listeners.forEach((listener) => listener("pong", ms))); // of the heartbeat
  // A refusal is a string of the server, or an object.
  socket.on("error", (refusal) => {
    const error = new Error(refusal.message ?? refusal);
    error.data = typeof refusal === "string" ? "a string" : refusal.data;
    socket.emit("connect_error", error);
  });
  Object.defineProperty(socket, "active", { get: () => Boolean(socket.subs) });
  return socket;
}
