import { runClipboard } from "./cli/password/clipboard-process.js";
import { systemDeps } from "./deps.js";

// The process that `meshman password get --clip` leaves behind, until the clipboard is cleared. On SIGUSR1 Node would let anybody on
// this machine look into its memory with a debugger, so that signal ends it like the others.
await runClipboard(systemDeps({ signals: ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] }));
