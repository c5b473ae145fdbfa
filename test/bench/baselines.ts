import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import Database from "better-sqlite3";

// What a portal's figures are held against: servers that do nothing but move the same octets, and the bare disk.

const APPEND = 8192;

/** Answers every request, once its body is there, with a body of a fixed size. */
const serve = (answerSize: number, onBody: (body: Buffer) => void): Promise<number> =>
  new Promise((resolve) => {
    const answer = Buffer.alloc(answerSize, " ");
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        onBody(Buffer.concat(chunks));
        response.writeHead(201, { "content-type": "application/json", "content-length": answer.length });
        response.end(answer);
      });
    });
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

export const baselines = {
  /** A bare echo. Gives its port. */
  echo: ({ answerSize }: { answerSize: number }): Promise<number> => serve(answerSize, () => undefined),

  /** The same, behind one SQLite commit on disk for every request. */
  commits: ({ answerSize, file }: { answerSize: number; file: string }): Promise<number> => {
    const db = new Database(file);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.exec("CREATE TABLE body (text TEXT)");
    const insert = db.prepare("INSERT INTO body VALUES (?)");
    return serve(answerSize, (body) => insert.run(body.toString()));
  },

  /** How often a second 8 KiB can be appended to a file and be on disk before the next. */
  appends: ({ file, seconds }: { file: string; seconds: number }): number => {
    const octets = Buffer.alloc(APPEND, "x");
    const output = fs.openSync(file, "w", 0o600);
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < seconds * 1000; count++) {
      fs.writeSync(output, octets);
      fs.fdatasyncSync(output);
    }
    const rate = (count * 1000) / (performance.now() - began);
    fs.closeSync(output);
    fs.rmSync(file);
    return rate;
  },
};
export type Baselines = typeof baselines;
