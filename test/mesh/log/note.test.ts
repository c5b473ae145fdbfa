import { verify as verifyOctets, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isNoteName, noteText, openNote, parseVerifierKey, signNote, verifierKey } from "../../../src/mesh/log/note.js";
// The examples of C2SP signed-note and of golang.org/x/mod/sumdb/note.
import vectors from "./signed-note.json" with { type: "json" };
import { flipped, noteKey } from "./support.js";

const name = "log.example/mesh";
const key = noteKey("first");
const other = noteKey("second");
const verifier = verifierKey(name, key.publicKey);
const text = "first line\n\nsecond line\n";
const note = signNote(text, name, key);
const signatureOf = (whole: string): string => whole.slice(whole.lastIndexOf("\n\n") + 2);

describe("the vectors", () => {
  test.each(vectors.notes)("$vkey", ({ vkey, text: body, signature }) => {
    expect(parseVerifierKey(vkey)?.text).toBe(vkey);
    const whole = `${body}\n${signature}\n`;
    expect(openNote(whole, vkey)).toBe(body);
    expect(noteText(whole)).toBe(body);
    expect(openNote(whole, verifier)).toBeUndefined();
  });
});

describe("verifier keys", () => {
  test("are read back", () => {
    const read = parseVerifierKey(verifier);
    expect(read).toMatchObject({ name, text: verifier });
    expect(read?.publicKey).toEqual(Buffer.from(key.publicKey));
    expect(verifier).toBe(
      `${name}+${read!.id.toString("hex")}+${Buffer.concat([Buffer.of(1), key.publicKey]).toString("base64")}`,
    );
  });

  test("have one spelling", () => {
    const [, id = "", base64 = ""] = /^[^+]+\+([^+]+)\+(.*)$/.exec(verifier) ?? [];
    const spelt = (...[mine = name, hex = id, octets = base64]: string[]) =>
      parseVerifierKey(`${mine}+${hex}+${octets}`);
    expect(spelt()).toBeDefined();
    expect(spelt(name, id.toUpperCase() === id ? "00000000" : id.toUpperCase())).toBeUndefined();
    expect(spelt(name, id.slice(1))).toBeUndefined();
    expect(spelt(name, "00000000")).toBeUndefined();
    expect(spelt("another.example")).toBeUndefined();
    expect(spelt(`${name} `)).toBeUndefined();
    expect(spelt(name, id, base64.slice(0, -1))).toBeUndefined();
    expect(spelt(name, id, `${base64.slice(0, -1)}_`)).toBeUndefined();
    expect(spelt(name, id, `${base64}=`)).toBeUndefined();
    expect(spelt(name, id, `${base64}\n`)).toBeUndefined();
    for (const wrong of ["", "+", "++", name, `${name}+${id}`, "x".repeat(600)]) {
      expect(parseVerifierKey(wrong)).toBeUndefined();
    }
  });

  test("are Ed25519 keys that are safe to use", () => {
    // The identity, a point of order 8, a value that is no point, and the encoding of y = 1 that is not canonical.
    const unsafe = [
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "0200000000000000000000000000000000000000000000000000000000000000",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for (const hex of unsafe) {
      expect(parseVerifierKey(verifierKey(name, Buffer.from(hex, "hex")))).toBeUndefined();
    }
    const octets = Buffer.concat([Buffer.of(2), key.publicKey]);
    const id = parseVerifierKey(verifier)!.id.toString("hex");
    expect(parseVerifierKey(`${name}+${id}+${octets.toString("base64")}`)).toBeUndefined();
    expect(() => verifierKey(name, key.publicKey.slice(1))).toThrow(RangeError);
    expect(() => verifierKey("a b", key.publicKey)).toThrow(RangeError);
  });
});

test("names have neither white space nor a plus", () => {
  for (const good of ["a", name, "müller.example", "例え.example", "x".repeat(255), "—"])
    expect(isNoteName(good)).toBe(true);
  const bad = [
    "",
    "a b",
    "a+b",
    "a\tb",
    "a\nb",
    "a\u00a0b",
    "a\u3000b",
    "a\u0085b",
    "a\u2028b",
    "\ud800",
    "x".repeat(256),
  ];
  for (const name of bad) expect(isNoteName(name)).toBe(false);
});

describe("notes", () => {
  test("are signed over their text, as anybody can verify", () => {
    expect(note.startsWith(`${text}\n— ${name} `)).toBe(true);
    expect(openNote(note, verifier)).toBe(text);
    const octets = Buffer.from(signatureOf(note).trim().split(" ")[2]!, "base64");
    const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key.publicKey).toString("base64url") };
    const object = createPublicKey({ key: jwk, format: "jwk" });
    expect(verifyOctets(null, Buffer.from(text), object, octets.subarray(4))).toBe(true);
    expect(octets.subarray(0, 4)).toEqual(parseVerifierKey(verifier)?.id);
  });

  test("any text that can be signed is read back", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 60 });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 10 }), (lines) => {
        const body = lines.map((each) => `${each.replace(/[\0-\x1f]/g, "")}\n`).join("");
        expect(openNote(signNote(body, name, key), verifier)).toBe(body);
      }),
    );
  });

  test("no bit of one can be turned over", () => {
    const octets = Buffer.from(note);
    for (let bit = 0; bit < octets.length * 8; bit++) {
      expect(openNote(flipped(octets, bit).toString("utf8"), verifier)).toBeUndefined();
    }
  });

  test("nothing can be added or cut off", () => {
    for (let length = 0; length < note.length; length++) {
      expect(openNote(note.slice(0, length), verifier)).toBeUndefined();
    }
    for (const more of ["\n", "x", " ", "\n\n", "— ", "— x\n", "\u0000"]) {
      expect(openNote(note + more, verifier)).toBeUndefined();
      expect(openNote(more + note, verifier)).toBeUndefined();
    }
    expect(openNote(note.replaceAll("\n", "\r\n"), verifier)).toBeUndefined();
  });

  test("another key, and the same key under another name, has not signed it", () => {
    expect(openNote(note, verifierKey(name, other.publicKey))).toBeUndefined();
    expect(openNote(note, verifierKey("another.example", key.publicKey))).toBeUndefined();
    expect(openNote(note, "no key")).toBeUndefined();
  });

  test("a stranger's signatures are passed over, up to 15 of them", () => {
    const foreign = signatureOf(signNote(text, "witness.example", other));
    const unknown = `— ${name} ${Buffer.alloc(8, 9).toString("base64")}\n`;
    expect(openNote(`${text}\n${foreign}${unknown}${signatureOf(note)}`, verifier)).toBe(text);
    expect(openNote(`${note}${foreign.repeat(15)}`, verifier)).toBe(text);
    expect(openNote(`${note}${foreign.repeat(16)}`, verifier)).toBeUndefined();
    expect(openNote(`${text}\n${foreign}`, verifier)).toBeUndefined();
  });

  test("a wrong signature of this key spoils the note, whatever stands beside it", () => {
    const wrong = signatureOf(signNote("another text\n", name, key));
    expect(openNote(`${note}${wrong}`, verifier)).toBeUndefined();
    expect(openNote(`${text}\n${wrong}${signatureOf(note)}`, verifier)).toBeUndefined();
    const short = `— ${name} ${Buffer.concat([parseVerifierKey(verifier)!.id, Buffer.alloc(63)]).toString("base64")}\n`;
    expect(openNote(`${note}${short}`, verifier)).toBeUndefined();
  });

  test("signatures that have not the form of one spoil the note", () => {
    const good = signatureOf(note);
    const lines = [
      good.replace("— ", "- "),
      good.replace("— ", "—"),
      good.replace("— ", "—  "),
      good.replace(/\n$/, " \n"),
      good.replace(/=*\n$/, "\n"),
      `— ${name} AAAA\n`,
      `— ${name} AAAAAA==\n`,
      `— a+b ${Buffer.alloc(68).toString("base64")}\n`,
      `— a ${Buffer.alloc(68).toString("base64url")}_\n`,
      "\n",
    ];
    for (const line of lines) {
      if (line !== good) expect(openNote(`${text}\n${line}${good}`, verifier)).toBeUndefined();
    }
  });

  test("are bounded", () => {
    const long = `${"x".repeat(3900)}\n`;
    expect(openNote(signNote(long, name, key), verifier)).toBe(long);
    expect(() => signNote(`${"x".repeat(4096)}\n`, name, key)).toThrow(RangeError);
    expect(openNote(`${"x".repeat(100_000)}\n\n${signatureOf(note)}`, verifier)).toBeUndefined();
  });

  test("only a text that ends in its line feed and has no control character is signed", () => {
    for (const bad of ["", "x", "x\r\n", "a\tb\n", "\u0000\n", "\ud800\n"]) {
      expect(() => signNote(bad, name, key)).toThrow(RangeError);
    }
    expect(() => signNote(text, "a b", key)).toThrow(RangeError);
  });
});
