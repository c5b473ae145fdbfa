import type { Duplex } from "node:stream";
import { LINE_LIMIT } from "./protocol.js";

/** Bounded lines of text that arrive on a connection. */
export interface Lines {
  /** The next line, without its end; undefined where the connection ends or breaks before, or the line is too long. */
  next(): Promise<string | undefined>;
}

/** Reads lines from a connection from now on. Errors of the connection end it; nobody else need listen to them. */
export const linesOf = (connection: Duplex): Lines => {
  let arrived = Buffer.alloc(0);
  let ended = false;
  let waiting: ((line: string | undefined) => void) | undefined;

  const take = (): void => {
    if (!waiting) return;
    const end = arrived.indexOf(0x0a);
    const isLong = (end < 0 ? arrived.length : end) > LINE_LIMIT;
    if (end < 0 && !isLong && !ended) return;
    const answer = waiting;
    waiting = undefined;
    if (end < 0 || isLong) {
      connection.destroy();
      answer(undefined);
      return;
    }
    const line = arrived.toString("utf8", 0, end);
    arrived = arrived.subarray(end + 1);
    answer(line);
  };
  const finish = (): void => {
    ended = true;
    take();
  };
  connection.on("data", (chunk: Buffer) => {
    // Whoever sends more than one line at a time is not one of us.
    if (arrived.length > LINE_LIMIT) return;
    arrived = Buffer.concat([arrived, chunk]);
    take();
  });
  connection.on("error", finish);
  connection.on("end", finish);
  connection.on("close", finish);
  return {
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
        take();
      }),
  };
};
