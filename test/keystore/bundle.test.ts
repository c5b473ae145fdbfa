import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BUNDLE_LIMIT,
  encodeBundleKey,
  newBundleId,
  newBundleKey,
  openBundle,
  parseBundleKey,
  readBundle,
  sealBundle,
  type Bundle,
} from "../../src/keystore/bundle.js";
import { sha256 } from "../../src/mesh/bytes.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import { accountUdf, encodeBase32 } from "../../src/mesh/udf.js";
import { newDevice, newPerson, NOW } from "../mesh/support.js";
import { errorCode, meshError } from "../support/deps.js";

const ACCOUNT = "alice@example.com";
const random = (length: number): Buffer => randomBytes(length);

const person = newPerson("bundle");
const runner = newDevice("bundle-runner");
const other = newDevice("bundle-other");
const profile = nextPersonal(
  person.admin.keys.online,
  person.personal,
  { devices: [person.admin.device, runner.device], names: [accountUdf(ACCOUNT)] },
  NOW,
);

const bundle: Bundle = {
  profile,
  device: runner.device,
  keys: runner.keys,
  account: ACCOUNT,
  portal: "https://portal.example",
  created: "2026-01-02T03:04:05Z",
};

const seal = (changed: Partial<Bundle> = {}, id = newBundleId(random)): { text: string; key: Buffer; id: string } => {
  const key = newBundleKey(random);
  return { text: sealBundle({ ...bundle, ...changed }, id, key, random), key, id };
};
const open = (text: string, key: Buffer): Bundle => openBundle(readBundle(Buffer.from(text), "runner.json"), key);

describe("a bundle", () => {
  test("gives back what was put in", () => {
    const { text, key, id } = seal();
    expect(open(text, key)).toEqual(bundle);
    expect(JSON.parse(text)).toMatchObject({ meshman: "device-bundle", version: 1, id });
    const limited = seal({ expires: "2026-04-02T03:04:05Z" });
    expect(open(limited.text, limited.key).expires).toBe("2026-04-02T03:04:05Z");
  });

  test("shows nothing of the device, and is never the same", () => {
    const { text, key, id } = seal();
    for (const secret of [
      runner.device.udf,
      profile.udf,
      "alice",
      "portal.example",
      ...Object.values(runner.keys).map(({ d }) => d),
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(sealBundle(bundle, id, key, random)).not.toBe(text);
  });

  test("opens with no other key, and not under another id", async () => {
    const { text, key, id } = seal();
    expect(await errorCode(() => open(text, newBundleKey(random)))).toBe("decryption-failed");
    const moved = text.replace(id, newBundleId(random));
    expect(await errorCode(() => open(moved, key))).toBe("decryption-failed");
  });

  test("does not open where any octet of it is another", async () => {
    const { text, key } = seal();
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), async (index, change) => {
        const octets = Buffer.from(text);
        octets[index] = (octets[index] ?? 0) ^ change;
        // A blank for the newline at the end is the same JSON.
        fc.pre(JSON.stringify(octets.toString("utf8").trim()) !== JSON.stringify(text.trim()));
        expect(await errorCode(() => openBundle(readBundle(octets, "x"), key))).toMatch(
          /^(decryption-failed|keystore-version)$/,
        );
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["no JSON", "x", "bundle.not-opened.hint"],
    ["another object", "{}", "bundle.not-opened.hint"],
    ["a backup", '{"meshman":"profile-backup","version":1}', "bundle.is-backup.hint"],
    ["a member more", JSON.stringify({ ...JSON.parse(seal().text), more: 1 }), "bundle.not-opened.hint"],
    ["a member twice", seal().text.replace("{", '{"version":1,'), "bundle.not-opened.hint"],
    ["no version", '{"meshman":"device-bundle"}', "bundle.not-opened.hint"],
    ["nothing", "", "bundle.not-opened.hint"],
  ])("is not %s", async (_, text, hint) => {
    const error = await meshError(() => readBundle(Buffer.from(text), "runner.json"));
    expect([error.code, error.hint?.key]).toEqual(["decryption-failed", hint]);
  });

  test("of a newer program is told from a damaged one", async () => {
    const text = seal().text.replace('"version":1', '"version":2');
    expect(await errorCode(() => readBundle(Buffer.from(text), "runner.json"))).toBe("keystore-version");
  });

  test.each([
    ["the keys of another device", { keys: other.keys }],
    ["keys that are mixed up", { keys: { ...runner.keys, authentication: runner.keys.online } }],
    [
      "a private key that does not fit its public half",
      { keys: { ...runner.keys, online: { ...runner.keys.online, d: other.keys.online.d } } },
    ],
    ["a device that the profile does not list", { device: other.device, keys: other.keys }],
    ["an administrator", { device: person.admin.device, keys: person.admin.keys }],
    ["an account that the profile does not claim", { account: "bob@example.com" }],
    ["another version that does not list the device", { profile: person.personal }],
    ["a time that is none", { created: "yesterday" }],
  ] as const)("with %s is refused, however it came to be", async (_, changed) => {
    const { text, key } = seal(changed);
    expect(await errorCode(() => open(text, key))).toBe("decryption-failed");
  });

  test("fits the limit of the file, whatever the profile", () => {
    const devices = [...profile.devices];
    for (let index = 0; index < 60; index++) devices.push(newDevice(`bundle-${index}`).device);
    const large = nextPersonal(person.admin.keys.online, profile, { devices }, NOW);
    const { text, key } = seal({ profile: large });
    expect(text.length).toBeLessThan(BUNDLE_LIMIT);
    expect(open(text, key).profile.hash).toBe(large.hash);
  });
});

describe("a bundle key", () => {
  const text = encodeBundleKey(Buffer.alloc(32, 7));

  test("is text that starts with B", () => {
    expect(text).toBe("BAAQ-OBYH-A4DQ-OBYH-A4DQ-OBYH-A4DQ-OBYH-A4DQ-OBYH-A4DQ-OBYH-A4DQ-OB2C-6TBC-C");
    expect(text).toMatch(/^BAA[A-Z2-7](-[A-Z2-7]{4}){14}-[A-Z2-7]$/);
  });

  test("is read in any case and grouping", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (octets) => {
        const key = encodeBundleKey(octets);
        for (const spelling of [key, key.toLowerCase(), key.replaceAll("-", ""), ` ${key.replaceAll("-", " ")}\n`]) {
          expect(parseBundleKey(spelling).equals(octets)).toBe(true);
        }
      }),
    );
  });

  test("is refused where one letter is another, one is missing, or one too many", async () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const places = [...text].flatMap((letter, index) => (letter === "-" ? [] : [index]));
    for (const index of places) {
      for (const letter of letters) {
        if (letter === text[index]) continue;
        const typed = text.slice(0, index) + letter + text.slice(index + 1);
        expect(await errorCode(() => parseBundleKey(typed))).toBe("bundle-key-invalid");
      }
      expect(await errorCode(() => parseBundleKey(text.slice(0, index) + text.slice(index + 1)))).toBe(
        "bundle-key-invalid",
      );
    }
    for (const typed of [`${text}A`, "", "B", text.replace("B", "0"), "\u0131".repeat(61), "A".repeat(5000)]) {
      expect(await errorCode(() => parseBundleKey(typed))).toBe("bundle-key-invalid");
    }
  });

  test("says what is wrong without a letter of it", async () => {
    const { message, cause, text: said } = await meshError(() => parseBundleKey(text.replace("BAA", "B0A")));
    expect([cause, JSON.stringify(said), message]).toEqual([
      undefined,
      expect.not.stringContaining("0"),
      expect.any(String),
    ]);
  });

  const withHeader = (code: number, version: number): string => {
    const body = Buffer.concat([Buffer.from([code, version]), Buffer.alloc(32, 7)]);
    return encodeBase32(Buffer.concat([body, sha256(body).subarray(0, 4)]));
  };

  test("of a newer kind is told from a mistyped one", async () => {
    expect(withHeader(0x08, 1)).toBe(text);
    const newer = await meshError(() => parseBundleKey(withHeader(0x08, 2)));
    expect([newer.code, newer.text.key]).toEqual(["bundle-key-invalid", "bundle.key-format"]);
    const foreign = await meshError(() => parseBundleKey(withHeader(0x78, 1)));
    expect([foreign.code, foreign.text.key]).toEqual(["bundle-key-invalid", "bundle.key-mistyped"]);
  });
});
