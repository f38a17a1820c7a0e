// Prints the counts of one mocha run: node suite-report.mjs RESULT.json TESTS PENDING
// Exits with 1 unless exactly TESTS tests ran and all of them passed, beside PENDING that the suite itself leaves out.
import { readFileSync } from "node:fs";

const [file, want, left] = process.argv.slice(2);
const result = JSON.parse(readFileSync(file, "utf8"));
const { passes, failures, pending } = result.stats;

console.log(`${passes}/${want} passed, ${failures} failed, ${pending} pending`);
for (const test of result.tests) {
  if (test.currentRetry > 0) {
    console.log(`  tried ${test.currentRetry + 1} times: ${test.fullTitle}`);
  }
}
for (const test of result.failures) {
  console.log(`  failed: ${test.fullTitle}\n    ${test.err.message}`);
}
process.exitCode = passes === Number(want) && pending === Number(left) && failures === 0 ? 0 : 1;
