import { describe, expect, test } from "vitest";
import { followKeyChanges, keyChangeText, openKeyChange } from "../../../src/mesh/log/key-change.js";
import { signNote, verifierKey } from "../../../src/mesh/log/note.js";
import { refusal } from "../support.js";
import { flipped, noteKey } from "./support.js";

const origin = "log.example";
const keys = ["a", "b", "c", "d"].map((seed) => noteKey(`change ${seed}`));
const verifiers = keys.map(({ publicKey }) => verifierKey(origin, publicKey));
const [a, b, c, d] = verifiers as [string, string, string, string];
/** The note by which one key names another. */
const change = (from: number, to: number, size = 10 * to): string =>
  signNote(keyChangeText({ origin, verifier: verifiers[to]!, size }), origin, keys[from]!);
const all = [change(0, 1), change(1, 2), change(2, 3)];

describe("a change of key", () => {
  test("is signed by the key before it", () => {
    expect(openKeyChange(change(0, 1), a)).toEqual({ origin, verifier: b, size: 10 });
    expect(refusal(() => openKeyChange(change(0, 1), b))).toBe("log-key-changed");
    expect(refusal(() => openKeyChange(change(1, 1), a))).toBe("log-key-changed");
    expect(refusal(() => openKeyChange(change(0, 1), "no key"))).toBe("log-key-changed");
  });

  test("names another key of the same log", () => {
    expect(refusal(() => openKeyChange(change(0, 0), a))).toBe("log-key-changed");
    expect(() => keyChangeText({ origin: "other.example", verifier: b, size: 0 })).toThrow(RangeError);
    expect(() => keyChangeText({ origin, verifier: "no key", size: 0 })).toThrow(RangeError);
    const foreign = verifierKey("other.example", keys[1]!.publicKey);
    const text = keyChangeText({ origin: "other.example", verifier: foreign, size: 0 });
    expect(refusal(() => openKeyChange(signNote(text, origin, keys[0]!), a))).toBe("log-key-changed");
  });

  test("no bit of one can be turned over", () => {
    const octets = Buffer.from(change(0, 1));
    for (let bit = 0; bit < octets.length * 8; bit++) {
      expect(refusal(() => openKeyChange(flipped(octets, bit).toString("utf8"), a))).toBe("log-key-changed");
    }
  });

  test.each([
    ["another text", `${origin}\nmmm/log/key/v2\n${b}\n10\n`],
    ["leading zeros", `${origin}\nmmm/log/key/v1\n${b}\n010\n`],
    ["a size beyond safe integers", `${origin}\nmmm/log/key/v1\n${b}\n9007199254740992\n`],
    ["another origin", `other.example\nmmm/log/key/v1\n${b}\n10\n`],
    ["no size", `${origin}\nmmm/log/key/v1\n${b}\n`],
    ["one line more", `${origin}\nmmm/log/key/v1\n${b}\n10\n10\n`],
    ["a checkpoint", `${origin}\n10\n${Buffer.alloc(32).toString("base64")}\ntime 2026-03-04T05:06:07.890Z\n`],
  ])("%s is none", (_, text) => {
    expect(refusal(() => openKeyChange(signNote(text, origin, keys[0]!), a))).toBe("log-key-changed");
  });
});

describe("following changes", () => {
  const follows = (pinned: string, changes: readonly string[], announced: string) =>
    refusal(() => followKeyChanges(pinned, changes, announced));

  test("nothing has changed", () => {
    expect(follows(a, [], a)).toBeUndefined();
    expect(follows(d, all, d)).toBeUndefined();
  });

  test("from any key that was pinned to the last one", () => {
    expect(follows(a, all, d)).toBeUndefined();
    expect(follows(b, all, d)).toBeUndefined();
    expect(follows(c, all, d)).toBeUndefined();
    expect(follows(b, all.slice(1), d)).toBeUndefined();
    expect(follows(a, all.slice(0, 1), b)).toBeUndefined();
  });

  test.each<[string, string, string[], string]>([
    ["without any change", a, [], b],
    ["back", b, all, a],
    ["to a key that the last change does not name", a, all.slice(0, 2), d],
    ["past the last change", a, all, b],
    ["over a gap", a, [change(0, 1), change(2, 3)], d],
    ["in the wrong order", a, [change(1, 2), change(0, 1)], c],
    ["by two changes of one key", a, [change(0, 1), change(0, 2)], c],
    ["from an unknown key", verifierKey(origin, noteKey("unknown").publicKey), all, d],
    ["to a key of another log", a, all, verifierKey("other.example", keys[3]!.publicKey)],
    ["by changes of a shrinking tree", a, [change(0, 1, 20), change(1, 2, 19)], c],
    ["by notes that are none", a, ["", "x\n"], b],
  ])("%s: not", (_, pinned, changes, announced) => expect(follows(pinned, changes, announced)).toBe("log-key-changed"));
});
