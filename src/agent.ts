import { systemDeps } from "./deps.js";
import { runAgent } from "./keystore/agent/server.js";

// The process that `meshman keystore unlock` leaves behind. On SIGUSR1 Node would let anybody on this machine look into its
// memory with a debugger, so that signal ends it like the others.
await runAgent(systemDeps({ signals: ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] }));
