import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authorizedKeysLine,
  installKeys,
  isAuthorized,
  keyComment,
  refreshKeys,
} from "../../../../src/mesh/application/ssh/authorized-keys.js";
import { ed25519Text } from "../../../../src/mesh/application/ssh/public-key.js";
import { deviceKey, PROFILE } from "./support.js";

const laptop = deviceKey("laptop", "MA");
const phone = deviceKey("phone", "MB");
const old = deviceKey("old", "MC");
const line = (device: typeof laptop): string => authorizedKeysLine(PROFILE, device);
const file = (...lines: string[]): string => lines.map((text) => `${text}\n`).join("");
const FOREIGN = [
  "# a remark",
  "",
  "  ",
  `${ed25519Text(deviceKey("bob").key)} bob@example.com`,
  `command="echo \\"hi there\\"",no-pty ${ed25519Text(deviceKey("carol").key)} carol mmm:OTHER/MC`,
  "no key at all \u00ff\u0000",
];

const refresh = (text: string, ...gone: (typeof laptop)[]) => {
  const current = [laptop, phone];
  const isCurrent = (device: string): boolean => ["MA", "MB", "MD"].includes(device);
  return refreshKeys(text, PROFILE, { current, gone, isCurrent });
};

describe("the line of a device", () => {
  test("says which device of which profile it is, in characters that mean nothing to anybody", () => {
    expect(line(laptop)).toBe(`${ed25519Text(laptop.key)} laptop mmm:${PROFILE}/MA`);
    const names = ['x"; rm -rf / #', "a\nb", "Rénés Téléphone", "日本", "--", "", "a".repeat(200)];
    for (const name of names) {
      expect(keyComment(PROFILE, { device: "MA", name }), name).toMatch(/^[A-Za-z0-9._@+-]{1,64} mmm:[A-Z0-9/-]+$/);
    }
    expect(keyComment(PROFILE, { device: "MA", name: "Rénés Téléphone" })).toContain("Renes-Telephone ");
  });
});

describe("installing", () => {
  test("adds what is missing and changes nothing else", () => {
    const before = file(...FOREIGN, line(laptop));
    const { text, added, removed } = installKeys(before, PROFILE, [laptop, phone]);
    expect(text).toBe(before + file(line(phone)));
    expect(added).toEqual([phone]);
    expect(removed).toEqual([]);
    const again = installKeys(text, PROFILE, [laptop, phone]);
    expect(again).toEqual({ text, added: [], removed: [] });
  });

  test("starts an empty file, and ends the last line of one that has none", () => {
    expect(installKeys("", PROFILE, [laptop]).text).toBe(file(line(laptop)));
    expect(installKeys("# open", PROFILE, [laptop]).text).toBe(file("# open", line(laptop)));
    expect(installKeys("# open", PROFILE, []).text).toBe("# open");
  });

  test("takes a key that is there with other words beside it for there", () => {
    for (const there of [
      `${ed25519Text(laptop.key)} my own words`,
      `from="10.0.0.0/8 , *" ${ed25519Text(laptop.key)}`,
      `\t${line(laptop)}\r`,
    ]) {
      expect(installKeys(file(there), PROFILE, [laptop]).added, there).toEqual([]);
    }
    expect(installKeys(file(`# ${line(laptop)}`), PROFILE, [laptop]).added).toEqual([laptop]);
  });
});

describe("refreshing", () => {
  test("removes the lines of devices that have gone, by their mark and by their key", () => {
    const marked = `${ed25519Text(deviceKey("unknown").key)} x mmm:${PROFILE}/MX`;
    const unmarked = `${ed25519Text(old.key)} somebody`;
    const before = file(...FOREIGN, marked, line(laptop), unmarked);
    const { text, added, removed } = refresh(before, old);
    expect(text).toBe(file(...FOREIGN, line(laptop), line(phone)));
    expect(added).toEqual([phone]);
    expect(removed).toEqual([{ device: "MX" }, { device: "MC" }]);
    expect(refresh(text, old)).toEqual({ text, added: [], removed: [] });
  });

  test("removes the key that a current device had before", () => {
    const before = file(`${ed25519Text(old.key)} laptop mmm:${PROFILE}/MA`, line(laptop), line(phone));
    expect(refresh(before).text).toBe(file(line(laptop), line(phone)));
  });

  test("leaves a current device alone whose key is not known here", () => {
    const before = file(`${ed25519Text(old.key)} tablet mmm:${PROFILE}/MD`, line(laptop), line(phone));
    expect(refresh(before).text).toBe(before);
  });

  test("leaves the lines of other profiles alone", () => {
    const before = file(line(laptop), line(phone), `${ed25519Text(old.key)} x mmm:MOTHER/MX`);
    expect(refresh(before).text).toBe(before);
  });

  test("never takes a current key out, whatever stands beside it, and whatever else the file holds", () => {
    const anyLine = fc.oneof(
      fc.constantFrom(
        ...FOREIGN,
        line(laptop),
        line(old),
        `${ed25519Text(laptop.key)} x mmm:${PROFILE}/MX`,
        `restrict ${ed25519Text(phone.key)} x mmm:${PROFILE}/MA`,
      ),
      fc.string().map((text) => text.replaceAll("\n", " ")),
    );
    fc.assert(
      fc.property(fc.array(anyLine), fc.boolean(), (lines, hasEnd) => {
        const before = lines.join("\n") + (hasEnd ? "\n" : "");
        const { text } = refresh(before, old, laptop);
        expect(isAuthorized(text, laptop.key)).toBe(true);
        expect(isAuthorized(text, phone.key)).toBe(true);
        expect(isAuthorized(text, old.key)).toBe(false);
        expect(refresh(text, old, laptop).text).toBe(text);
        const kept = text.split("\n");
        for (const foreign of lines.filter((one) => FOREIGN.includes(one))) expect(kept).toContain(foreign);
      }),
    );
  });
});
