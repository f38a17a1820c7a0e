// The parsers that clients of harness.mjs can be made with, by name.
import { EventEmitter } from "node:events";
import msgpack from "socket.io-msgpack-parser";

// plain writes each packet as the JSON of the whole of it: the smallest parser that the documentation of Socket.IO
// lets programs bring along. It knows no binary values.
class Encoder {
  encode(packet) {
    const { type, nsp, id, data } = packet;
    return [JSON.stringify({ type, nsp, id, data })];
  }
}

class Decoder extends EventEmitter {
  add(chunk) {
    const packet = JSON.parse(chunk);
    if (!Number.isInteger(packet.type) || typeof packet.nsp !== "string") {
      throw new Error("no packet");
    }
    this.emit("decoded", packet);
  }

  destroy() {}
}

export const parsers = { msgpack, plain: { Encoder, Decoder } };
