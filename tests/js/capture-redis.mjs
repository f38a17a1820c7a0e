// Captures what the npm packages publish to Redis, for every kind of message: two servers with one client each and the
// original emitter do everything they can, and each PUBLISH and SPUBLISH is written down as it is made.
//
//   node capture-redis.mjs HOST:PORT
//
// Redis must be version 7 or newer; nobody else should use it. The script writes one JSON object a line:
//   {"source", "step", "channel", "sharded", "receiver", "text" or "hex"}
// "source" is "classic", "classic-specific", "sharded-dynamic", "sharded-static", "sharded-dynamic-private" or "emitter"; "step" is
// what was done, in the words of the packages; "receiver" is the uid of the other server: who asked when this is an answer. The
// payload is "text" when it is JSON, otherwise "hex". Lines of the same step come in the order of publication.
//
// tests/cluster runs it and checks that redisbridge/format reads all of it, so that a new version of the packages that talks
// otherwise is noticed. The golden bytes of redisbridge/format were captured in the same way.
import { once } from "node:events";
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { Server } from "socket.io";
import { io as connectClient } from "socket.io-client";
import { confirmations, connect } from "./fixtures/redis.mjs";

const redis = { nodes: [process.argv[2]] };
const binary = Buffer.from([0, 1, 255]);
const date = new Date("2026-01-02T03:04:05.678Z");
const numbers = [0, -1, 127, 128, -32, -33, 65536, 4294967296, 2 ** 53, -(2 ** 53), 1.5, 1e21, -0.1];
const everything = ["text", null, undefined, true, { a: [], ü: { date } }, ...numbers];

let step = "";

function record(client, source, receiver) {
  for (const [command, sharded] of [["publish", false], ["spublish", true]]) {
    const run = client[command].bind(client);
    client[command] = (channel, message) => {
      const bytes = Buffer.from(message);
      const payload = bytes[0] === 0x7b ? { text: bytes.toString() } : { hex: bytes.toString("hex") };
      process.stdout.write(JSON.stringify({ source, step, channel, sharded, receiver: receiver(), ...payload }) + "\n");
      return run(channel, message);
    };
  }
}

class Instance {
  constructor(source, adapter) {
    this.publisher = connect(redis);
    this.subscriber = connect(redis);
    this.confirmed = confirmations(this.subscriber);
    this.http = createServer();
    this.io = new Server(this.http, { adapter: adapter(this.publisher, this.subscriber) });
    this.io.on("server event", (...args) => args.at(-1)?.call?.(null, { answer: [1, "two", null] }));
    this.io.on("binary server event", (...args) => args.at(-1)(binary));
    record(this.publisher, source, () => this.neighbour.io.of("/").adapter.uid);
  }

  async start(room) {
    this.http.listen(0, "127.0.0.1");
    await once(this.http, "listening");
    const url = `http://127.0.0.1:${this.http.address().port}`;
    const connected = once(this.io, "connection");
    this.client = connectClient(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    this.client.on("question", (...args) => args.at(-1)(`answer in ${room}`));
    this.client.on("binary question", (_, ack) => ack(binary));
    const [socket] = await connected;
    socket.data = { name: room };
    this.socket = socket;
    await socket.join([room, "both"]);
    await this.confirmed();
  }

  async stop() {
    this.client.disconnect();
    await this.io.close();
    this.publisher.disconnect();
    this.subscriber.disconnect();
  }
}

const asked = (operator, ...args) =>
  new Promise((resolve, reject) => {
    operator((error, answers) => (error ? reject(error) : resolve(answers)), ...args);
  });

// does runs a step and waits until Redis has what it published.
async function does(instances, name, work) {
  step = name;
  await work();
  await Promise.all(instances.map(({ publisher }) => publisher.ping()));
}

async function broadcasts(run, io, id) {
  await run("emit", () => io.emit("news", "all"));
  await run("to room", () => io.to("rB").emit("news", "room"));
  await run("to id", () => io.to(id).emit("news", "id"));
  await run("to rooms except", () => io.to("rA").to("rB").except(["x", "y"]).emit("news", "rooms"));
  await run("volatile compress", () => io.volatile.compress(false).emit("news", "flags"));
  await run("binary", () => io.to("rB").emit("news", binary, { deep: [binary, null] }, date));
  await run("everything", () => io.emit("news", ...everything));
  await run("no arguments", () => io.emit("news"));
  await run("namespace", () => io.of("/custom").to("x").emit("news", "custom"));
}

async function commands(run, io) {
  await run("join", () => io.in("rB").except("x").socketsJoin(["j1", "j2"]));
  await run("leave", () => io.socketsLeave("j1"));
  await run("server event", () => io.serverSideEmit("server event", 1, "two", null));
}

async function servers(source, adapter, classic) {
  const [a, b] = [new Instance(source, adapter), new Instance(source, adapter)];
  [a.neighbour, b.neighbour] = [b, a];
  step = "start";
  await Promise.all([a.start("rA"), b.start("rB")]);
  const run = (name, work) => does([a, b], name, work);
  const { io } = a;
  await broadcasts(run, io, b.socket.id);
  await run("question", () => asked((done) => io.timeout(2000).emit("question", "q", done)));
  await run("binary question", () => asked((done) => io.in("rB").timeout(2000).emit("binary question", binary, done)));
  await run("fetch", () => io.fetchSockets());
  await run("fetch rooms", () => io.in("rB").except("x").fetchSockets());
  if (classic) {
    await run("all rooms", () => io.of("/").adapter.allRooms());
  }
  await commands(run, io);
  await run("server event with ack", () => asked((done) => io.serverSideEmit("server event", 1, done)));
  if (!classic) {
    await run("binary server event", () => asked((done) => io.serverSideEmit("binary server event", binary, done)));
  }
  await run("disconnect", async () => {
    const gone = once(b.socket, "disconnect");
    io.in("rB").disconnectSockets(true);
    await gone;
  });
  step = "stop";
  await Promise.all([a.stop(), b.stop()]);
}

async function emitter() {
  const publisher = connect(redis);
  record(publisher, "emitter", () => "");
  const from = new Emitter(publisher);
  const run = (name, work) => does([{ publisher }], name, work);
  await broadcasts(run, from, "0123456789abcdefghij");
  await commands(run, from);
  await run("disconnect", () => from.in("rB").disconnectSockets(true));
  publisher.disconnect();
}

await servers("classic", (pub, sub) => createAdapter(pub, sub), true);
await servers("classic-specific", (pub, sub) => createAdapter(pub, sub, { publishOnSpecificResponseChannel: true }), true);
for (const mode of ["dynamic", "static", "dynamic-private"]) {
  await servers(`sharded-${mode}`, (pub, sub) => createShardedAdapter(pub, sub, { subscriptionMode: mode }), false);
}
await emitter();
