import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test as baseTest, vi } from "vitest";
import { createAudit, type Audit } from "./audit.js";

/** The folder of the repository, and the launcher of the program that `npm test` has built. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const LAUNCHER = path.join(ROOT, "bin", "meshman.js");

/** How long one command, and one test of many, may take, in milliseconds, however busy the machine is. */
const TIME_LIMIT = 180_000;
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** A command line behind `meshman`: words in an array, or a text without quotes that is cut at its spaces. */
export type Words = string | readonly string[];

interface PrintedDevice {
  readonly udf: string;
  readonly name: string;
  readonly admin: boolean;
  readonly current: boolean;
  readonly connected: boolean;
  readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What commands print with `--json`. A command prints only some of these members. */
export interface Printed {
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
  readonly profile: {
    readonly udf: string;
    readonly name: string;
    readonly masterSequence: number;
    readonly sequence: number;
  };
  readonly profiles: readonly { readonly udf: string; readonly name: string }[];
  readonly device: PrintedDevice;
  readonly devices: readonly PrintedDevice[];
  readonly administrators: readonly { readonly udf: string; readonly name: string }[];
  readonly pending: readonly { readonly code: string; readonly device: PrintedDevice }[];
  readonly account: string;
  readonly portal: string;
  readonly valid: boolean;
  readonly status: string;
  readonly code: string;
  readonly result: string;
  readonly identifier: string;
  readonly threshold: number;
  readonly shares: readonly string[];
  readonly masterSequence: number;
  readonly sequence: number;
  readonly published: boolean;
  readonly connected: boolean;
  readonly admin: boolean;
  readonly ok: boolean;
  readonly pendingWork: readonly { readonly kind: string }[];
  readonly revoked: string | null;
  readonly protection: string | null;
  readonly exists: boolean;
  readonly keys: readonly { readonly udf: string; readonly use: string; readonly profile: string }[];
  readonly listening: string;
  readonly folder: string | null;
  readonly commands: readonly { readonly command: string; readonly status: number }[];
}

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is closed then. Without it standard input is empty. */
  readonly input?: string;
  /** Leave standard input open, for the test to write to. */
  readonly interactive?: boolean;
  /** Standard output is meant to carry secrets: shares that are printed. */
  readonly secretOutput?: boolean;
  readonly cwd?: string;
  /** Descriptors beyond 2, such as the one of `--passphrase-fd`. */
  readonly descriptors?: readonly number[];
}

/** A process that was started. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Everything on standard output and standard error so far, in the order in which it arrived. */
  text(): string;
  /** The first whole line of standard output; rejects where the process ends without one. */
  firstLine(): Promise<string>;
  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<Finished>;
}

/** A portal of its own process. */
export interface ServedPortal {
  readonly url: string;
  readonly running: Running;
}

/** A folder with machines in it, which share a portal and nothing else. */
export interface Stage {
  readonly folder: string;
  readonly audit: Audit;
  /** The home folder of a machine. */
  home(machine: string): string;
  /** A path in the stage's folder. */
  path(...names: string[]): string;
  /** Starts any program in the stage's folder with a clean environment. */
  start(command: string, words: readonly string[], options?: RunOptions): Running;
  /** Starts meshman on a machine. */
  launch(machine: string, words: Words, options?: RunOptions): Running;
  /** Runs meshman on a machine as it stands. */
  run(machine: string, words: Words, options?: RunOptions): Promise<Finished>;
  /** Runs meshman with `--json`, insists on the exit status (0), and gives what it printed: exactly one document. */
  meshman(machine: string, words: Words, options?: RunOptions & { readonly status?: number }): Promise<Printed>;
  /** Runs meshman with `--json` and insists that it fails with a status and a code. */
  fails(machine: string, status: number, code: string, words: Words, options?: RunOptions): Promise<void>;
  /** Starts `portal serve` on a free port of 127.0.0.1 and waits until it is ready. */
  serve(words?: string, machine?: string): Promise<ServedPortal>;
  /** Writes a secret into a file as a careful user does, and remembers that it may be nowhere else. */
  writeSecret(name: string, text: string): string;
  /** Ends the processes, audits all that they said and wrote, and removes the folder. */
  close(): Promise<void>;
}

const wordsOf = (words: Words): readonly string[] => (typeof words === "string" ? words.split(" ") : words);

const isAlive = ({ child }: Running): boolean => child.exitCode === null && child.signalCode === null;

/** Parses the one document that standard output must hold. */
export const printedBy = ({ stdout }: Finished): Printed => {
  expect(stdout).toMatch(/^\{.*\}\n$/);
  return JSON.parse(stdout) as Printed;
};

const watch = (child: ChildProcess): Running => {
  const output = { stdout: "", stderr: "", both: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      output[name] += chunk;
      output.both += chunk;
      for (const listener of listeners) listener();
    });
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout: output.stdout, stderr: output.stderr });
      for (const listener of listeners) listener();
    });
  });
  // Whoever never looks at the end of a process must not see an unhandled rejection.
  finished.catch(() => undefined);
  const running: Running = {
    child,
    finished,
    text: () => output.both,
    firstLine: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const end = output.stdout.indexOf("\n");
          if (end < 0 && isAlive(running)) return;
          listeners.delete(look);
          if (end < 0) reject(new Error(`The program ended without a line: ${output.both}`));
          else resolve(output.stdout.slice(0, end));
        };
        listeners.add(look);
        look();
      }),
    stop: (signal) => {
      child.kill(signal);
      return finished;
    },
  };
  return running;
};

/** Opens a stage, which must be closed. */
export const openStage = (): Stage => {
  const started = new Set<Running>();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-script-"));
  const audit = createAudit(folder);
  const home = (machine: string): string => path.join(folder, machine);
  fs.mkdirSync(path.join(folder, "tmp"), { mode: 0o700 });
  const stage: Stage = {
    folder,
    audit,
    home,
    path: (...names) => path.join(folder, ...names),
    start: (command, words, options = {}) => {
      const env = { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: path.join(folder, "tmp"), ...options.env };
      const open = options.interactive === true || options.input !== undefined;
      const stdio: StdioOptions = [open ? "pipe" : "ignore", "pipe", "pipe", ...(options.descriptors ?? [])];
      const running = watch(spawn(command, words, { cwd: options.cwd ?? folder, env, stdio }));
      running.child.stdin?.on("error", () => undefined);
      if (options.input !== undefined) running.child.stdin?.end(options.input);
      started.add(running);
      audit.command(words, env);
      running.finished
        .then(({ stdout, stderr }) => audit.output(words, options.secretOutput === true ? stderr : stdout + stderr))
        .catch(() => undefined);
      return running;
    },
    launch: (machine, words, options = {}) =>
      stage.start(process.execPath, [LAUNCHER, ...wordsOf(words)], {
        ...options,
        env: { MESHMAN_HOME: home(machine), ...options.env },
      }),
    run: async (machine, words, options) => {
      const finished = await stage.launch(machine, words, options).finished;
      await audit.learn();
      return finished;
    },
    meshman: async (machine, words, { status = 0, ...options } = {}) => {
      const finished = await stage.run(machine, [...wordsOf(words), "--json"], options);
      expect(finished.status, `${wordsOf(words).join(" ")}: ${finished.stdout}${finished.stderr}`).toBe(status);
      return printedBy(finished);
    },
    fails: async (machine, status, code, words, options = {}) => {
      const printed = await stage.meshman(machine, words, { ...options, status });
      expect(printed.error?.code, JSON.stringify(printed)).toBe(code);
    },
    serve: async (words = "--store sqlite:portal.sqlite", machine = "server") => {
      const running = stage.launch(machine, `portal serve --listen 127.0.0.1:0 --json ${words}`);
      const { listening } = JSON.parse(await running.firstLine()) as Printed;
      return { url: listening, running };
    },
    writeSecret: (name, text) => {
      const file = path.join(folder, "secrets", name);
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      fs.writeFileSync(file, text, { mode: 0o600 });
      audit.passphrase(text.replace(/\n$/, ""), file);
      return file;
    },
    close: async () => {
      for (const running of started) if (isAlive(running)) running.child.kill("SIGKILL");
      await Promise.allSettled([...started].map(({ finished }) => finished));
      try {
        expect(await audit.findings()).toEqual([]);
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    },
  };
  return stage;
};

/** A test with a stage of its own, which is closed after it. Such tests may run side by side. */
export const test = baseTest.extend<{ stage: Stage }>({
  stage: async ({}, use) => {
    const stage = openStage();
    try {
      await use(stage);
    } finally {
      await stage.close();
    }
  },
});

/** Reproducible numbers from 0 to 1, the end not included (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Resolves after so many milliseconds. */
export const after = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
