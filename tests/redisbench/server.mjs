// Socket.IO with @socket.io/redis-adapter, or alone, as the counterpart of the server in server_test.go. It runs in tests/js.
// The first line of its output is its port.
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Server } from "socket.io";
import { confirmations, connect } from "./fixtures/redis.mjs";

const [, address, adapter] = process.argv;
const server = createServer();
const io = new Server(server, { path: "/io/" });
let confirmed = async () => {};
if (adapter !== "alone") {
  const redis = { nodes: [address] };
  const publisher = connect(redis);
  const subscriber = connect(redis);
  confirmed = confirmations(subscriber);
  io.adapter(adapter === "sharded" ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber));
}
io.on("connection", (socket) => {
  socket.on("cast", (n, text) => {
    for (let i = 0; i < n; i++) {
      io.emit("news", i, text);
    }
  });
});
await confirmed();
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
