import type { Duplex } from "node:stream";
import { LINE_LIMIT } from "./protocol.js";

/** Bounded lines of text that arrive on a connection. */
export interface Lines {
  /** The next line, without its end; undefined where the connection ends or breaks before, or the line is too long. */
  next(): Promise<string | undefined>;
}

/** The same, to be given what arrives, and told of the end. */
export interface LineReader extends Lines {
  readonly take: (octets: Uint8Array) => void;
  readonly end: () => void;
}

/** Cuts what arrives into lines; `stop` is called where one is too long, and should end the connection. */
export const readLines = (stop: () => void): LineReader => {
  let arrived = Buffer.alloc(0);
  let ended = false;
  let waiting: ((line: string | undefined) => void) | undefined;

  const tell = (): void => {
    if (!waiting) return;
    const end = arrived.indexOf(0x0a);
    const isLong = (end < 0 ? arrived.length : end) > LINE_LIMIT;
    if (end < 0 && !isLong && !ended) return;
    const answer = waiting;
    waiting = undefined;
    if (end < 0 || isLong) {
      stop();
      answer(undefined);
      return;
    }
    const line = arrived.toString("utf8", 0, end);
    arrived = arrived.subarray(end + 1);
    answer(line);
  };
  return {
    take: (octets) => {
      // Whoever sends more than one line at a time is not one of us.
      if (arrived.length > LINE_LIMIT) return;
      arrived = Buffer.concat([arrived, octets]);
      tell();
    },
    end: () => {
      ended = true;
      tell();
    },
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
        tell();
      }),
  };
};

/** Reads lines from a connection from now on. Errors of the connection end it; nobody else need listen to them. */
export const linesOf = (connection: Duplex): Lines => {
  const lines = readLines(() => connection.destroy());
  connection.on("data", lines.take);
  for (const event of ["error", "end", "close"]) connection.on(event, lines.end);
  return lines;
};
