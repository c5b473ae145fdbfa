import { describe, expect, it } from "vitest";
import { createJournal, type Journal, type JournalOptions } from "../../src/portal/journal.js";

const now = () => new Date("2026-03-01T12:00:00.250Z");

const open = (options: Partial<JournalOptions> = {}): { journal: Journal; pieces: string[] } => {
  const pieces: string[] = [];
  const journal = createJournal({
    format: "json",
    level: "info",
    now,
    write: async (text) => void pieces.push(text),
    ...options,
  });
  return { journal, pieces };
};

describe("a journal", () => {
  it("has one JSON object a line", async () => {
    const { journal, pieces } = open({ always: { worker: 2 } });
    journal.note("info", "request", {
      id: "a-1",
      status: 201,
      milliseconds: 1.5,
      account: undefined,
      stack: ["x", "y"],
    });
    journal.note("error", "failed", { code: "io-failed", cause: "ENOSPC" });
    journal.note("debug", "unseen");
    await journal.flush();
    expect(
      pieces
        .join("")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toEqual([
      {
        time: "2026-03-01T12:00:00.250Z",
        level: "info",
        event: "request",
        worker: 2,
        id: "a-1",
        status: 201,
        milliseconds: 1.5,
        stack: ["x", "y"],
      },
      {
        time: "2026-03-01T12:00:00.250Z",
        level: "error",
        event: "failed",
        worker: 2,
        code: "io-failed",
        cause: "ENOSPC",
      },
    ]);
  });

  it("has lines of names and values for people", async () => {
    const { journal, pieces } = open({ format: "text", level: "debug" });
    journal.note("debug", "request", { id: "a-1", status: 201, message: 'two "words"\n', path: "/x/y.z" });
    await journal.flush();
    expect(pieces).toEqual([
      '2026-03-01T12:00:00.250Z debug request id=a-1 status=201 message="two \\"words\\"\\\\u000a" path=/x/y.z\n',
    ]);
  });

  it("keeps hostile text in its line", async () => {
    for (const format of ["json", "text"] as const) {
      const { journal, pieces } = open({ format });
      journal.note("info", "request", { account: "a\nb\u202e\u001b[31m@example.com", long: "x".repeat(100_000) });
      await journal.flush();
      expect(pieces.join("")).toMatch(/^[ -~]{1,4000}\n$/);
    }
  });

  it("says nothing where it is told to", async () => {
    const { journal, pieces } = open({ format: "none" });
    journal.note("error", "failed");
    await journal.flush();
    expect(pieces).toEqual([]);
    const quiet = open({ level: "warn" });
    quiet.journal.note("info", "request");
    quiet.journal.note("warn", "warning");
    await quiet.journal.flush();
    expect(quiet.pieces).toHaveLength(1);
  });

  it("writes whole lines, in pieces that a pipe takes at once", async () => {
    const { journal, pieces } = open();
    for (let index = 0; index < 500; index++) journal.note("info", "request", { index });
    await journal.flush();
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) {
      expect(piece.length).toBeLessThanOrEqual(4096);
      expect(piece.endsWith("\n")).toBe(true);
    }
    const indexes = pieces
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { index: number }).index);
    expect(indexes).toEqual(Array.from({ length: 500 }, (_, index) => index));
  });

  it("drops what nobody takes, counts it, and holds no more than so much", async () => {
    let dropped = 0;
    let release: () => void = () => undefined;
    let written = 0;
    const { journal } = open({
      write: (text) => {
        written += text.length;
        return new Promise((resolve) => (release = resolve));
      },
      onDropped: (lines) => (dropped += lines),
    });
    for (let index = 0; index < 20_000; index++) journal.note("info", "request", { text: "x".repeat(400) });
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(20_000);
    const flushed = journal.flush();
    const timer = setInterval(() => release(), 0);
    await flushed;
    clearInterval(timer);
    expect(written).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it("survives a reader that has gone", async () => {
    let dropped = 0;
    const { journal } = open({
      write: () => Promise.reject(Object.assign(new Error("gone"), { code: "EPIPE" })),
      onDropped: (lines) => (dropped += lines),
    });
    for (let index = 0; index < 3; index++) journal.note("info", "request");
    await journal.flush();
    expect(dropped).toBe(3);
  });
});
