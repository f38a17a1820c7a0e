// What both servers of the benchmark in this folder do with a client's events.

const numberDigits = 10;
let number = 0;

function text(size) {
  number += 1;
  return String(number).padStart(numberDigits, "0") + "x".repeat(size - numberDigits);
}

export function application(io, socket) {
  socket.on("echo", (value, ack) => ack(value));
  socket.on("cast", ({ n, size, room = "io-default" }, ack) => {
    for (let i = 0; i < n; i++) {
      io.to(room).emit("m", text(size));
    }
    ack?.();
  });
  socket.on("hop", async ({ room }, ack) => {
    await socket.leave(room);
    await socket.join(room);
    ack();
  });
}

export function listen(server) {
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${JSON.stringify({ listening: server.address().port })}\n`));
  process.stdin.on("end", () => process.exit(0)).resume();
}
