// The page: logs in, joins rooms, chats, and shows every event. socket.js speaks the protocol, view.js shows.

import { Socket } from "./socket.js";
import { $, addMessage, enableRooms, logEvent, message, note, showAlert, showChat, showRooms, showSession, showState } from "./view.js";

const path = document.documentElement.dataset.path;

let socket = null;
let name = "";
let loggedIn = false;
let rooms = new Map(); // by name: {name, messages, unread}
let current = null;

function logIn(as) {
  const last = socket;
  socket = null;
  last?.disconnect();
  name = as;
  showAlert("refusal", "");
  const own = new Socket(path, { token: name });
  const ifOwn = (f) => (...args) => own === socket && f(...args); // a former socket has nothing to say any more
  own.on("traffic", ifOwn(logEvent)).on("state", ifOwn(changed)).on("event", ifOwn(happened));
  socket = own;
  socket.connect();
}

function logOut(refusal = "") {
  const last = socket;
  socket = null;
  loggedIn = false;
  last.disconnect();
  rooms = new Map();
  choose(null);
  enableRooms(false);
  showSession("", "");
  showAlert("refusal", refusal);
  showState(refusal ? "refused" : "offline", refusal ? "Refused" : "Not connected");
  logEvent("state", refusal ? "refused" : "logged out", []);
  $("name").focus();
}

// changed: the connection has another state.
function changed(state, detail) {
  logEvent("state", state, [detail]);
  switch (state) {
    case "connecting":
      return showState("waiting", loggedInOnce() ? "Reconnecting…" : "Connecting…");
    case "connected":
      showState("waiting", `Logging in…`);
      return socket.emit("authenticate");
    case "waiting":
      lost();
      return showState("waiting", `Trying again: ${detail}`);
    case "offline":
      return logOut(detail);
  }
}

const loggedInOnce = () => $("login").hidden;

function lost() {
  if (loggedIn) {
    loggedIn = false;
    enableRooms(false);
    showSession(name, "");
  }
}

// happened: an event came.
function happened(event, [data]) {
  switch (event) {
    case "authenticated":
      return welcomed(data.id);
    case "unauthenticated":
      return logOut(data.message);
    case "chat:message":
      return heard(data);
  }
}

async function welcomed(sid) {
  const again = loggedInOnce();
  loggedIn = true;
  showState("ready", `Logged in · ${socket.transport}`);
  showSession(name, sid);
  enableRooms(true);
  if (!again) {
    $("room").select();
    $("room").focus();
  }
  if (rooms.size > 0) {
    await join([...rooms.keys()], current?.name);
    rooms.forEach((room) => addMessage(room, note("Connected again. What was written meanwhile is missing."), current));
  }
}

// join asks for rooms, keeps those that the server let this page join, and shows one.
async function join(names, shown) {
  showAlert("join-problem", "");
  try {
    const [joined] = await socket.request("join", { rooms: names });
    const refused = names.filter((n) => !joined.includes(n));
    refused.forEach((n) => rooms.delete(n));
    joined.filter((n) => !rooms.has(n)).forEach((n) => rooms.set(n, { name: n, messages: [], unread: 0 }));
    showAlert("join-problem", refused.length ? `The server does not let you join ${refused.join(", ")}.` : "");
    choose(rooms.get(shown) ?? rooms.get(current?.name) ?? null);
  } catch (error) {
    showAlert("join-problem", `Not joined: ${error.message}.`);
  }
}

async function leave(room) {
  showAlert("join-problem", "");
  try {
    await socket.request("leave", { rooms: [room.name] });
    rooms.delete(room.name);
    choose(room === current ? [...rooms.values()].at(-1) ?? null : current);
    $("room").focus();
  } catch (error) {
    showAlert("join-problem", `Not left: ${error.message}.`);
  }
}

function choose(room) {
  const other = room !== current;
  current = room;
  if (room) {
    room.unread = 0;
  }
  showRooms(rooms, current, choose, leave);
  if (other) {
    showAlert("send-problem", "");
    showChat(room);
    $("text").focus();
  }
}

function heard(data) {
  const room = rooms.get(data.room);
  if (!room) {
    return;
  }
  addMessage(room, message(data, data.from === name), current);
  if (room !== current) {
    room.unread++;
    showRooms(rooms, current, choose, leave);
  }
}

async function say(text) {
  showAlert("send-problem", "");
  try {
    const [answer] = await socket.request("chat:message", { room: current.name, text });
    if (answer?.error) {
      throw new Error(answer.error);
    }
  } catch (error) {
    showAlert("send-problem", `Not sent: ${error.message}.`);
    $("text").value ||= text;
  }
}

function onSubmit(form, action) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

onSubmit("login", () => logIn($("name").value.trim()));
onSubmit("join", () => {
  const room = $("room").value.trim();
  if (room) {
    join([room], room);
  }
});
onSubmit("send", () => {
  const text = $("text").value.trim();
  if (text) {
    $("text").value = "";
    say(text);
  }
});
$("logout").addEventListener("click", () => logOut());
$("clear").addEventListener("click", () => $("events").replaceChildren());
enableRooms(false);
$("name").focus();
