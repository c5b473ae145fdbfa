import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import { dirname } from "node:path";

/** What a file is, as far as the program asks. `mode` holds the permission bits alone. */
export interface FileStat {
  readonly mode: number;
  readonly size: number;
  readonly isDirectory: boolean;
}

/**
 * The file operations that durable storage needs, one system call each, so that a test can fail any of them.
 * All throw the error of the operating system, with its `code`.
 */
export interface FileSystem {
  /** The file's octets; at most `limit` of them are read, and a longer file gives `limit + 1` octets. */
  readFile(path: string, limit: number): Buffer;
  stat(path: string): FileStat | undefined;
  list(path: string): string[];
  /** Makes the folder and its parents; existing ones are left as they are. */
  mkdir(path: string, mode: number): void;
  /** Opens a new file for writing; fails with EEXIST where there is one. */
  create(path: string, mode: number): number;
  write(fd: number, data: Uint8Array): number;
  fsync(fd: number): void;
  close(fd: number): void;
  fsyncDirectory(path: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
}

/** Where text goes. */
export interface TextOutput {
  readonly isTTY: boolean;
  /** Resolves when the text has left the process. */
  write(text: string): Promise<void>;
}

/** Questions to a person. Each rejects with `interrupted` when the person presses ^C. They write to standard error. */
export interface Prompts {
  text(message: string, options?: { initial?: string; validate?: (value: string) => string | true }): Promise<string>;
  secret(message: string, options?: { validate?: (value: string) => string | true }): Promise<string>;
  confirm(message: string, initial: boolean): Promise<boolean>;
  select(message: string, choices: readonly { value: string; name: string }[]): Promise<string>;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Everything that the program takes from outside. Only this file touches the process, the clock, randomness and the terminal. */
export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly hostname: string;
  /** Path of the program's launcher and of the Node that runs it, for starting it again. */
  readonly execPath: readonly string[];
  readonly pid: number;
  /** The system's folder for temporary files. */
  readonly temporaryFolder: string;
  readonly cwd: string;
  readonly fs: FileSystem;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly stdinIsTTY: boolean;
  /** Aborted when the user interrupts the program (SIGINT) or the system ends it (SIGTERM). */
  readonly signal: AbortSignal;
  readonly prompts: Prompts;
  /** A file, or standard input for `-`, piece by piece: for what may be larger than memory. */
  readonly openStream: (path: string) => AsyncIterable<Buffer>;
  readonly readStdin: (limit: number) => Promise<Buffer>;
  readonly readFd: (fd: number, limit: number) => Promise<Buffer>;
  readonly now: () => Date;
  /** `length` octets from the system's secure random source. */
  readonly random: (length: number) => Buffer;
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly resolveSrv: (name: string) => Promise<SrvRecord[]>;
}

const INTERRUPTED = 130;

const systemFiles: FileSystem = {
  readFile(path, limit) {
    const fd = fs.openSync(path, "r");
    try {
      // Pipes and device files have no size of their own.
      const stat = fs.fstatSync(fd);
      const size = stat.isFile() && stat.size > 0 ? stat.size : limit;
      const buffer = Buffer.alloc(Math.min(limit, size) + 1);
      let length = 0;
      for (;;) {
        const count = fs.readSync(fd, buffer, length, buffer.length - length, null);
        if (count === 0) break;
        length += count;
        if (length === buffer.length) break;
      }
      return buffer.subarray(0, length);
    } finally {
      fs.closeSync(fd);
    }
  },
  stat(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat && { mode: stat.mode & 0o7777, size: stat.size, isDirectory: stat.isDirectory() };
  },
  list: (path) => fs.readdirSync(path),
  mkdir(path, mode) {
    // One folder at a time: Node's own recursion never ends where the parent is there and takes no folders, as in /proc.
    const missing: string[] = [];
    for (let folder = path; !fs.existsSync(folder) && dirname(folder) !== folder; folder = dirname(folder)) {
      missing.unshift(folder);
    }
    for (const folder of missing) {
      try {
        fs.mkdirSync(folder, { mode });
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
    }
  },
  create: (path, mode) => fs.openSync(path, "wx", mode),
  write: (fd, data) => fs.writeSync(fd, data),
  fsync: (fd) => fs.fsyncSync(fd),
  close: (fd) => fs.closeSync(fd),
  fsyncDirectory(path) {
    // Windows cannot open a folder for syncing; there a rename is durable by itself.
    if (process.platform === "win32") return;
    const fd = fs.openSync(path, "r");
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
};

const collect = async (stream: NodeJS.ReadableStream, limit: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const octets = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    chunks.push(octets);
    length += octets.length;
    if (length > limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit + 1);
};

const output = (stream: NodeJS.WriteStream): TextOutput => ({
  isTTY: stream.isTTY,
  write: (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    }),
});

/** Loaded when the first question is asked, since most commands ask none. Questions go to standard error. */
const loadPrompts = async (): Promise<Prompts> => {
  const { terminalPrompts } = await import("./prompts.js");
  return terminalPrompts({ input: process.stdin, output: process.stderr });
};
const systemPrompts: Prompts = {
  text: async (...question) => (await loadPrompts()).text(...question),
  secret: async (...question) => (await loadPrompts()).secret(...question),
  confirm: async (...question) => (await loadPrompts()).confirm(...question),
  select: async (...question) => (await loadPrompts()).select(...question),
};

/** The real process, clock, files, randomness and terminal. */
export const systemDeps = (): Deps => {
  const controller = new AbortController();
  // The listeners stay, since libraries of ours end the process on a signal that nobody else listens to. Who asks twice does
  // not want to wait for the end of what is under way.
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort(name);
    });
  }
  // Whoever writes is told of the error; without a listener it would end the process as well.
  process.stdout.on("error", () => undefined);
  return {
    env: process.env,
    platform: process.platform,
    hostname: os.hostname(),
    execPath: [process.execPath, process.argv[1] ?? "meshman"],
    pid: process.pid,
    temporaryFolder: os.tmpdir(),
    cwd: process.cwd(),
    fs: systemFiles,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    stdinIsTTY: process.stdin.isTTY,
    signal: controller.signal,
    prompts: systemPrompts,
    openStream: (path) => (path === "-" ? process.stdin : fs.createReadStream(path)),
    readStdin: (limit) => collect(process.stdin, limit),
    readFd: (fd, limit) => collect(fs.createReadStream("", { fd, autoClose: true }), limit),
    now: () => new Date(),
    random: (length) => randomBytes(length),
    sleep: (milliseconds, signal = controller.signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          reject(new Error("aborted"));
        };
        if (signal.aborted) {
          reject(new Error("aborted"));
          return;
        }
        const timer = setTimeout(() => {
          signal.removeEventListener("abort", stop);
          resolve();
        }, milliseconds);
        signal.addEventListener("abort", stop, { once: true });
      }),
    resolveSrv: async (name) => (await import("node:dns/promises")).resolveSrv(name),
  };
};
