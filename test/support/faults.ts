import type { FileSystem } from "../../src/deps.js";

/**
 * What goes wrong: an error of the system, a write that takes one octet only (which is no error), or the death of the
 * process, after which nothing more happens on the disk.
 */
export type Fault = "EIO" | "ENOSPC" | "EROFS" | "short" | "crash";

export interface FaultyFiles {
  readonly fs: FileSystem;
  /** True once the fault has happened. */
  readonly fired: () => boolean;
  /** Names of the changing operations that were tried, in order. */
  readonly operations: () => readonly string[];
}

const systemError = (code: string, operation: string): Error =>
  Object.assign(new Error(`${code}: injected, ${operation}`), { code, syscall: operation });

/** A file system whose `n`-th changing operation (counted from 1) goes wrong. Reading always works. */
export const faultyFiles = (inner: FileSystem, n: number, fault: Fault): FaultyFiles => {
  const operations: string[] = [];
  let fired = false;
  /** Runs an operation, unless it is the one to fail. `partly` is what happens of it nevertheless. */
  const attempt = <T>(operation: string, run: () => T, partly: () => unknown = () => undefined): T => {
    operations.push(operation);
    const due = operations.length === n || (fault === "crash" && operations.length > n);
    if (!due || (fault === "short" && operation !== "write")) return run();
    fired = true;
    if (operations.length === n) partly();
    throw systemError(fault === "crash" ? "EIO" : fault, operation);
  };
  return {
    fired: () => fired,
    operations: () => operations,
    fs: {
      readFile: (path, limit) => inner.readFile(path, limit),
      stat: (path) => inner.stat(path),
      lstat: (path) => inner.lstat(path),
      list: (path) => inner.list(path),
      mkdir: (path, mode) => attempt("mkdir", () => inner.mkdir(path, mode)),
      create: (path, mode) => attempt("create", () => inner.create(path, mode)),
      write: (fd, data) => {
        if (fault === "short" && operations.length + 1 === n) {
          operations.push("write");
          fired = true;
          return inner.write(fd, data.subarray(0, 1));
        }
        return attempt(
          "write",
          () => inner.write(fd, data),
          () => inner.write(fd, data.subarray(0, data.length / 2)),
        );
      },
      fsync: (fd) => attempt("fsync", () => inner.fsync(fd)),
      // A file descriptor is given back even where closing reports an error.
      close: (fd) => {
        try {
          attempt("close", () => undefined);
        } finally {
          inner.close(fd);
        }
      },
      fsyncDirectory: (path) => attempt("fsyncDirectory", () => inner.fsyncDirectory(path)),
      rename: (from, to) => attempt("rename", () => inner.rename(from, to)),
      unlink: (path) => attempt("unlink", () => inner.unlink(path)),
    },
  };
};

/** Runs `trial` with a fault at the first operation, the second and so on, until it ends before the fault comes. */
export const withEveryFault = async (
  inner: FileSystem,
  fault: Fault,
  trial: (files: FaultyFiles, n: number) => Promise<void>,
): Promise<number> => {
  for (let n = 1; n < 1000; n++) {
    const files = faultyFiles(inner, n, fault);
    await trial(files, n);
    const reached = files.operations().length >= n;
    if (!reached) return n - 1;
  }
  throw new Error("The operation never ends.");
};
