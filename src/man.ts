import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manualPages } from "./cli/manual.js";
import { systemDeps } from "./deps.js";
import { loadTranslator } from "./messages/translate.js";

// Writes man/ anew from the tree of commands: `npm run man`.
const deps = systemDeps();
const folder = join(deps.cwd, "man");
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) rmSync(join(folder, file));
void loadTranslator("en").then((translate) => {
  for (const [file, text] of manualPages(deps, translate)) writeFileSync(join(folder, file), text);
});
