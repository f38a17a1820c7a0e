// Drives official socket.io-client instances for tests written in another language.
//
// One process holds any number of clients. It reads requests from stdin and writes answers and events to stdout, one
// JSON object a line. It ends when stdin ends.
//
// Request   {"id": 1, "cmd": "connect", ...}
// Answer    {"id": 1, "result": ...} or {"id": 1, "error": "..."}; answers come when the work is done, in any order
// Event     {"client": "a", "event": "news", "args": [...], "n": 3}: the client received its 3rd "news". The names of
//           socket.io-client itself come the same way: "connect" [id, transport, recovered], "connect_error" [{message,
//           data}], "disconnect" [reason], and of its manager "reconnect_attempt" [n], "reconnect_failed" [],
//           "upgrade" [transport].
//
// Commands ("clients" is a list of names; a command for several clients answers with a list in the same order):
//   connect      client, url, opts, quiet, mute, greet, answer   makes a client and answers like info when it is
//                                             connected, or fails with its first connect_error; opts go to
//                                             socket.io-client as they are, but each client has a connection of its own
//                                             and "reconnection" is off unless given, "parser" is the name of one in
//                                             parsers.mjs, and with "version": 2 it is the client of Socket.IO 2
//   connectMany  clients, and like connect    the same for many, 50 handshakes at a time
//   open         like connect                 makes a client and answers at once
//   of           client, from, namespace, auth, quiet, mute   opens another namespace on the connection of client
//                                             "from"; answers like connect
//   reopen       clients                      calls connect() on clients that were disconnected; answers at once
//   emit         clients, event, args, volatile, compress, n   n emits it so often in one go, each with its number, from
//                                             0 on, as a further argument
//   emitWithAck  clients, event, args, timeout (ms, 5000)   answers the list of the ack's arguments
//   wait         clients, event, n, timeout   answers when each client has received event n times since it was made
//   received     clients, event               the arguments of each event of that name, kept for quiet clients only
//   count        clients, event               how often each client received the event
//   info         clients                      [{id, connected, transport, recovered, active}]
//   disconnect   clients                      disconnects for good and answers when it is done; names may be used again
//   drop         clients                      cuts a websocket without a close frame, as a lost network does; closes a
//                                             polling connection
//   close        clients                      closes the connection in good order, as a page does that is left: the
//                                             server gets no DISCONNECT
//   silence      clients                      answers no heartbeat of this connection any more
//   events       clients                      the names of all events so far, in the order of their arrival
//
// A client that is made with "greet" emits the event of that name each time it connects, as programs do that authenticate
// in their handler of "connect".
//
// An event that asks for an ack is answered with its own arguments, by a client with an "answer" with that list, by a
// "mute" client never. A "quiet" client writes no event lines: what it receives is counted and kept, for loads that would
// drown the pipe.
//
// values.mjs says how values travel that JSON does not have.
import { createInterface } from "node:readline";
import { Manager } from "socket.io-client";
import { manager2, silence2 } from "./client2.mjs";
import { parsers } from "./parsers.mjs";
import { decode, encode } from "./values.mjs";

const HANDSHAKES_AT_ONCE = 50;
const ACK_TIMEOUT = 5000;

const clients = new Map();

function write(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

class Client {
  constructor({ client, auth, quiet = false, mute = false, greet, answer }, manager, namespace) {
    this.name = client;
    this.manager = manager;
    this.quiet = quiet;
    this.mute = mute;
    this.greet = greet;
    this.answer = answer && decode(answer);
    this.events = [];
    this.counts = new Map();
    this.kept = new Map();
    this.waiters = new Set();
    this.socket = manager.socket(namespace, { auth });
    this.listen();
  }

  listen() {
    const { socket, manager } = this;
    socket.on("connect", () => {
      this.note("connect", [socket.id, this.transport(), socket.recovered]);
      if (this.greet) {
        socket.emit(this.greet);
      }
    });
    socket.on("connect_error", (error) => {
      this.note("connect_error", [{ message: error.message, data: error.data ?? null }]);
    });
    socket.on("disconnect", (reason) => this.note("disconnect", [reason]));
    socket.onAny((event, ...args) => this.receive(event, args));
    manager.on("reconnect_attempt", (n) => this.note("reconnect_attempt", [n]));
    manager.on("reconnect_failed", () => this.note("reconnect_failed", []));
    manager.on("open", () => {
      manager.engine.on("upgrade", (transport) => this.note("upgrade", [transport.name]));
    });
  }

  receive(event, args) {
    const ack = args.at(-1);
    if (typeof ack === "function") {
      args = args.slice(0, -1);
      if (!this.mute) {
        ack(...(this.answer ?? args));
      }
    }
    this.note(event, args);
  }

  note(event, args) {
    const n = this.count(event) + 1;
    this.counts.set(event, n);
    this.events.push(event);
    const encoded = args.map(encode);
    if (this.quiet) {
      this.keep(event, encoded);
    } else {
      write({ client: this.name, event, args: encoded, n });
    }
    for (const waiter of this.waiters) {
      waiter(event, n);
    }
  }

  keep(event, args) {
    if (!this.kept.has(event)) {
      this.kept.set(event, []);
    }
    this.kept.get(event).push(args);
  }

  count(event) {
    return this.counts.get(event) ?? 0;
  }

  transport() {
    return this.manager.engine?.transport?.name ?? null;
  }

  info() {
    const { socket } = this;
    return {
      id: socket.id ?? null,
      connected: socket.connected,
      transport: this.transport(),
      recovered: socket.recovered ?? false,
      active: socket.active,
    };
  }

  connected() {
    return new Promise((resolve, reject) => {
      const { socket } = this;
      const settle = (finish, value) => {
        socket.off("connect", onConnect);
        socket.off("connect_error", onError);
        finish(value);
      };
      const onConnect = () => settle(resolve, this.info());
      const onError = (error) => settle(reject, error);
      socket.on("connect", onConnect);
      socket.on("connect_error", onError);
    });
  }

  wait(event, n, timeout) {
    if (this.count(event) >= n) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = (finish, value) => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        finish(value);
      };
      const waiter = (received, count) => {
        if (received === event && count >= n) {
          settle(resolve);
        }
      };
      const timer = setTimeout(() => {
        settle(reject, new Error(`${this.name} received ${this.count(event)} of ${n} "${event}"`));
      }, timeout);
      this.waiters.add(waiter);
    });
  }

  drop() {
    const { engine } = this.manager;
    if (engine?.transport?.name === "websocket") {
      engine.transport.ws.terminate();
    } else {
      engine?.close();
    }
  }

  silence() {
    const { engine } = this.manager;
    if (engine._sendPacket === undefined) {
      silence2(engine);
      return;
    }
    const send = engine._sendPacket;
    engine._sendPacket = (type, ...rest) => {
      if (type !== "pong") {
        send.call(engine, type, ...rest);
      }
    };
  }

  disconnect() {
    if (!this.socket.connected) {
      this.socket.disconnect();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.socket.once("disconnect", () => resolve());
      this.socket.disconnect();
    });
  }
}

function get(name) {
  const client = clients.get(name);
  if (client === undefined) {
    throw new Error(`no client named ${name}`);
  }
  return client;
}

function add(request, manager, namespace) {
  if (clients.has(request.client)) {
    throw new Error(`there already is a client named ${request.client}`);
  }
  const client = new Client(request, manager, namespace);
  clients.set(client.name, client);
  return client;
}

function open({ url, opts = {}, ...request }) {
  const { auth, parser, version, ...managerOpts } = opts;
  const { origin, pathname, searchParams } = new URL(url);
  const options = {
    path: "/socket.io/",
    reconnection: false,
    query: Object.fromEntries(searchParams),
    ...managerOpts,
    ...(parser && { parser: parsers[parser] }),
    autoConnect: false,
  };
  const manager = version === 2 ? manager2(origin, options) : new Manager(origin, options);
  const client = add({ ...request, auth }, manager, pathname);
  client.socket.connect();
  return client;
}

function openNamespace({ from, namespace, ...request }) {
  const client = add(request, get(from).manager, namespace);
  const connected = client.connected();
  client.socket.connect();
  return connected;
}

async function connectMany({ clients: names, ...rest }) {
  const infos = new Array(names.length);
  let next = 0;
  const worker = async () => {
    while (next < names.length) {
      const i = next++;
      infos[i] = await open({ client: names[i], ...rest }).connected();
    }
  };
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, worker));
  return infos;
}

function each(request, work) {
  return Promise.all(request.clients.map((name) => work(get(name))));
}

function emitter({ socket }, { volatile, compress }) {
  if (compress !== undefined) {
    socket = socket.compress(compress);
  }
  return volatile ? socket.volatile : socket;
}

function acknowledged(client, { event, args = [], timeout = ACK_TIMEOUT }) {
  return new Promise((resolve, reject) => {
    client.socket.timeout(timeout).emit(event, ...decode(args), (error, ...answer) => {
      if (error) {
        reject(error);
      } else {
        resolve(answer.map(encode));
      }
    });
  });
}

const commands = {
  connect: (request) => open(request).connected(),
  connectMany,
  open: (request) => {
    open(request);
  },
  of: openNamespace,
  reopen: (request) => each(request, ({ socket }) => void socket.connect()),
  emit: (request) => each(request, (client) => {
    const args = decode(request.args ?? []);
    for (let i = 0; i < (request.n ?? 1); i++) {
      emitter(client, request).emit(request.event, ...args, ...(request.n === undefined ? [] : [i]));
    }
  }),
  emitWithAck: (request) => each(request, (client) => acknowledged(client, request)),
  wait: (request) => each(request, (client) => {
    return client.wait(request.event, request.n ?? 1, request.timeout ?? ACK_TIMEOUT);
  }),
  received: (request) => each(request, (client) => client.kept.get(request.event) ?? []),
  count: (request) => each(request, (client) => client.count(request.event)),
  info: (request) => each(request, (client) => client.info()),
  disconnect: (request) => each(request, async (client) => {
    await client.disconnect();
    clients.delete(client.name);
  }),
  drop: (request) => each(request, (client) => client.drop()),
  close: (request) => each(request, ({ manager }) => void manager.engine.close()),
  silence: (request) => each(request, (client) => client.silence()),
  events: (request) => each(request, (client) => client.events),
};

async function answer(line) {
  const request = JSON.parse(line);
  try {
    if (!Object.hasOwn(commands, request.cmd)) {
      throw new Error(`unknown command ${request.cmd}`);
    }
    write({ id: request.id, result: (await commands[request.cmd](request)) ?? null });
  } catch (error) {
    write({ id: request.id, error: error.message });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("line", answer);
lines.on("close", () => process.exit(0));
