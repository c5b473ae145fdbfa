import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { describe, expect } from "vitest";
import { after, printedBy, test, type Running } from "../support/program.js";

/** Resolves when standard input is being read: more has been taken than fits into the pipe. */
const isReadingInput = ({ child }: Running): Promise<void> =>
  new Promise((resolve) => {
    child.stdin?.write(Buffer.alloc(1 << 20, "\n"), () => resolve());
  });

/** Opens a named pipe for writing as soon as somebody has opened it for reading. */
const joinReader = async (file: string): Promise<number> => {
  for (;;) {
    try {
      return fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    } catch {
      await after(20);
    }
  }
};

describe("input that does not come", () => {
  test.concurrent.for(["udf -", "verify -"])("%s is interrupted", async (words, { stage }) => {
    const running = stage.launch("laptop", `${words} --json`, { interactive: true });
    await isReadingInput(running);
    const finished = await running.stop("SIGINT");
    expect(finished).toMatchObject({ status: 130, stderr: "" });
    expect(printedBy(finished).error?.code).toBe("interrupted");
  });

  // By the system: a read that waits keeps the program from doing it.
  test.concurrent.for(["udf pipe", "verify pipe", "profile create --passphrase-file pipe"])(
    "%s of a pipe that says nothing is ended by a signal",
    { skip: process.platform === "win32" },
    async (words, { stage }) => {
      execFileSync("mkfifo", [stage.path("pipe")]);
      const running = stage.launch("laptop", words);
      const fd = await joinReader(stage.path("pipe"));
      expect(await running.stop("SIGTERM")).toMatchObject({ status: null, signal: "SIGTERM", stdout: "" });
      fs.closeSync(fd);
    },
  );
});
