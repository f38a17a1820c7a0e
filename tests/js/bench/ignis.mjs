// The application of the benchmark (tests/bench) on the original SocketIOServerHelper of @venizia/ignis-helpers, which brings
// authentication, rooms and the event `ping` itself, and needs Redis. Its argument is JSON: {"redis": "host:port",
// "logs": folder, "ping": ms, "appPing": ms}. The first line of its output is {"listening": PORT}; it ends with its input.
import { createServer } from "node:http";
import { confirmations } from "../fixtures/redis.mjs";
import { application, listen } from "./application.mjs";

const options = JSON.parse(process.argv[2]);
process.env.APP_ENV_LOGGER_FOLDER_PATH = options.logs; // read when the package is loaded
console._stdout = process.stderr; // where its console log goes
const { RedisHelper } = await import("@venizia/ignis-helpers");
const { SocketIOServerHelper } = await import("@venizia/ignis-helpers/socket-io");

const [host, port] = options.redis.split(":");
const redis = new RedisHelper({ name: "bench", host, port: Number(port), password: "", autoConnect: false });

const server = createServer();
const helper = new SocketIOServerHelper({
  runtime: "node",
  identifier: "BENCH",
  server,
  serverOptions: { path: "/socket.io/", serveClient: false, pingInterval: options.ping },
  redisConnection: redis,
  pingInterval: options.appPing,
  authenticateTimeout: 60_000,
  authenticateFn: async () => true,
});
const confirmed = confirmations(helper.redisSub);
await helper.configure();
await confirmed();
const io = helper.getIOServer();
io.on("connection", (socket) => application(io, socket));

listen(server);
