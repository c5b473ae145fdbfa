import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach } from "vitest";
import { systemDeps, type Deps, type Prompts, type TextOutput } from "../../src/deps.js";
import { MeshError } from "../../src/errors.js";
import { verbatim } from "../../src/messages/message.js";

/** Deps for tests: what was written can be read back. */
export interface TestDeps extends Deps {
  stdoutText(): string;
  stderrText(): string;
}

/** Built once: it listens for signals, which is no business of a test. */
const system = ((): Deps => {
  const names = ["SIGINT", "SIGTERM"] as const;
  const before = names.map((name) => process.listeners(name));
  const deps = systemDeps();
  names.forEach((name, index) => {
    for (const listener of process.listeners(name)) {
      if (!before[index]?.includes(listener)) process.removeListener(name, listener);
    }
  });
  return deps;
})();

const capture = (): { output: TextOutput; text: () => string } => {
  const chunks: string[] = [];
  return {
    output: {
      isTTY: false,
      write: async (text) => {
        chunks.push(text);
      },
    },
    text: () => chunks.join(""),
  };
};

const unanswered = async (message: string): Promise<never> => {
  throw new MeshError("input-required", verbatim(`Nobody is there to answer: ${message}`));
};

/** Prompts of a program without a terminal: each rejects with `input-required`. */
export const noPrompts: Prompts = { text: unanswered, secret: unanswered, confirm: unanswered, select: unanswered };

/**
 * Deps with the real file system, clock, randomness and sleep, and nothing else real: an empty environment, a working
 * folder that does not exist, no terminal, empty standard input, no name service. `overrides` replace members.
 */
export const testDeps = (overrides: Partial<Deps> = {}): TestDeps => {
  const stdout = capture();
  const stderr = capture();
  const signal = overrides.signal ?? new AbortController().signal;
  return {
    env: {},
    platform: process.platform,
    hostname: "testhost",
    execPath: [process.execPath, "meshman"],
    pid: process.pid,
    nodeVersion: process.versions.node,
    uid: system.uid,
    temporaryFolder: os.tmpdir(),
    cwd: "/nowhere",
    fs: system.fs,
    stdout: stdout.output,
    stderr: stderr.output,
    stdinIsTTY: false,
    signal,
    prompts: noPrompts,
    openStream: async function* (path) {
      yield path === "-" ? Buffer.alloc(0) : await fs.promises.readFile(path);
    },
    readStdin: async () => Buffer.alloc(0),
    readFd: (fd, limit) => system.readFd(fd, limit),
    now: () => new Date(),
    random: (length) => system.random(length),
    sleep: (milliseconds, other = signal) => system.sleep(milliseconds, other),
    resolveSrv: async (name) => {
      throw Object.assign(new Error(`querySrv ENOTFOUND ${name}`), { code: "ENOTFOUND" });
    },
    every: system.every,
    connectLocal: system.connectLocal,
    listenLocal: system.listenLocal,
    startDetached: async () => {
      throw new Error("Nothing is started here.");
    },
    runPart: async () => {
      throw new Error("Nothing is started here.");
    },
    startProgram: async () => {
      throw new Error("Nothing is started here.");
    },
    resources: system.resources,
    onHangup: () => undefined,
    startWorker: async () => {
      throw new Error("Nothing is started here.");
    },
    workerPost: async () => undefined,
    ...overrides,
    stdoutText: stdout.text,
    stderrText: stderr.text,
  };
};

const folders: string[] = [];

/** A new empty folder, removed after the test. */
export const temporaryFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-test-"));
  folders.push(folder);
  return folder;
};

afterEach(() => {
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** The error that a call throws or rejects with, which must be a MeshError; fails where it succeeds. */
export const meshError = async (run: () => unknown): Promise<MeshError> => {
  try {
    await run();
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
  throw new Error("A MeshError was expected, but the call succeeded.");
};

/** The code of the MeshError that a call throws or rejects with; fails where it succeeds. */
export const errorCode = async (run: () => unknown): Promise<string> => (await meshError(run)).code;
