// Drives clients of any version of socket.io-client, by what all of them have in common:
//   node matrix.mjs PACKAGE
// One process holds any number of clients, driven as fixtures/commands.mjs says. "client" is a name.
//
// Commands:
//   open        client, url, opts, events   makes a client and answers at once; it tells of its events of those names, and
//                                           acknowledges them with their arguments when that is asked for
//   emit        client, event, args
//   ask         client, event, args         answers with the arguments of the acknowledgement
//   transport   client                      the name of the transport
//   cut         client                      ends a websocket without a close frame, as a lost network does; closes a polling
//                                           connection
//   disconnect  client                      for good
//
// Events: [client, name, ...args], also "connect" [id], "disconnect" [reason], "upgrade" [transport].
import { drive, tell } from "./fixtures/commands.mjs";
import { decode, encode } from "./values.mjs";

const { default: io } = await import(process.argv[2]);

const clients = new Map();

function open({ client, url, opts, events }) {
  const socket = io(url, { forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 50, ...opts });
  clients.set(client, socket);
  socket.io.on("open", () => {
    socket.io.engine.on("upgrade", ({ name }) => tell(client, "upgrade", name));
  });
  socket.on("connect", () => tell(client, "connect", socket.id));
  socket.on("disconnect", (reason) => tell(client, "disconnect", reason));
  for (const event of events ?? []) {
    socket.on(event, (...args) => {
      if (typeof args.at(-1) === "function") {
        args.pop()(...args);
      }
      tell(client, event, ...args);
    });
  }
}

function cut({ client }) {
  const { engine } = clients.get(client).io;
  if (engine.transport.name === "websocket") {
    engine.transport.ws.terminate();
  } else {
    engine.close();
  }
}

drive({
  open,
  cut,
  emit: ({ client, event, args }) => void clients.get(client).emit(event, ...decode(args ?? [])),
  ask: ({ client, event, args }) =>
    new Promise((resolve) => {
      clients.get(client).emit(event, ...decode(args ?? []), (...answer) => resolve(answer.map(encode)));
    }),
  transport: ({ client }) => clients.get(client).io.engine.transport.name,
  disconnect: ({ client }) => void clients.get(client).disconnect(),
});
