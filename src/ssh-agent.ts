import { runSshAgent } from "./cli/ssh/agent/server.js";
import { systemDeps } from "./deps.js";

// The process that `meshman ssh agent` leaves behind. On SIGUSR1 Node would let anybody on this machine look into its memory with
// a debugger, so that signal ends it like the others.
await runSshAgent(systemDeps({ signals: ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] }));
