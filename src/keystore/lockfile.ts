import * as fs from "node:fs";

/** proper-lockfile behind an import of its own: it is loaded by commands that write, and a bundle of CommonJS has no names. */
export { lock, unlock } from "proper-lockfile";

/** How far the time of a lock may be ahead of the clock, in milliseconds. */
const AHEAD = 10_000;

/**
 * The file operations of the lock. A lock with a time to come is one whose holder died before the clock was set back, for a
 * holder that lives keeps it at the present: it would be respected until then, so it is shown as one of long ago.
 */
export const lockFiles = {
  ...fs,
  stat: (path: string, callback: (error: NodeJS.ErrnoException | null, stat: fs.Stats) => void): void =>
    fs.stat(path, (error, stat) => {
      // There is none after an error, whatever the type says.
      if (!error && stat.mtime.getTime() > Date.now() + AHEAD) stat.mtime = new Date(0);
      callback(error, stat);
    }),
};
