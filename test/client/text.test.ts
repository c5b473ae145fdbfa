import fc from "fast-check";
import { expect, it } from "vitest";
import { showText } from "../../src/client/text.js";

it("escapes what could deceive a reader and cuts what is long", () => {
  expect(showText("plain, ümlaut, 漢字 and 🙂")).toBe("plain, ümlaut, 漢字 and 🙂");
  expect(showText("a\u001b[31mb\nc\u202ed\u2066e\u200ff\u0085")).toBe(
    "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{2066}e\\u{200f}f\\u{85}",
  );
  expect(showText("x".repeat(300))).toBe("x".repeat(300));
  expect(showText("x".repeat(301))).toBe(`${"x".repeat(299)}…`);
});

it("never lets through a hidden character or more than it may", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      const shown = showText(text, 100);
      expect(shown.length).toBeLessThanOrEqual(100);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});
