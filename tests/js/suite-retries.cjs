// Loaded by mocha in front of the official suites. Some tests of theirs race with the machine, whatever server they run
// against; they alone may be tried again, and are named when they were.
"use strict";

const racing = [
  // Sends a GET and a POST on two connections at the same time and expects the GET to arrive first.
  /HTTP long-polling (should )?forcefully closes? the session$/,
  // Connects to port 80, where nobody listens, while it moves a clock of its own by hand: it fails when the refusal comes
  // sooner than the clock moves.
  /^connection reconnect timeout should use /,
];

exports.mochaHooks = {
  beforeEach() {
    const title = this.currentTest.fullTitle();
    if (racing.some((pattern) => pattern.test(title))) {
      this.currentTest.retries(4);
    }
  },
  // A test that fails leaves its clock behind, in which all the tests after it would wait for ever.
  afterEach() {
    globalThis.setTimeout.clock?.uninstall();
  },
};
