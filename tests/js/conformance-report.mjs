// Prints the counts of one mocha run: node conformance-report.mjs RESULT.json TESTS
// Exits with 1 unless exactly TESTS tests ran and all of them passed.
import { readFileSync } from "node:fs";

const [file, want] = process.argv.slice(2);
const result = JSON.parse(readFileSync(file, "utf8"));
const { tests, passes, failures, pending } = result.stats;

console.log(`${passes}/${want} passed, ${failures} failed, ${pending} pending`);
for (const test of result.tests) {
  if (test.currentRetry > 0) {
    console.log(`  tried ${test.currentRetry + 1} times: ${test.fullTitle}`);
  }
}
for (const test of result.failures) {
  console.log(`  failed: ${test.fullTitle}\n    ${test.err.message}`);
}
process.exitCode = tests === Number(want) && passes === tests ? 0 : 1;
