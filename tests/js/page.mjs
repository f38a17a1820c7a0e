// Drives the page of cmd/server in a real browser: two tabs talk to each other, one leaves, a login is refused, the
// server goes away and comes back, websockets fail.
//
// Usage: page.mjs URL POLLING_URL FOLDER. URL is the address of a gateway, POLLING_URL that of one that serves no
// websockets, FOLDER gets screenshots. CHROMIUM names the browser. The script writes lines to stdout: "# …" for a step that
// is done, and "stop" or "start" to have the gateway at URL stopped or started again, which is answered by a line on stdin.
// It ends with 0 when all is well.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url, pollingURL, folder] = process.argv.slice(2);
const PATIENCE = 15_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  process.stdout.write(`${what}\n`);
  assert.equal((await answers.next()).value, what);
}

const done = (step) => process.stdout.write(`# ${step}\n`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
  ],
});

// Tab is one tab of the page, with a cookie jar of its own.
class Tab {
  static async open(address, options = {}) {
    const tab = new Tab();
    tab.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    tab.context.setDefaultTimeout(PATIENCE);
    tab.page = await tab.context.newPage();
    tab.watch(new URL(address).host);
    await tab.page.goto(address);
    return tab;
  }

  // watch collects whatever must not happen: errors, violations of the content policy, requests to elsewhere, dialogs.
  watch(host) {
    this.problems = [];
    this.serverIsAway = false;
    const { page, problems } = this;
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("request", (request) => {
      if (new URL(request.url()).host !== host) {
        problems.push(`request to ${request.url()}`);
      }
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !this.serverIsAway) {
        problems.push(`console: ${message.text()}`);
      }
    });
  }

  async logIn(name) {
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByRole("button", { name: "Log in" }).click();
  }

  async state(text) {
    await this.page.getByRole("status").filter({ hasText: text }).waitFor();
  }

  async join(room) {
    await this.page.getByLabel("Room to join").fill(room);
    await this.page.getByRole("button", { name: "Join" }).click();
    await this.page.getByRole("heading", { name: room, exact: true }).waitFor();
  }

  async choose(room) {
    await this.room(room).click();
    await this.page.getByRole("heading", { name: room, exact: true }).waitFor();
  }

  room(room) {
    return this.page.getByRole("listitem").filter({ has: this.page.getByRole("button", { name: `Leave ${room}` }) })
      .getByRole("button").first();
  }

  async leave(room) {
    await this.page.getByRole("button", { name: `Leave ${room}` }).click();
    await this.page.getByRole("button", { name: `Leave ${room}` }).waitFor({ state: "detached" });
  }

  async say(text) {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
    await this.page.getByLabel("Message", { exact: true }).press("Enter");
  }

  messages() {
    return this.page.getByRole("log", { name: "Messages" }).getByRole("listitem");
  }

  // hears waits for a message from somebody in the chat that is shown.
  async hears(from, text) {
    await this.messages().filter({ hasText: from }).filter({ hasText: text }).waitFor();
  }

  async texts() {
    return this.page.locator("#messages .text").allTextContents();
  }

  // logged waits for a line among the events.
  async logged(direction, name, args = "") {
    const lines = this.page.getByRole("log", { name: "Events" }).getByRole("listitem");
    await lines.filter({ has: this.page.getByRole("img", { name: direction }) })
      .filter({ hasText: name }).filter({ hasText: args }).first().waitFor();
  }

  async shoot(name) {
    await this.page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
  }

  // fits asserts that nothing is wider than the window.
  async fits() {
    const wide = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide[0] <= wide[1], `the page is ${wide[0]} wide in a window of ${wide[1]}`);
  }

  async close() {
    assert.deepEqual(this.problems, []);
    await this.context.close();
  }
}

async function twoTabsTalk() {
  const ann = await Tab.open(url);
  const bob = await Tab.open(url, { colorScheme: "dark" });
  await ann.shoot("1-welcome-light");
  await bob.shoot("1-welcome-dark");
  await ann.logIn("ann");
  await bob.logIn("bob");
  await ann.state("Logged in · websocket");
  await bob.state("Logged in · websocket");
  await ann.logged("received", "authenticated");
  await ann.join("lobby");
  await bob.join("lobby");
  await ann.say("hello bob");
  await bob.hears("ann", "hello bob");
  await bob.say("hello ann");
  await ann.hears("bob", "hello ann");
  await ann.hears("You", "hello bob");
  await ann.logged("sent", "chat:message", "hello bob");
  await ann.logged("received", "chat:message (ack)");
  await bob.logged("received", "chat:message", '"from":"ann"');
  done("two tabs talk to each other");

  const markup = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
  await ann.say(markup);
  await bob.hears("ann", markup);
  assert.equal(await bob.page.locator("#messages img, #messages script, #events img").count(), 0);
  done("markup stays text");

  await ann.join("ops");
  await bob.join("ops");
  await ann.say("deploying in five minutes");
  await bob.hears("ann", "deploying");
  await ann.choose("lobby");
  await ann.say("anybody here?");
  await bob.room("lobby").getByText("1", { exact: true }).waitFor();
  await shootAll(ann, "2-chat-light");
  await shootAll(bob, "2-chat-dark");

  // All members see broadcasts in one order: when the second message is there, the first one is not on its way any more.
  await bob.leave("lobby");
  await ann.say("bob must not read this");
  await ann.choose("ops");
  await ann.say("but this");
  await bob.hears("ann", "but this");
  assert.ok(!(await bob.page.locator("body").textContent()).includes("must not read"));
  done("who has left gets nothing any more");
  return [ann, bob];
}

async function shootAll(tab, name) {
  await tab.shoot(`${name}-wide`);
  for (const [suffix, width, height] of [["medium", 900, 900], ["phone", 390, 844], ["small", 320, 600]]) {
    await tab.page.setViewportSize({ width, height });
    await tab.fits();
    await tab.page.screenshot({ path: `${folder}/${name}-${suffix}.png`, animations: "disabled", fullPage: true });
  }
  await tab.page.setViewportSize({ width: 1280, height: 800 });
}

async function serverComesBack(ann, bob) {
  const carol = await Tab.open(url);
  ann.serverIsAway = bob.serverIsAway = carol.serverIsAway = true;
  await ann.choose("lobby");
  await ask("stop");
  await carol.logIn("carol");
  await carol.state("Trying again");
  await carol.logIn("caroline");
  await carol.state("Trying again");
  await carol.page.locator("[role=alert]:not(:empty)").waitFor({ state: "detached" });
  await ann.state("Trying again");
  await bob.state("Trying again");
  await ann.shoot("3-away");
  await ask("start");
  await ann.state("Logged in");
  await bob.state("Logged in");
  await bob.hears("", "Connected again");
  await ann.hears("", "Connected again");
  await carol.page.getByText("caroline").waitFor();
  await carol.close();
  ann.serverIsAway = bob.serverIsAway = false;
  await ann.page.getByRole("heading", { name: "lobby", exact: true }).waitFor();
  await ann.choose("ops");
  await ann.say("back in ops");
  await bob.hears("ann", "back in ops");
  done("after the server came back everybody is where they were");
}

async function refusedLoginTellsWhy() {
  const nobody = await Tab.open(url);
  await nobody.logIn("   ");
  await nobody.page.getByRole("alert").filter({ hasText: "Invalid token to authenticate!" }).waitFor();
  await nobody.state("Refused");
  await nobody.logged("received", "unauthenticated", "Invalid token");
  await nobody.shoot("4-refused");
  await nobody.logIn("carol");
  await nobody.state("Logged in");
  assert.equal(await nobody.page.getByRole("alert").filter({ hasText: "Invalid" }).count(), 0);
  await nobody.page.getByRole("button", { name: "Log out" }).click();
  await nobody.state("Not connected");
  await nobody.page.getByLabel("Name").waitFor();
  await nobody.close();
  done("a refused login tells why, and can be repeated");
}

async function websocketsFail() {
  const tabs = [];
  for (const name of ["dan", "eve"]) {
    const tab = await Tab.open(pollingURL);
    tab.serverIsAway = true; // the browser complains about each websocket that fails
    await tab.logIn(name);
    await tab.state("Logged in · polling");
    await tab.join("lobby");
    tabs.push(tab);
  }
  const [dan, eve] = tabs;
  for (let i = 0; i < 20; i++) {
    await dan.say(`message ${i}`);
  }
  await eve.hears("dan", "message 19");
  assert.deepEqual(await eve.texts(), Array.from({ length: 20 }, (_, i) => `message ${i}`));
  await eve.say("all there");
  await dan.hears("eve", "all there");
  await dan.page.getByRole("button", { name: "Log out" }).click();
  await dan.state("Not connected");
  await Promise.all(tabs.map((tab) => tab.close()));
  done("without websockets everything goes by polling");
}

const [ann, bob] = await twoTabsTalk();
await serverComesBack(ann, bob);
await ann.close();
await bob.close();
await refusedLoginTellsWhy();
await websocketsFail();
await browser.close();
process.exit(0);
