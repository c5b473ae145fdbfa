import { systemDeps, type Deps, type FileStat, type FileSystem } from "../../src/deps.js";
import { MeshError } from "../../src/errors.js";
import { verbatim } from "../../src/messages/message.js";
import { NOW } from "./person.js";

/** The deps of the system, without its listeners for signals: those are no business of a test. */
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

export const systemFiles = system.fs;

export interface Captured {
  readonly deps: Deps;
  readonly output: () => string;
}

/**
 * An outside world in which nobody answers: no terminal, no name service, an empty standard input, and time that passes only
 * where somebody sleeps.
 */
export const quietDeps = (overrides: Partial<Deps> = {}): Captured => {
  let text = "";
  let time = NOW.getTime();
  const write = (written: string): Promise<void> => {
    text += written;
    return Promise.resolve();
  };
  const unanswered = (): Promise<never> =>
    Promise.reject(new MeshError("input-required", verbatim("Nobody is there.")));
  const output = { isTTY: false, write };
  const deps: Deps = {
    ...system,
    env: {},
    hostname: "fuzz",
    cwd: "/nowhere",
    stdout: output,
    stderr: output,
    stdinIsTTY: false,
    signal: new AbortController().signal,
    prompts: { text: unanswered, secret: unanswered, confirm: unanswered, select: unanswered },
    openStream: async function* () {
      yield await Promise.resolve(Buffer.alloc(0));
    },
    readStdin: () => Promise.resolve(Buffer.alloc(0)),
    readFd: () => Promise.reject(new Error("EBADF")),
    now: () => new Date(time),
    sleep: (milliseconds) => {
      time += milliseconds;
      return Promise.resolve();
    },
    resolveSrv: () => Promise.reject(Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" })),
    ...overrides,
  };
  return { deps, output: () => text };
};

/** Files of one folder that are nowhere but here, and only to be read. */
export const memoryFiles = (files: ReadonlyMap<string, Buffer>): FileSystem => {
  const refuse = (): never => {
    throw Object.assign(new Error("EROFS"), { code: "EROFS" });
  };
  const isFolder = (path: string): boolean => [...files.keys()].some((name) => name.startsWith(`${path}/`));
  const stat = (path: string): FileStat | undefined => {
    const octets = files.get(path);
    const isDirectory = !octets && isFolder(path);
    if (!octets && !isDirectory) return undefined;
    const [mode, size] = octets ? [0o600, octets.length] : [0o700, 0];
    const kind = { isDirectory, isFile: !isDirectory, isSocket: false, isDevice: false };
    return { mode, size, ...kind, owner: 0, inode: 0, modified: 0 };
  };
  return {
    readFile: (path, limit) => {
      const octets = files.get(path);
      if (!octets) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
      // A copy, since whoever reads a secret wipes it.
      return Buffer.from(octets.subarray(0, limit + 1));
    },
    stat,
    lstat: stat,
    list: (path) =>
      [...files.keys()].filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1)),
    mkdir: refuse,
    create: refuse,
    write: refuse,
    fsync: refuse,
    close: refuse,
    fsyncDirectory: refuse,
    rename: refuse,
    unlink: refuse,
  };
};
