// What the program consists of from the start: the launcher takes these two.
export { runCommandLine as main } from "./cli/run.js";
export { systemDeps } from "./deps.js";
