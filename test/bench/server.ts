import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { RATE_KINDS } from "../../src/portal/rates.js";
import { residentMemory, withChildren } from "./machine.js";
import { AUTHORITY } from "./wire.js";

const LAUNCHER = path.join("bin", "meshman.js");

/** The built program, serving. */
export interface Serving {
  readonly ports: readonly number[];
  /** Its processes. */
  pids(): readonly number[];
  /** Resident memory of all of them, in octets. */
  memory(): number;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** As `--store` takes it. */
  readonly store: string;
  /** Where the log's key is; made where there is none. */
  readonly keyFile: string;
  /** What the portal says of itself goes there. */
  readonly journal: string;
  readonly processes?: number;
  /** More words for Node, and for the program. */
  readonly node?: readonly string[];
  readonly words?: readonly string[];
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

const start = ({ store, keyFile, journal, node = [], words: more = [] }: ServeOptions): Promise<Started> =>
  new Promise((resolve, reject) => {
    const words = [
      ...node,
      LAUNCHER,
      "portal",
      "serve",
      "--json",
      "--listen",
      "127.0.0.1:0",
      "--store",
      store,
      "--authority",
      AUTHORITY,
      "--log-key-file",
      keyFile,
      ...RATE_KINDS.flatMap((kind) => ["--rate", `${kind}=none`]),
      ...more,
    ];
    const errors = fs.openSync(journal, "a", 0o600);
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", errors] });
    fs.closeSync(errors);
    let text = "";
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`The portal has ended with ${String(code)}: ${fs.readFileSync(journal, "utf8").slice(-2000)}`));
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (!text.includes("\n")) return;
      const { listening } = JSON.parse(text) as { listening: string };
      resolve({ child, port: Number(new URL(listening).port) });
    });
  });

const stop = ({ child }: Started): Promise<void> =>
  new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });

const running = new Set<ChildProcess>();

/** Ends whatever still runs, at once. */
export const stopAll = (): void => {
  for (const child of running) child.kill("SIGKILL");
};

/** Starts the built program, as one process or as several over one store. */
export const serve = async (options: ServeOptions): Promise<Serving> => {
  const started: Started[] = [];
  // One after the other: the first one makes what there is not yet.
  for (let count = 0; count < (options.processes ?? 1); count++) {
    const one = await start(options);
    running.add(one.child);
    started.push(one);
  }
  const pids = (): readonly number[] => withChildren(started.map(({ child }) => child.pid ?? 0));
  return {
    ports: started.map(({ port }) => port),
    pids,
    memory: () => residentMemory(pids()),
    stop: async () => {
      await Promise.all(started.map(stop));
      for (const { child } of started) running.delete(child);
    },
  };
};
