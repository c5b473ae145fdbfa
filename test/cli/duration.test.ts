import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDuration } from "../../src/cli/duration.js";
import { readableDuration } from "../../src/messages/duration.js";
import { errorCode } from "../support/deps.js";

const ANY = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

describe("a duration", () => {
  test.each([
    ["90s", 90],
    ["15m", 900],
    ["8h", 28_800],
    ["90d", 7_776_000],
    ["0s", 0],
    ["007m", 420],
  ])("%s", (text, seconds) => {
    expect(parseDuration(text, ANY)).toBe(seconds);
  });

  test.each(["", "15", "m", "15 m", " 15m", "15m ", "15M", "1.5h", "-1s", "+1s", "1h30m", "1w", "1e3s", "٣m", "0x1s"])(
    "%j is none",
    async (text) => {
      expect(await errorCode(() => parseDuration(text, ANY))).toBe("usage");
    },
  );

  test("must be within its bounds, both of which are included", async () => {
    const bounds = { minimum: 60, maximum: 3600 };
    expect(parseDuration("1m", bounds)).toBe(60);
    expect(parseDuration("1h", bounds)).toBe(3600);
    for (const text of ["59s", "3601s", "2h", "999999999d"]) {
      expect(await errorCode(() => parseDuration(text, bounds))).toBe("usage");
    }
  });
});

describe("seconds to read", () => {
  test.each([
    [0, "0s"],
    [-5, "0s"],
    [59.4, "59s"],
    [60, "1m"],
    [870, "14m 30s"],
    [3600, "1h"],
    [3605, "1h"],
    [86_400, "1d"],
    [93_784, "1d 2h"],
  ])("%s: %s", (seconds, text) => {
    expect(readableDuration(seconds)).toBe(text);
  });

  test("are the duration itself where it has one unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 59 }), fc.constantFrom("s", "m"), (count, unit) => {
        const text = `${count}${unit}`;
        expect(readableDuration(parseDuration(text, ANY))).toBe(text);
      }),
    );
  });
});
