import * as fs from "node:fs";
import * as path from "node:path";
import type { FileSystem } from "../../src/deps.js";
import type { FaultyFiles } from "./faults.js";

/** An entry of a folder: a file by its inode, or another folder. */
type Entry = number | "folder";

/**
 * Files of which only that survives a power cut which was synced: the content of a file after its own fsync, its name after
 * the folder's. Power goes before the `n`-th changing operation (counted from 1).
 */
export interface PoweredFiles extends FaultyFiles {
  /**
   * Puts on the disk what the cut has left. What was never synced is lost, or where `random` says so, folder by folder and
   * file by file, has reached the disk all the same.
   */
  cut(random: () => number): void;
}

/** Names of what is not the program's own: the lock, which a machine that starts again finds stale. */
const IGNORED = new Set([".lock"]);

const powerIsOut = (): Error => Object.assign(new Error("EIO: the power is out"), { code: "EIO" });

export const poweredFiles = (inner: FileSystem, root: string, skip: string, n: number): PoweredFiles => {
  const contents = new Map<number, Buffer>();
  const folders = new Map<string, Map<string, Entry>>();
  const opened = new Map<number, string>();
  const operations: string[] = [];
  let fired = false;

  const listing = (folder: string): Map<string, Entry> =>
    new Map(
      fs
        .readdirSync(folder)
        .filter((name) => !IGNORED.has(name) && path.join(folder, name) !== skip)
        .map((name) => {
          const stat = fs.statSync(path.join(folder, name));
          return [name, stat.isDirectory() ? "folder" : stat.ino];
        }),
    );
  const settle = (folder: string): void => {
    const entries = listing(folder);
    folders.set(folder, entries);
    for (const [name, entry] of entries) {
      if (entry === "folder") settle(path.join(folder, name));
      else contents.set(entry, fs.readFileSync(path.join(folder, name)));
    }
  };
  settle(root);

  const attempt = <T>(operation: string, run: () => T): T => {
    operations.push(operation);
    if (operations.length < n || n === 0) return run();
    fired = true;
    throw powerIsOut();
  };

  /** What is to be written of a folder: its files with their content, and its folders. */
  interface Left {
    readonly folder: string;
    readonly files: readonly (readonly [name: string, octets: Buffer])[];
    readonly inner: readonly Left[];
  }
  const leftOf = (folder: string, random: () => number): Left => {
    const durable = folders.get(folder) ?? new Map<string, Entry>();
    const entries = random() < 0.5 || !fs.existsSync(folder) ? durable : listing(folder);
    const files: [string, Buffer][] = [];
    const within: Left[] = [];
    for (const [name, entry] of entries) {
      const file = path.join(folder, name);
      if (entry === "folder") {
        within.push(leftOf(file, random));
        continue;
      }
      const live = fs.existsSync(file) && fs.statSync(file).ino === entry;
      const lost = contents.get(entry) ?? Buffer.alloc(0);
      files.push([name, live && random() >= 0.5 ? fs.readFileSync(file) : lost]);
    }
    return { folder, files, inner: within };
  };
  const write = ({ folder, files, inner: within }: Left): void => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [name, octets] of files) fs.writeFileSync(path.join(folder, name), octets, { mode: 0o600 });
    for (const left of within) write(left);
  };

  return {
    fired: () => fired,
    operations: () => operations,
    cut: (random) => {
      const left = leftOf(root, random);
      for (const name of fs.readdirSync(root)) {
        if (path.join(root, name) !== skip) fs.rmSync(path.join(root, name), { recursive: true });
      }
      write(left);
    },
    fs: {
      readFile: (file, limit) => inner.readFile(file, limit),
      stat: (file) => inner.stat(file),
      lstat: (file) => inner.lstat(file),
      list: (folder) => inner.list(folder),
      mkdir: (folder, mode) => attempt("mkdir", () => inner.mkdir(folder, mode)),
      create: (file, mode) =>
        attempt("create", () => {
          const fd = inner.create(file, mode);
          opened.set(fd, file);
          return fd;
        }),
      write: (fd, data) => attempt("write", () => inner.write(fd, data)),
      fsync: (fd) =>
        attempt("fsync", () => {
          inner.fsync(fd);
          contents.set(fs.fstatSync(fd).ino, fs.readFileSync(opened.get(fd) ?? ""));
        }),
      close: (fd) => {
        try {
          attempt("close", () => undefined);
        } finally {
          opened.delete(fd);
          inner.close(fd);
        }
      },
      fsyncDirectory: (folder) =>
        attempt("fsyncDirectory", () => {
          inner.fsyncDirectory(folder);
          // A folder without a name of its own yet loses what is in it, too: `leftOf` never gets there.
          folders.set(folder, listing(folder));
        }),
      rename: (from, to) => attempt("rename", () => inner.rename(from, to)),
      unlink: (file) => attempt("unlink", () => inner.unlink(file)),
    },
  };
};
