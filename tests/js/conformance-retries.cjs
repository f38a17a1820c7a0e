// Loaded by mocha in front of the official suites. One test of theirs sends a GET and a POST on two connections at the
// same time and expects the GET to arrive first; every server fails it now and then. It alone may be tried again.
"use strict";

const racing = /HTTP long-polling (should )?forcefully closes? the session$/;

exports.mochaHooks = {
  beforeEach() {
    if (racing.test(this.currentTest.fullTitle())) {
      this.currentTest.retries(2);
    }
  },
};
