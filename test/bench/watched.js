// Loaded before the program, with `--import`: leaves in the file BENCH_REPORT what the process has needed.
import { subscribe } from "node:diagnostics_channel";
import * as fs from "node:fs";

const sockets = [];
subscribe("net.client.socket", ({ socket }) => sockets.push(socket));

/** The most memory that was in use, in octets. What `resourceUsage` says on Linux counts that of the parent in. */
const peak = () => {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
};

process.on("exit", () => {
  const sent = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  fs.writeFileSync(process.env.BENCH_REPORT, JSON.stringify({ peak: peak(), sent }));
});
