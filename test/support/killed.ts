import * as fs from "node:fs";
import * as path from "node:path";
import { contentOf, type Machine, type Outcome } from "./cli.js";
import { testDeps } from "./deps.js";
import { faultyFiles } from "./faults.js";

/** More changes of files than any command makes. */
const MANY = 500;

/** A picture of folders, and of a portal's file: calling it brings all of it back. */
export const pictureOf = (...places: readonly string[]): (() => void) => {
  const copies = places.map((place) =>
    fs.statSync(place).isDirectory() ? { place, files: contentOf(place) } : { place, octets: fs.readFileSync(place) },
  );
  return () => {
    for (const { place, files, octets } of copies) {
      // SQLite keeps what is new beside its file.
      for (const extra of [`${place}-wal`, `${place}-shm`]) fs.rmSync(extra, { force: true });
      if (octets) fs.writeFileSync(place, octets);
      if (!files) continue;
      for (const name of fs.readdirSync(place)) fs.rmSync(path.join(place, name), { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(place, name)), { recursive: true, mode: 0o700 });
        fs.writeFileSync(path.join(place, name), text, { encoding: "latin1", mode: 0o600 });
      }
    }
  };
};

/** The file of a portal as `filePortal` gives it. */
export const storeOf = (portal: string): string => portal.slice("file:".length);

/** A lock that a killed command has left is taken over after ten seconds, which nobody waits for here. */
export const breakLock = (of: Machine): void =>
  fs.rmSync(path.join(of.home, ".lock"), { recursive: true, force: true });

/**
 * Runs a command that dies at its first change of a file, then at its second, and so on, until it comes to its end before it
 * dies; each time from the same picture. `check` is given what it said, if anything, and how often it had been allowed to
 * change something. With `step` it dies at every so many changes only.
 */
export const killedEverywhere = async (
  of: Machine,
  line: string,
  restore: () => void,
  check: (first: Outcome, n: number) => Promise<void>,
  step = 1,
): Promise<void> => {
  const real = testDeps().fs;
  for (let n = 1; n < MANY; n += step) {
    restore();
    const files = faultyFiles(real, n, "crash");
    const first = await of.with({ deps: { fs: files.fs } }).run(line);
    breakLock(of);
    if (!files.fired()) {
      if (first.status !== 0) throw new Error(`meshman ${line}: ${first.stdout}${first.stderr}`);
      return;
    }
    await check(first, n);
  }
  throw new Error(`meshman ${line} never comes to its end.`);
};
