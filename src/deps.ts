import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";

/** What a file is, as far as the program asks. `mode` holds the permission bits alone. */
export interface FileStat {
  readonly mode: number;
  readonly size: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isSocket: boolean;
  /** A terminal, a disk, or something like /dev/zero. */
  readonly isDevice: boolean;
  /** The user's number; 0 on Windows. */
  readonly owner: number;
  readonly inode: number;
  /** When the content was last changed, in milliseconds. */
  readonly modified: number;
}

/**
 * The file operations that durable storage needs, one system call each, so that a test can fail any of them.
 * All throw the error of the operating system, with its `code`.
 */
export interface FileSystem {
  /** The file's octets; at most `limit` of them are read, and a longer file gives `limit + 1` octets. */
  readFile(path: string, limit: number): Buffer;
  stat(path: string): FileStat | undefined;
  /** The same of a symbolic link itself, which is then no file, folder or socket. */
  lstat(path: string): FileStat | undefined;
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
  /** `hidden` says behind the question that what is typed is not shown. */
  secret(message: string, options: { hidden: string; validate?: (value: string) => string | true }): Promise<string>;
  confirm(message: string, initial: boolean, words: ConfirmWords): Promise<boolean>;
  /** `help` says which keys choose. */
  select(message: string, choices: readonly { value: string; name: string }[], help: string): Promise<string>;
}

/** The answers to a question of yes or no, and what is said of any other answer. Their first letters are enough. */
export interface ConfirmWords {
  readonly yes: string;
  readonly no: string;
  readonly other: string;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A process that goes on when the program has ended. */
export interface DetachedStart {
  /** Which part of the program it runs: the name of its built file. */
  readonly part: "agent" | "ssh-agent" | "clipboard";
  /** All of its standard input. */
  readonly input: Uint8Array;
  /** It is ended where it has not printed a line after so many milliseconds. */
  readonly timeout: number;
}

/** A process that does one thing, answers on its standard output, and ends. */
export interface PartRun {
  /** Which part of the program it runs: the name of its built file. */
  readonly part: "keyring-process";
  /** All of its standard input. */
  readonly input: Uint8Array;
  /** All of its environment, but what the system itself needs. */
  readonly env: Readonly<Record<string, string>>;
  /** It is killed where it has not ended after so many milliseconds. */
  readonly timeout: number;
  /** It is killed where it prints more octets. */
  readonly limit: number;
}

/** Another program, such as `ssh`. */
export interface ProgramStart {
  /** Looked for on the PATH where it is no path. Never given to a shell. */
  readonly command: string;
  readonly arguments: readonly string[];
  /** All of its environment. Without it, it has that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** True where what it reads and writes goes through pipes; else it has the input and outputs of this process. */
  readonly piped: boolean;
  /** Where what it prints goes, in the place of this process's output or of pipes. */
  readonly output?: "stderr" | "none";
  /** True where the signals that this process gets are for it, until it has ended. */
  readonly forwarding?: boolean;
}

/** A program that was started. */
export interface RunningProgram {
  /** Its pipes, where it has any. */
  readonly pipes: { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable } | undefined;
  /** What it reads, where that goes through a pipe. */
  readonly input?: Writable | undefined;
  /** How it ended, once its outputs are closed too. Rejects with the system's error where it cannot be started. */
  readonly ended: Promise<{ readonly status?: number; readonly signal?: string }>;
  readonly kill: (signal: "SIGTERM" | "SIGKILL") => void;
}

/** What the process takes up. */
export interface ProcessResources {
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** A further process with the same command line, which shares the ports that it listens at with others of its kind. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** What goes over is JSON. Nothing happens where it has ended. */
  send(message: object): void;
  kill(): void;
}

/** How a worker ended: neither is known where it could not be started. */
export interface WorkerEnd {
  readonly status?: number;
  readonly signal?: string;
}

export interface WorkerEvents {
  readonly message: (message: unknown) => void;
  /** Once, when it has ended or could not be started. */
  readonly end: (how: WorkerEnd) => void;
}

/** What a worker has of the process that started it. */
export interface WorkerPost {
  send(message: object): Promise<void>;
  receive(listener: (message: unknown) => void): void;
  /** Lets the process end. */
  leave(): void;
}

/** Everything that the program takes from outside. Only this file touches the process, the clock, randomness and the terminal. */
export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly hostname: string;
  /** Path of the program's launcher and of the Node that runs it, for starting it again. */
  readonly execPath: readonly string[];
  readonly pid: number;
  /** Version of the Node that runs the program: `20.19.0`. */
  readonly nodeVersion: string;
  /** The user's number; undefined on Windows. */
  readonly uid: number | undefined;
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
  /** Rejects with the system's error, also when the signal aborts. */
  readonly resolveSrv: (name: string, signal?: AbortSignal) => Promise<SrvRecord[]>;
  /** Calls a function every so many milliseconds. Gives the way to stop it. */
  readonly every: (milliseconds: number, call: () => void) => () => void;
  /**
   * A connection to a local socket, or a named pipe on Windows, which breaks with the system's error. What arrives is given to
   * `take`, who may not keep it. Whoever takes the connection ends it.
   */
  readonly connectLocal: (
    path: string,
    take: (octets: Uint8Array) => void,
  ) => Pick<Duplex, "write" | "destroy" | "once">;
  /** Listens at a local socket or named pipe. Gives the way to end it, which removes the socket. Rejects with the system's error. */
  readonly listenLocal: (path: string, serve: (connection: Duplex) => void) => Promise<() => void>;
  /**
   * Starts a process of its own session, with an empty environment and nothing of this process's open, and gives the first
   * line that it prints. Rejects, and ends it, where it prints none.
   */
  readonly startDetached: (start: DetachedStart) => Promise<string>;
  /**
   * Runs a process and gives what it printed, which the caller wipes. The process has ended when this returns or rejects: with
   * the code ETIMEDOUT where its time is up.
   */
  readonly runPart: (run: PartRun) => Promise<Buffer>;
  /** Starts another program. Whoever starts it waits for its end. */
  readonly startProgram: (start: ProgramStart) => Promise<RunningProgram>;
  readonly resources: () => ProcessResources;
  /** Calls `listener` at every SIGHUP, which ends the process no more. */
  readonly onHangup: (listener: () => void) => void;
  readonly startWorker: (events: WorkerEvents) => Promise<WorkerProcess>;
  /** Undefined in a process that nobody started as a worker. */
  readonly workerPost: () => Promise<WorkerPost | undefined>;
}

const INTERRUPTED = 130;
/** Signals within so many milliseconds are one wish: some programs send theirs to a process and to its group. */
const ONE_WISH = 500;

const statOf = (stat: fs.Stats): FileStat => ({
  mode: stat.mode & 0o7777,
  size: stat.size,
  isDirectory: stat.isDirectory(),
  isFile: stat.isFile(),
  isSocket: stat.isSocket(),
  isDevice: stat.isCharacterDevice() || stat.isBlockDevice(),
  owner: stat.uid,
  inode: stat.ino,
  modified: stat.mtimeMs,
});

const ENDING_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Lets the system end the process by a signal until the function that it gives is called. What is read of a pipe or a terminal may
 * never come: a read that is waited for at once keeps our own listeners from being called, and any other one keeps the process from
 * ending.
 */
const unlisten = (): (() => void) => {
  const taken = ENDING_SIGNALS.map((name) => ({ name, listeners: process.listeners(name) }));
  for (const { name } of taken) process.removeAllListeners(name);
  return () => {
    for (const { name, listeners } of taken) for (const listener of listeners) process.on(name, listener);
  };
};

/** What `unlisten` gives for what is no plain file, and nothing to be done for one. */
const unlistenFor = (stat: fs.Stats | undefined): (() => void) =>
  stat === undefined || stat.isFile() || stat.isDirectory() ? () => undefined : unlisten();

async function* streamOf(path: string): AsyncGenerator<Buffer> {
  const listen = unlistenFor(fs.statSync(path, { throwIfNoEntry: false }));
  try {
    yield* fs.createReadStream(path);
  } finally {
    listen();
  }
}

const systemFiles: FileSystem = {
  readFile(path, limit) {
    const listen = unlistenFor(fs.statSync(path, { throwIfNoEntry: false }));
    let fd: number | undefined;
    try {
      fd = fs.openSync(path, "r");
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
      if (fd !== undefined) fs.closeSync(fd);
      listen();
    }
  },
  stat(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat && statOf(stat);
  },
  lstat(path) {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    return stat && statOf(stat);
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
  const all = Buffer.concat(chunks).subarray(0, limit + 1);
  // It may be a secret, and the caller can wipe only what it is given.
  for (const chunk of chunks) chunk.fill(0);
  return all;
};

/** Descriptors up to here are looked through for the other end of a pipe. Node's own are among the first. */
const MAX_OWN_DESCRIPTOR = 64;

/**
 * Insists that a descriptor can have been given to be read. The outputs have not, nor has what Node opened for itself, which
 * reading and closing would break: it is no file, or a pipe with both ends here, which never ends.
 */
const insistOnGiven = (fd: number): void => {
  const given = fs.fstatSync(fd);
  if (fd === 1 || fd === 2) throw new Error(`The descriptor ${fd} is an output.`);
  if (!given.isFile() && !given.isFIFO() && !given.isSocket() && !given.isCharacterDevice() && !given.isDirectory()) {
    throw new Error(`The descriptor ${fd} is nothing that can be read.`);
  }
  if (!given.isFIFO()) return;
  for (let other = 3; other <= MAX_OWN_DESCRIPTOR; other++) {
    if (isWrittenAt(other, given)) throw new Error(`Both ends of the pipe at ${fd} are here.`);
  }
};

/** True where a descriptor is open for writing what another one, of these facts, reads. Writes nothing. */
const isWrittenAt = (fd: number, { dev, ino }: fs.Stats): boolean => {
  try {
    const stat = fs.fstatSync(fd);
    return stat.dev === dev && stat.ino === ino && fs.writeSync(fd, Buffer.alloc(0)) === 0;
  } catch {
    return false;
  }
};

/** True for a terminal. Asked when it matters, since Node's part for terminals takes time to load. */
const isTerminal = (fd: number): boolean =>
  (process.platform === "win32" || fs.fstatSync(fd).isCharacterDevice()) &&
  process.getBuiltinModule("node:tty").isatty(fd);

/** Octets that a pipe takes at once, as long as nothing of ours is in it. */
const SHORT_TEXT = 4096;

/**
 * Standard output or standard error. Node's stream for it takes longer to make than many a command to run, and most print
 * nothing but one short text: that goes to a file or pipe as it is.
 */
const output = (fd: 1 | 2): TextOutput => {
  let stream: NodeJS.WriteStream | undefined;
  let isFirst = process.platform !== "win32";
  const writeAtOnce = (octets: Buffer): number => {
    try {
      return isFirst && octets.length <= SHORT_TEXT && !isTerminal(fd) ? fs.writeSync(fd, octets) : 0;
    } catch (error) {
      // Somebody has left a pipe in a state that makes it refuse where it would have to wait.
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
      throw error;
    } finally {
      isFirst = false;
    }
  };
  const open = (): NodeJS.WriteStream => {
    const opened = fd === 1 ? process.stdout : process.stderr;
    // Whoever writes is told of the error; without a listener it would end the process as well.
    opened.on("error", () => undefined);
    return opened;
  };
  return {
    get isTTY() {
      return isTerminal(fd);
    },
    write: async (text) => {
      const octets = Buffer.from(text);
      const rest = octets.subarray(writeAtOnce(octets));
      if (rest.length === 0) return;
      stream ??= open();
      await new Promise<void>((resolve, reject) => {
        stream?.write(rest, (error) => (error ? reject(error) : resolve()));
      });
    },
  };
};

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

const listenLocal = async (path: string, serve: (connection: Duplex) => void): Promise<() => void> => {
  const { createServer } = await import("node:net");
  const server = createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  try {
    if (process.platform !== "win32") fs.chmodSync(path, 0o600);
  } catch {
    // The folder keeps others out already, and a socket that has gone shows at the first connection.
  }
  // A connection that could not be taken, for want of descriptors for example, is the other side's loss alone.
  server.on("error", () => undefined);
  return () => void server.close();
};

/** What Node's own answer would be: only on Windows it is worth the time that the module takes to load. */
const temporaryFolder = (): string => {
  if (process.platform === "win32") return process.getBuiltinModule("node:os").tmpdir();
  const { TMPDIR, TMP, TEMP } = process.env;
  const folder = [TMPDIR, TMP, TEMP].find((named) => named !== undefined && named !== "") ?? "/tmp";
  return folder.length > 1 && folder.endsWith("/") ? folder.slice(0, -1) : folder;
};

/** Programs on Windows do not start without it. */
const NEEDED_ENVIRONMENT = ["SystemRoot"];
const FIRST_LINE_LIMIT = 4096;

/** The path of a part of the program, and the environment that a process of it has at least. */
const partOf = (parts: string | undefined, part: string): { path: string; env: Record<string, string> } => {
  if (!parts) throw new Error("The parts of the program are not known.");
  const env = NEEDED_ENVIRONMENT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { path: join(parts, `${part}.js`), env: Object.fromEntries(env) };
};

const startDetached = async (
  parts: string | undefined,
  { part, input, timeout }: DetachedStart,
  signal: AbortSignal,
): Promise<string> => {
  const { path, env } = partOf(parts, part);
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [path], {
    detached: true,
    windowsHide: true,
    cwd: process.platform === "win32" ? temporaryFolder() : "/",
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  try {
    return await new Promise((resolve, reject) => {
      const stop = (): void => reject(new Error("The process did not say in time that it is ready."));
      if (limit.aborted) stop();
      limit.addEventListener("abort", stop, { once: true });
      let text = "";
      child.once("error", reject);
      child.once("close", () => reject(new Error("The process ended at once.")));
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text = (text + chunk).slice(0, FIRST_LINE_LIMIT);
        const end = text.indexOf("\n");
        if (end >= 0) resolve(text.slice(0, end));
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
    });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    child.stdin.destroy();
    child.stdout.destroy();
    child.unref();
  }
};

const runPart = async (
  parts: string | undefined,
  { part, input, env: own, timeout, limit }: PartRun,
  signal: AbortSignal,
): Promise<Buffer> => {
  const { path, env } = partOf(parts, part);
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [path], {
    windowsHide: true,
    cwd: process.platform === "win32" ? temporaryFolder() : "/",
    env: { ...env, ...own },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const chunks: Buffer[] = [];
  try {
    return await new Promise((resolve, reject) => {
      let length = 0;
      let problem: Error | undefined;
      const stop = (error: Error): void => {
        problem ??= error;
        child.kill("SIGKILL");
      };
      const interrupt = (): void => stop(new Error("aborted"));
      const late = Object.assign(new Error("The process took too long."), { code: "ETIMEDOUT" });
      const timer = setTimeout(() => stop(late), timeout);
      if (signal.aborted) interrupt();
      signal.addEventListener("abort", interrupt, { once: true });
      child.once("error", stop);
      child.once("close", (code) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupt);
        if (problem) reject(problem);
        else if (code === 0) resolve(Buffer.concat(chunks));
        else reject(new Error("The process failed."));
      });
      child.stdout.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > limit) stop(new Error("The process printed too much."));
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
    });
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
};

const FORWARDED =
  process.platform === "win32"
    ? (["SIGINT", "SIGTERM", "SIGHUP"] as const)
    : (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"] as const);

/** Passes signals on, in the place of what this process does at them. Gives the way back. */
const forwardSignals = (take: (signal: NodeJS.Signals) => void): (() => void) => {
  const before = FORWARDED.map((name) => [name, process.listeners(name)] as const);
  // At a terminal, ^C reaches the program by itself: whoever gets it twice may end in haste.
  const listen = (name: NodeJS.Signals): void => {
    if ((name !== "SIGINT" && name !== "SIGQUIT") || !isTerminal(0)) take(name);
  };
  for (const name of FORWARDED) process.removeAllListeners(name).on(name, listen);
  return () => {
    for (const [name, listeners] of before) {
      process.removeListener(name, listen);
      for (const listener of listeners) process.on(name, listener);
    }
  };
};

const startProgram = async ({
  command,
  arguments: words,
  env = process.env,
  piped,
  output: place,
  forwarding = false,
}: ProgramStart): Promise<RunningProgram> => {
  const { spawn } = await import("node:child_process");
  const child = spawn(command, words, {
    env: { ...env },
    stdio:
      place === "none"
        ? [piped ? "pipe" : "inherit", "ignore", "ignore"]
        : piped
          ? "pipe"
          : ["inherit", place === "stderr" ? 2 : "inherit", "inherit"],
    windowsHide: true,
  });
  const restore = forwarding ? forwardSignals((signal) => void child.kill(signal)) : () => undefined;
  const ended = new Promise<{ status?: number; signal?: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) =>
      resolve({ ...(status !== null && { status }), ...(signal !== null && { signal }) }),
    );
  }).finally(restore);
  // Whoever looks at the end later must not be too late for what goes wrong at once.
  ended.catch(() => undefined);
  const { stdin, stdout, stderr } = child;
  // One that reads no more has ended, or soon will.
  stdin?.on("error", () => undefined);
  return {
    pipes: stdin && stdout && stderr ? { stdin, stdout, stderr } : undefined,
    input: stdin ?? undefined,
    ended,
    kill: (signal) => void child.kill(signal),
  };
};

/** Marks a process as a worker, beside what Node itself leaves in its environment: another program may use that as well. */
const WORKER_MARK = "MESHMAN_WORKER";

const startWorker = async ({ message, end }: WorkerEvents): Promise<WorkerProcess> => {
  const { default: cluster } = await import("node:cluster");
  cluster.setupPrimary({ stdio: ["ignore", "ignore", "inherit", "ipc"], windowsHide: true });
  const worker = cluster.fork({ [WORKER_MARK]: "1" });
  // What it has said last may come behind its end, but not behind that of the channel.
  let how: WorkerEnd | undefined;
  let isOver = false;
  const leave = (): void => {
    if (how && isOver) end(how);
  };
  worker.on("message", message);
  worker.on("exit", (status: number | null, signal: string | null) => {
    how = { ...(status !== null && { status }), ...(signal !== null && { signal }) };
    leave();
  });
  worker.on("disconnect", () => {
    isOver = true;
    leave();
  });
  worker.on("error", () => {
    // Only where it has never been started there is no other event.
    if (worker.process.pid === undefined) end({});
  });
  return {
    pid: worker.process.pid,
    send: (value) => {
      // It may end while this is on its way, and whoever started it hears of that in any case.
      if (worker.isConnected()) worker.send(value, () => undefined);
    },
    kill: () => void worker.process.kill("SIGKILL"),
  };
};

const workerPost = async (): Promise<WorkerPost | undefined> => {
  if (process.env[WORKER_MARK] === undefined) return undefined;
  const {
    default: { worker },
  } = await import("node:cluster");
  if (!worker) return undefined;
  return {
    send: (message) =>
      new Promise((resolve) => {
        if (!worker.isConnected()) resolve();
        else worker.send(message, () => resolve());
      }),
    receive: (listener) => void process.on("message", listener),
    leave: () => void worker.disconnect(),
  };
};

const resources = (): ProcessResources => {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    startTime: Date.now() / 1000 - process.uptime(),
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: rss,
    heapBytes: heapUsed,
  };
};

/** How the parts of the program differ in what they take from the system. */
export interface SystemOptions {
  /** The folder of the built program, which has the parts that are started as processes of their own. */
  readonly parts?: string;
  /** What makes the program stop. */
  readonly signals?: readonly NodeJS.Signals[];
  /** The process is killed after so many milliseconds, even where native code keeps it from running its own. */
  readonly lifetime?: number;
}

/** A thread of its own, since timers of this one stand still while native code blocks it. */
const limitLifetime = async (milliseconds: number): Promise<void> => {
  const { Worker } = await import("node:worker_threads");
  new Worker(`setTimeout(() => process.kill(process.pid, "SIGKILL"), ${milliseconds})`, { eval: true }).unref();
};

/** The real process, clock, files, randomness and terminal. */
export const systemDeps = ({ parts, signals = ENDING_SIGNALS, lifetime }: SystemOptions = {}): Deps => {
  if (lifetime !== undefined) void limitLifetime(lifetime);
  // Made when somebody looks at its signal, or when it is to be aborted, since most commands end before.
  let controller: AbortController | undefined;
  const stopper = (): AbortController => (controller ??= new AbortController());
  // The listeners stay, since libraries of ours end the process on a signal that nobody else listens to. Who asks twice does
  // not want to wait for the end of what is under way.
  let asked: number | undefined;
  for (const name of signals) {
    process.on(name, () => {
      const now = performance.now();
      asked ??= now;
      if (now - asked > ONE_WISH) process.exit(INTERRUPTED);
      stopper().abort(name);
    });
  }
  /** Standard input, which breaks where the user interrupts the program. */
  const stdin = (): Readable => process.getBuiltinModule("node:stream").addAbortSignal(stopper().signal, process.stdin);
  return {
    env: process.env,
    platform: process.platform,
    get hostname() {
      return process.getBuiltinModule("node:os").hostname();
    },
    execPath: [process.execPath, process.argv[1] ?? "meshman"],
    pid: process.pid,
    nodeVersion: process.versions.node,
    uid: process.getuid?.(),
    get temporaryFolder() {
      return temporaryFolder();
    },
    cwd: process.cwd(),
    fs: systemFiles,
    stdout: output(1),
    stderr: output(2),
    get stdinIsTTY() {
      return isTerminal(0);
    },
    get signal() {
      return stopper().signal;
    },
    prompts: systemPrompts,
    openStream: (path) => (path === "-" ? stdin() : streamOf(path)),
    readStdin: (limit) => collect(stdin(), limit),
    readFd: async (fd, limit) => {
      insistOnGiven(fd);
      const listen = unlistenFor(fs.fstatSync(fd));
      try {
        return await collect(fs.createReadStream("", { fd, autoClose: true }), limit);
      } finally {
        listen();
      }
    },
    now: () => new Date(),
    // Loaded when it is first needed, since commands that only show what is known need none.
    random: (length) => process.getBuiltinModule("node:crypto").randomBytes(length),
    sleep: (milliseconds, signal = stopper().signal) =>
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
    resolveSrv: async (name, signal) => {
      const { Resolver } = await import("node:dns/promises");
      const resolver = new Resolver();
      // A query that goes on would keep the process from ending.
      signal?.addEventListener("abort", () => resolver.cancel(), { once: true });
      return resolver.resolveSrv(name);
    },
    every: (milliseconds, call) => {
      const timer = setInterval(call, milliseconds);
      return () => clearInterval(timer);
    },
    connectLocal: (path, take) => {
      const callback = (length: number, octets: Uint8Array): boolean => {
        take(octets.subarray(0, length));
        return true;
      };
      // With a buffer of our own little of Node's streams is needed, which take time to load.
      return process.getBuiltinModule("node:net").connect({ path, onread: { buffer: Buffer.alloc(4096), callback } });
    },
    listenLocal,
    startDetached: (start) => startDetached(parts, start, stopper().signal),
    runPart: (run) => runPart(parts, run, stopper().signal),
    startProgram,
    resources,
    onHangup: (listener) => void process.on("SIGHUP", listener),
    startWorker,
    workerPost,
  };
};
