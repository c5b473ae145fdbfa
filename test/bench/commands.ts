import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { ratio, table } from "./table.js";

const RUNS = 7;

/** Runs one command to its end, and gives the milliseconds that it took. */
const timed = (words: readonly string[], folder: string, home: string): number => {
  const began = performance.now();
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, MESHMAN_HOME: home, CI: "true" };
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return performance.now() - began;
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** The client's whole commands over HTTP, as multiples of what Node itself needs to start. */
export const commands = (folder: string, port: number): string => {
  const portal = ["--portal", `http://127.0.0.1:${port}`];
  const times = { node: [] as number[], create: [] as number[], connect: [] as number[] };
  for (let index = 0; index < RUNS; index++) {
    const home = path.join(folder, `home-${index}`);
    const device = path.join(folder, `device-${index}`);
    const account = `cli${index}@example.com`;
    timed(["bin/meshman.js", "profile", "create", "--no-passphrase"], folder, home);
    times.node.push(timed(["-e", "0"], folder, home));
    times.create.push(timed(["bin/meshman.js", "account", "create", account, ...portal], folder, home));
    const connect = ["device", "connect", account, ...portal, "--trust-on-first-use", "--no-passphrase"];
    times.connect.push(timed(["bin/meshman.js", ...connect], folder, device));
  }
  const multiple = (values: readonly number[]): string => ratio(median(values) / median(times.node));
  return table([
    [`Commands over HTTP, medians of ${RUNS}`, "times node -e 0"],
    ["  account create", multiple(times.create)],
    ["  device connect", multiple(times.connect)],
  ]);
};
