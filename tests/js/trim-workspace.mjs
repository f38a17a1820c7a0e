// Cuts the workspace of the official repository down to some of its packages, and its tools to those that compile and test
// them: node trim-workspace.mjs FOLDER PACKAGE...
// The whole workspace needs programs that npm does not carry. Versions stay those of its lock file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const tools = [
  "@sinonjs/fake-timers",
  "@types/mocha",
  "@types/node",
  "@types/ws",
  "base64-arraybuffer",
  "blob",
  "expect.js",
  "has-cors",
  "mocha",
  "rimraf",
  "text-blob-builder",
  "tsx",
  "typescript",
];

const [folder, ...packages] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const root = read("package.json");
const lock = read("package-lock.json");

root.workspaces = packages;
root.devDependencies = Object.fromEntries(tools.map((tool) => [tool, lock.packages[`node_modules/${tool}`].version]));
writeFileSync(join(folder, "package.json"), JSON.stringify(root, null, 2));
