// A small client of Socket.IO 5 over Engine.IO 4, to be read: websocket first, long-polling where websockets fail,
// acknowledgements, heartbeat, reconnecting with backoff. It knows the namespace "/" and text, nothing else. Programs use
// the official socket.io-client.

const SEPARATOR = "\x1e"; // between the packets of one polling body
const OPEN_TIMEOUT = 5_000;
const ACK_TIMEOUT = 10_000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;

class WebSocketTransport {
  name = "websocket";

  constructor(path, { packet, lost }) {
    const url = new URL(`${path}/?EIO=4&transport=websocket`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => packet(data);
    this.socket.onclose = () => lost("transport close");
  }

  send(packet) {
    this.socket.send(packet);
  }

  close() {
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

class PollingTransport {
  name = "polling";
  sid = "";
  queue = [];
  sending = false;
  ended = new AbortController();

  constructor(path, { packet, lost }) {
    this.path = path;
    this.packet = packet;
    this.lost = lost;
    this.poll();
  }

  async poll() {
    await this.attempt(async () => {
      while (!this.ended.signal.aborted) {
        const body = await this.fetch("GET");
        for (const packet of body.split(SEPARATOR)) {
          if (packet[0] === "0") {
            this.sid = JSON.parse(packet.slice(1)).sid;
          }
          this.packet(packet);
        }
      }
    });
  }

  // Whatever is sent while a POST is under way travels together in the next one.
  async send(packet) {
    this.queue.push(packet);
    if (this.sending) {
      return;
    }
    this.sending = true;
    await this.attempt(async () => {
      while (this.queue.length > 0) {
        await this.fetch("POST", this.queue.splice(0).join(SEPARATOR));
      }
    });
    this.sending = false;
  }

  async attempt(work) {
    try {
      await work();
    } catch {
      if (!this.ended.signal.aborted) {
        this.lost("transport error");
      }
    }
  }

  async fetch(method, body, signal = this.ended.signal) {
    const session = this.sid && `&sid=${encodeURIComponent(this.sid)}`;
    const url = `${this.path}/?EIO=4&transport=polling${session}`;
    const response = await fetch(url, { method, body, signal, cache: "no-store", keepalive: signal === null });
    if (!response.ok) {
      throw new Error(`HTTP ${response.status}`);
    }
    return response.text();
  }

  close() {
    this.ended.abort();
    if (this.sid) {
      this.fetch("POST", [...this.queue, "1"].join(SEPARATOR), null).catch(() => {});
    }
  }
}

// Socket fires, to whoever listens with on():
//   state       (state, detail)           offline, connecting, connected or waiting, and what there is to say about it
//   event       (name, args)              an event of the server; reply to it with the function at the end of args, if any
//   traffic     (direction, name, args)   "in" or "out": every event and acknowledgement
export class Socket {
  id = "";
  transport = "";
  #path;
  #auth;
  #listeners = { state: [], event: [], traffic: [] };
  #line = null; // the transport
  #wanted = false; // reconnect when the connection is lost
  #opened = false; // the handshake of Engine.IO is done
  #connected = false; // and that of Socket.IO
  #attempts = 0;
  #patience = OPEN_TIMEOUT; // how long the line may be silent
  #watchdog;
  #retry;
  #lastAck = 0;
  #acks = new Map();

  constructor(path, auth) {
    this.#path = path;
    this.#auth = auth;
  }

  on(kind, listener) {
    this.#listeners[kind].push(listener);
    return this;
  }

  connect() {
    this.#wanted = true;
    this.#attempts = 0;
    this.#open(WebSocketTransport);
  }

  disconnect(reason = "closed by this page") {
    this.#wanted = false;
    clearTimeout(this.#retry);
    if (this.#connected) {
      this.#line.send("41");
    }
    this.#lost(reason);
  }

  emit(name, ...args) {
    this.#emit("", name, args);
  }

  // request emits and resolves with the arguments of the acknowledgement.
  request(name, ...args) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastAck;
      this.#emit(id, name, args);
      const timer = setTimeout(() => this.#settle(id, null, new Error("no answer in time")), ACK_TIMEOUT);
      this.#acks.set(id, { name, resolve, reject, timer });
    });
  }

  #emit(id, name, args) {
    if (!this.#connected) {
      throw new Error("not connected");
    }
    this.#line.send(`42${id}${JSON.stringify([name, ...args])}`);
    this.#fire("traffic", "out", name, args);
  }

  #fire(kind, ...args) {
    this.#listeners[kind].forEach((listener) => listener(...args));
  }

  #open(Transport) {
    this.#opened = false;
    this.#patience = OPEN_TIMEOUT;
    this.#fire("state", "connecting", Transport === WebSocketTransport ? "websocket" : "polling");
    const line = new Transport(this.#path, {
      packet: (packet) => this.#line === line && this.#packet(packet),
      lost: (reason) => this.#line === line && this.#lost(reason),
    });
    this.#line = line;
    this.#watch();
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost("ping timeout"), this.#patience);
  }

  #lost(reason) {
    clearTimeout(this.#watchdog);
    const failed = this.#line !== null && !this.#opened;
    const fallback = failed && this.#wanted && this.#line.name === "websocket";
    this.#line?.close();
    this.#line = null;
    this.#connected = false;
    this.id = this.transport = "";
    for (const id of this.#acks.keys()) {
      this.#settle(id, null, new Error("connection lost"));
    }
    if (fallback) {
      this.#open(PollingTransport);
    } else if (this.#wanted) {
      const delay = Math.min(FIRST_DELAY * 2 ** this.#attempts++, LONGEST_DELAY) * (0.5 + Math.random());
      this.#retry = setTimeout(() => this.#open(WebSocketTransport), delay);
      this.#fire("state", "waiting", failed ? "the server does not answer" : reason);
    } else {
      this.#fire("state", "offline", reason);
    }
  }

  // One packet of Engine.IO.
  #packet(packet) {
    try {
      switch (packet[0]) {
        case "0": {
          const { pingInterval, pingTimeout } = JSON.parse(packet.slice(1));
          this.#patience = pingInterval + pingTimeout;
          this.#opened = true;
          this.#line.send(`40${JSON.stringify(this.#auth)}`);
          break;
        }
        case "1":
          return this.#lost("transport close");
        case "2":
          this.#line.send("3");
          break;
        case "4":
          this.#message(packet.slice(1));
      }
    } catch (error) {
      console.error(error);
      return this.#lost("parse error");
    }
    if (this.#line) {
      this.#watch();
    }
  }

  // One packet of Socket.IO: its type, the id of an acknowledgement or nothing, JSON or nothing.
  #message(message) {
    const [, type, id, json] = /^(\d)(\d*)(.*)$/s.exec(message);
    const data = json && JSON.parse(json);
    switch (type) {
      case "0":
        this.#connected = true;
        this.#attempts = 0;
        this.id = data.sid;
        this.transport = this.#line.name;
        return this.#fire("state", "connected", this.transport);
      case "1":
        return this.disconnect("disconnected by the server");
      case "2":
        return this.#event(id, data);
      case "3":
        return this.#settle(Number(id), data);
      case "4":
        return this.disconnect(data.message);
    }
  }

  #event(id, [name, ...args]) {
    this.#fire("traffic", "in", name, args);
    const line = this.#line;
    const reply = (...answer) => line === this.#line && line.send(`43${id}${JSON.stringify(answer)}`);
    this.#fire("event", name, id === "" ? args : [...args, reply]);
  }

  #settle(id, answer, error) {
    const ack = this.#acks.get(id);
    this.#acks.delete(id);
    clearTimeout(ack?.timer);
    if (!ack || error) {
      return ack?.reject(error);
    }
    this.#fire("traffic", "in", `${ack.name} (ack)`, answer);
    ack.resolve(answer);
  }
}
