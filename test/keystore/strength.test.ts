import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimateBits, isWeak } from "../../src/keystore/strength.js";

describe("the estimate of a passphrase", () => {
  test.each([
    "",
    "password",
    "P@ssw0rd2024!",
    "Motdepasse1",
    "12345678",
    "87654321",
    "aaaaaaaaaaaaaaaa",
    "abcabcabcabc",
    "qwertyuiop123",
    "hunter2hunter2",
    "correct horse battery",
    "horse horse horse horse horse horse",
    "letmein password welcome admin",
    "2024-05-17",
    "\u{1F511}".repeat(12),
  ])("sees that %j is weak", (text) => {
    expect(isWeak(Buffer.from(text))).toBe(true);
  });

  test.each([
    "correct horse battery staple",
    "CorrectHorseBatteryStaple",
    "five well chosen random words",
    "Grüße aus dem zweiten Satz",
    "привет мир это фраза",
    "我喜欢吃苹果和香蕉",
    "aG7xQ2mP9zLw",
    "kqjxvzpwmbtdfghl",
    "7f3a9c1e5b2d8f60",
  ])("has nothing to say of %j", (text) => {
    expect(isWeak(Buffer.from(text))).toBe(false);
  });

  test("is finite and never negative, whatever the text, and never takes long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 4096 }), (text) => {
        const bits = estimateBits(text);
        expect(Number.isFinite(bits) && bits >= 0).toBe(true);
      }),
    );
    for (const text of ["password".repeat(512), "ab1!".repeat(1024), `${"a".repeat(4095)}b`]) estimateBits(text);
  });

  test("does not rise by saying it again", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 16 }), (text) => {
        expect(estimateBits(text + text)).toBeLessThanOrEqual(estimateBits(text) + 3);
      }),
    );
  });
});
