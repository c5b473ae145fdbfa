import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkpointText, openCheckpoint, readCheckpoint } from "../../../src/mesh/log/checkpoint.js";
import { signNote, verifierKey } from "../../../src/mesh/log/note.js";
import { NOW, refusal } from "../support.js";
import { flipped, noteKey } from "./support.js";

const origin = "log.example";
const key = noteKey("checkpoint");
const verifier = verifierKey(origin, key.publicKey);
const root = Buffer.alloc(32, 0xfb);
const body = { origin, size: 7, root, time: NOW };
const signed = (text: string, name = origin, signer = key): string => signNote(text, name, signer);
const note = signed(checkpointText(body));
const [originLine, sizeLine, rootLine, timeLine] = checkpointText(body).split("\n") as [string, string, string, string];

describe("a checkpoint", () => {
  test("is the text of C2SP tlog-checkpoint with its time", () => {
    expect(checkpointText(body)).toBe(`log.example\n7\n${root.toString("base64")}\ntime 2026-03-04T05:06:07.890Z\n`);
  });

  test("is read back, whatever it says", () => {
    const time = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true });
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets));
    fc.assert(
      fc.property(fc.maxSafeNat(), hash, time, (size, root, time) => {
        const text = checkpointText({ origin, size, root, time });
        const whole = signed(text);
        expect(openCheckpoint(whole, verifier)).toEqual({ origin, size, root, time, note: whole });
        expect(readCheckpoint(whole)).toEqual({ origin, size, root, time });
      }),
    );
  });

  test("no bit of one can be turned over", () => {
    const octets = Buffer.from(note);
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const changed = flipped(octets, bit).toString("utf8");
      expect(refusal(() => openCheckpoint(changed, verifier))).toBe("log-signature");
    }
  });

  test.each([
    ["another key", verifierKey(origin, noteKey("other").publicKey)],
    ["another name", verifierKey("other.example", key.publicKey)],
    ["no key", "log.example"],
  ])("is not that of %s", (_, other) => {
    expect(refusal(() => openCheckpoint(note, other))).toBe("log-signature");
  });

  test("names the log whose key signs it", () => {
    const foreign = signed(checkpointText({ ...body, origin: "other.example" }));
    expect(refusal(() => openCheckpoint(foreign, verifier))).toBe("log-signature");
  });

  test.each<[string, string[]]>([
    ["no time", [originLine, sizeLine, rootLine]],
    ["one line more", [originLine, sizeLine, rootLine, timeLine, "more"]],
    ["an empty line", [originLine, sizeLine, rootLine, "", timeLine]],
    ["an empty line at the end", [originLine, sizeLine, rootLine, timeLine, ""]],
    ["leading zeros", [originLine, "07", rootLine, timeLine]],
    ["a sign", [originLine, "+7", rootLine, timeLine]],
    ["a negative size", [originLine, "-7", rootLine, timeLine]],
    ["no size", [originLine, "", rootLine, timeLine]],
    ["a fraction", [originLine, "7.0", rootLine, timeLine]],
    ["an exponent", [originLine, "7e1", rootLine, timeLine]],
    ["a size beyond safe integers", [originLine, "9007199254740992", rootLine, timeLine]],
    ["a size of many digits", [originLine, "1".repeat(400), rootLine, timeLine]],
    ["a short root", [originLine, sizeLine, root.subarray(1).toString("base64"), timeLine]],
    ["a long root", [originLine, sizeLine, Buffer.alloc(33).toString("base64"), timeLine]],
    ["a root without padding", [originLine, sizeLine, rootLine.slice(0, -1), timeLine]],
    ["a root in base64url", [originLine, sizeLine, `${root.toString("base64url")}=`, timeLine]],
    ["a root with stray bits", [originLine, sizeLine, `${rootLine.slice(0, -2)}t=`, timeLine]],
    ["whole seconds", [originLine, sizeLine, rootLine, "time 2026-03-04T05:06:07Z"]],
    ["another zone", [originLine, sizeLine, rootLine, "time 2026-03-04T05:06:07.890+00:00"]],
    ["30 February", [originLine, sizeLine, rootLine, "time 2026-02-30T05:06:07.890Z"]],
    ["24 o'clock", [originLine, sizeLine, rootLine, "time 2026-03-04T24:00:00.000Z"]],
    ["no origin", ["", sizeLine, rootLine, timeLine]],
    ["a space", [originLine, `${sizeLine} `, rootLine, timeLine]],
  ])("with %s is none", (_, lines) => {
    const whole = signed(lines.map((line) => `${line}\n`).join(""));
    expect(refusal(() => openCheckpoint(whole, verifier))).toBe("log-signature");
    expect(readCheckpoint(whole)).toBeUndefined();
  });

  test("can be read by whoever does not know the key, and then proves nothing", () => {
    expect(readCheckpoint(signed(checkpointText(body), "other.example", noteKey("other")))).toEqual(body);
    expect(readCheckpoint(checkpointText(body))).toBeUndefined();
    expect(readCheckpoint("")).toBeUndefined();
  });
});
