import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { manualPages } from "./cli/manual.js";
import { systemDeps } from "./deps.js";
import { VERSION } from "./version.js";

// Writes man/ anew from the tree of commands: `npm run man`.
const folder = new URL("../man/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) rmSync(new URL(file, folder));
for (const [file, text] of manualPages(systemDeps(), VERSION)) writeFileSync(new URL(file, folder), text);
