import { describe, expect, test } from "vitest";
import { columns, exactTime, fields, readableTime, table } from "../../src/cli/output.js";
import { msg } from "../../src/messages/message.js";
import { loadTranslator } from "../../src/messages/translate.js";

test("times, to the minute and to the second", () => {
  expect(readableTime("2026-11-22T12:26:07.123Z")).toBe("2026-11-22 12:26 UTC");
  expect(exactTime("2026-11-22T12:26:07.123Z")).toBe("2026-11-22 12:26:07 UTC");
});

describe("columns of a terminal", () => {
  test.each([
    ["", 0],
    ["laptop", 6],
    ["\u00e9t\u00e9", 3],
    ["e\u0301te\u0301", 3],
    ["\u0440\u0430\u0431\u043e\u0442\u0430", 6],
    ["\u96fb\u8a71", 4],
    ["\u304b\u306a", 4],
    ["\u304b\u3099", 2],
    ["\uff76\uff85", 2],
    ["\uff21\uff22", 4],
    ["\ud55c\uae00", 4],
    ["\u1112\u1161\u11ab", 2],
    ["\ud842\udfb7", 2],
    ["\ud83d\udcbb", 2],
    ["\u05d0\u05b7", 1],
  ])("%j takes up %i", (text, count) => {
    expect(columns(text)).toBe(count);
  });

  test("tables and fields are aligned, whatever the names", async () => {
    const translate = await loadTranslator("en");
    const names = ["laptop", "\u96fb\u8a71", "e\u0301te\u0301", "\ud83d\udcbb\ud83d\udcbb\ud83d\udcbb\ud83d\udcbb"];
    const rows = names.map((name) => [name, "end"]);
    const headings = [msg("heading.profile"), msg("heading.udf")];
    const lines = table(headings, rows, msg("label.none"))(translate).trimEnd().split("\n").slice(1);
    expect(new Set(lines.map((line) => columns(line)))).toEqual(new Set([13]));
    const shown = fields([
      [{ key: "keystore.what.file", values: { path: names[1]! } }, "end"],
      [{ key: "keystore.what.file", values: { path: names[0]! } }, "end"],
    ])(translate);
    const widths = shown
      .trimEnd()
      .split("\n")
      .map((line) => columns(line));
    expect(widths[0]).toBe(widths[1]);
  });
});
