// Writes the manual pages anew with the built program: `npm run man`.
import { createRequire } from "node:module";

const { load } = createRequire(import.meta.url)("../bin/meshman.js");

// What all others need is in the file of the program itself.
load("main.cjs");
load("man.cjs");
