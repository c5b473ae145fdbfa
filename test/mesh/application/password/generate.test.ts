import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  generateCharacters,
  generateWords,
  lengthFor,
  randomBelow,
  shortest,
  wordsFor,
} from "../../../../src/mesh/application/password/generate.js";

const ALL = { upper: true, digits: true, symbols: true, plain: false };
const USUAL = { ...ALL, symbols: false };

describe("a generated password", () => {
  test("has the strength that is asked for, and not a character more than that takes", () => {
    for (const rules of [USUAL, ALL, { ...USUAL, upper: false, digits: false }, { ...ALL, plain: true }]) {
      for (const bits of [40, 64, 128, 256]) {
        const length = lengthFor(bits, rules);
        const { password, bits: actual } = generateCharacters(length, rules, randomBytes);
        expect(password).toHaveLength(length);
        expect(actual).toBeGreaterThanOrEqual(bits);
        expect(generateCharacters(length - 1, rules, randomBytes).bits).toBeLessThan(bits);
      }
    }
    expect(lengthFor(128, USUAL)).toBe(22);
  });

  test("has one of each class", () => {
    for (let round = 0; round < 200; round++) {
      const { password } = generateCharacters(4, ALL, randomBytes);
      expect(password).toMatch(/[a-z]/);
      expect(password).toMatch(/[A-Z]/);
      expect(password).toMatch(/[0-9]/);
      expect(password).toMatch(/[^a-zA-Z0-9]/);
    }
    expect(shortest(ALL)).toBe(4);
  });

  test("counts only what there can be", () => {
    // Two characters of two classes: 26 * 10 * 2 of them.
    const rules = { upper: false, digits: true, symbols: false, plain: false };
    expect(generateCharacters(2, rules, randomBytes).bits).toBeCloseTo(Math.log2(520), 9);
    expect(generateCharacters(3, { ...rules, digits: false }, randomBytes).bits).toBeCloseTo(3 * Math.log2(26), 9);
  });

  test("has no character that is taken for another one, where that is asked for", () => {
    const { password } = generateCharacters(1000, { ...ALL, plain: true }, randomBytes);
    expect(password).not.toMatch(/[0OoIl1|]/);
  });

  test("favours no character", () => {
    const counts = new Map<string, number>();
    const { password } = generateCharacters(1000, { ...USUAL, upper: false }, randomBytes);
    for (let round = 0; round < 20; round++) {
      const { password: next } = generateCharacters(1000, { ...USUAL, upper: false }, randomBytes);
      for (const character of password + next) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(counts.size).toBe(36);
  });
});

test("a number below a bound is drawn again where some would be favoured", () => {
  // 2^32 is no multiple of 3: the last number would make 0 more likely.
  const draws = [Buffer.from("ffffffff", "hex"), Buffer.from("00000005", "hex")];
  expect(randomBelow(3, () => draws.shift()!)).toBe(2);
  expect(draws).toEqual([]);
  const counts = [0, 0, 0, 0, 0];
  for (let round = 0; round < 10_000; round++) counts[randomBelow(5, randomBytes)]!++;
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(300);
});

test("words can be said, and their strength is known", () => {
  const { password, bits } = generateWords(8, randomBytes);
  expect(password).toMatch(/^([bdfghjklmnprstvz][aeiou][bdfghjklmnprstvz][aeiou][bdfghjklmnprstvz](-|$)){8}$/);
  expect(bits).toBeCloseTo(8 * Math.log2(102_400), 9);
  expect(wordsFor(128)).toBe(8);
  expect(wordsFor(1)).toBe(1);
});
