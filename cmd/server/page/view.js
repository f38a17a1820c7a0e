// What the page looks like at any moment. All text goes through textContent: nothing that comes from anybody is ever HTML.

const MOST_EVENTS = 300;
const MOST_MESSAGES = 500;
const LONGEST_ARGS = 600;

export const $ = (id) => document.getElementById(id);

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const preciseClock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});

// element makes <tag class=…> with children, which are elements or text.
function element(tag, className, ...children) {
  const e = document.createElement(tag);
  e.className = className;
  e.append(...children);
  return e;
}

function setAvatar(e, name) {
  let hash = 0;
  for (const c of name) {
    hash = (hash * 31 + c.codePointAt(0)) % 360;
  }
  e.textContent = [...name][0]?.toUpperCase() ?? "";
  e.style.setProperty("--hue", hash);
  return e;
}

export function showState(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

// showSession shows who is logged in; nobody, when name is empty.
export function showSession(name, sid) {
  $("login").hidden = name !== "";
  $("session").hidden = name === "";
  setAvatar($("avatar"), name);
  $("user").textContent = name;
  $("sid").textContent = $("sid").title = sid || "reconnecting…";
  document.title = name ? `${name} · actio` : "actio";
}

export function enableRooms(enabled) {
  for (const e of [...$("join").elements, ...$("send").elements]) {
    e.disabled = !enabled;
  }
}

// showAlert shows what went wrong, an empty text hides it.
export function showAlert(id, text) {
  $(id).textContent = text;
}

const arrows = { in: ["↓", "received"], out: ["↑", "sent"], state: ["•", "connection"] };

// logEvent adds a line on top of the events.
export function logEvent(direction, name, args) {
  const [arrow, spoken] = arrows[direction];
  let text = args.map((arg) => (direction === "state" ? arg : JSON.stringify(arg))).join(", ");
  if (text.length > LONGEST_ARGS) {
    text = `${text.slice(0, LONGEST_ARGS)}…`;
  }
  const sign = element("span", "sign", arrow);
  sign.title = spoken;
  sign.role = "img";
  sign.ariaLabel = spoken;
  const line = element("li", direction, element("time", "", preciseClock.format()), sign, element("b", "", name));
  if (text) {
    line.append(element("code", "", text));
  }
  $("events").prepend(line);
  while ($("events").childElementCount > MOST_EVENTS) {
    $("events").lastElementChild.remove();
  }
}

// showRooms shows the list of rooms; choose and leave are called with a room.
export function showRooms(rooms, current, choose, leave) {
  $("rooms").replaceChildren(...[...rooms.values()].map((room) => {
    const open = element("button", "open", element("span", "", room.name));
    open.ariaPressed = String(room === current);
    if (room.unread > 0) {
      const badge = element("span", "badge", String(room.unread));
      badge.ariaLabel = `${room.unread} unread`;
      open.append(badge);
    }
    open.onclick = () => choose(room);
    const close = element("button", "leave", "Leave");
    close.ariaLabel = `Leave ${room.name}`;
    close.onclick = () => leave(room);
    return element("li", "row", open, close);
  }));
}

// showChat shows the chat of a room, or how to begin when there is none.
export function showChat(room) {
  $("welcome").hidden = Boolean(room);
  $("messages").hidden = $("send").hidden = !room;
  $("chat-title").textContent = room ? room.name : "Chat";
  $("text").placeholder = room ? `Write to ${room.name}` : "";
  $("messages").replaceChildren(...(room?.messages ?? []));
  if (room && room.messages.length === 0) {
    $("messages").append(element("li", "note", "Nothing here yet. Whatever you write reaches everybody in this room."));
  }
  showLatest();
}

function showLatest() {
  $("messages").scrollTop = $("messages").scrollHeight;
}

// addMessage adds one entry to the chat of a room, which is shown at once if the room is current.
export function addMessage(room, entry, current) {
  if (room === current && room.messages.length === 0) {
    $("messages").replaceChildren();
  }
  room.messages.push(entry);
  if (room === current) {
    $("messages").append(entry);
  }
  if (room.messages.length > MOST_MESSAGES) {
    room.messages.shift().remove();
  }
  showLatest();
}

// message is an entry of a chat; note is one of the page itself.
export function message({ from, text, time }, own) {
  const when = element("time", "", clock.format(new Date(time)));
  when.dateTime = time;
  const head = element("p", "head", element("strong", "", own ? "You" : from), when);
  const face = setAvatar(element("span", "avatar", ""), from);
  face.ariaHidden = "true";
  return element("li", own ? "message own" : "message", face, element("div", "", head, element("p", "text", text)));
}

export function note(text) {
  return element("li", "note", text);
}
