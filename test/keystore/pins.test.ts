import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore } from "../../src/keystore/keystore.js";
import { loadPins, readPins, updatePins, type Pins, type ProfilePin } from "../../src/keystore/pins.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { newKey } from "../support/keystore.js";

const UDF = newKey("master-signature").kid;
const HASH = "A".repeat(43);
const pin = (sequence: number): ProfilePin => ({
  masterSequence: 1,
  masterHash: HASH,
  masterPayloadHash: HASH,
  sequence,
  hash: HASH,
  payloadHash: HASH,
});
const withPin = (sequence: number) => (pins: Pins) => ({
  ...pins,
  profiles: { ...pins.profiles, [UDF]: pin(sequence) },
});
const fileOf = (home: Home): string => join(home.path, "pins.json");

const setUp = async () => {
  const home = openHome(testDeps(), join(temporaryFolder(), "home"));
  return { home, keystore: await createKeystore(home, { method: "key-file" }) };
};

describe("pins", () => {
  test("are empty at first, and nothing is written for that", async () => {
    const { home, keystore } = await setUp();
    for (const pins of [readPins(home), loadPins(home, keystore)]) {
      expect(Object.keys(pins.profiles)).toEqual([]);
      expect(Object.keys(pins.portals)).toEqual([]);
    }
    await updatePins(home, keystore, (pins) => pins);
    expect(fs.existsSync(fileOf(home))).toBe(false);
  });

  test("are kept in a private file", async () => {
    const { home, keystore } = await setUp();
    const portal = { wrapping: "draft", extensions: ["signatures"] } as const;
    await updatePins(home, keystore, (pins) => ({
      profiles: { ...pins.profiles, [UDF]: { ...pin(7), gap: true } },
      portals: { "https://example.com": { ...portal, extensions: [...portal.extensions] } },
    }));
    for (const pins of [readPins(home), loadPins(home, keystore)]) {
      expect({ ...pins.profiles }).toEqual({ [UDF]: { ...pin(7), gap: true } });
      expect({ ...pins.portals }).toEqual({ "https://example.com": portal });
    }
    expect(fs.statSync(fileOf(home)).mode & 0o777).toBe(0o600);
  });

  test("may be changed in place", async () => {
    const { home, keystore } = await setUp();
    await updatePins(home, keystore, withPin(1));
    await updatePins(home, keystore, (pins) => {
      pins.profiles[UDF]!.sequence = 2;
      return pins;
    });
    expect(readPins(home).profiles[UDF]?.sequence).toBe(2);
  });

  test("do not take inherited names for pins", async () => {
    const { home, keystore } = await setUp();
    expect("constructor" in readPins(home).portals).toBe(false);
    const portal = { wrapping: "draft" as const, extensions: [] };
    const names = ["constructor", "toString", "prototype", "hasOwnProperty"] as const;
    const added = await updatePins(home, keystore, (pins) => {
      for (const name of names) pins.portals[name] = portal;
      return pins;
    });
    for (const pins of [added, readPins(home), loadPins(home, keystore)]) {
      expect(Object.keys(pins.portals)).toEqual(names);
      expect("valueOf" in pins.portals).toBe(false);
      expect("__proto__" in pins.portals).toBe(false);
    }
    const hostile = JSON.parse('{"__proto__": {"wrapping": "draft", "extensions": []}}') as Pins["portals"];
    expect(await errorCode(() => updatePins(home, keystore, (pins) => ({ ...pins, portals: hostile })))).toBe(
      "internal",
    );
    expect(Object.keys(readPins(home).portals)).toEqual(names);
  });

  test.each<[string, (text: string) => string]>([
    ["a sequence", (text) => text.replace('"sequence": 5', '"sequence": 4')],
    ["a hash", (text) => text.replace(HASH, "B".repeat(42) + "A")],
    ["a gap", (text) => text.replace('"sequence": 5', '"sequence": 5, "gap": true')],
    ["the keystore", (text) => text.replace(/"keystore": ".{22}"/, `"keystore": "${"A".repeat(22)}"`)],
    ["the mac", (text) => text.replace(/"mac": ".{43}"/, `"mac": "${HASH}"`)],
    ["a removed pin", (text) => text.replace(/"profiles": \{[^}]*\}\s*\}/, '"profiles": {}')],
    [
      "an added portal",
      (text) => text.replace('"portals": {', '"portals": {"x": {"wrapping": "draft", "extensions": []}'),
    ],
  ])("notice a change of %s", async (_, tamper) => {
    const { home, keystore } = await setUp();
    await updatePins(home, keystore, withPin(5));
    const text = fs.readFileSync(fileOf(home), "utf8");
    expect(tamper(text)).not.toBe(text);
    fs.writeFileSync(fileOf(home), tamper(text));
    readPins(home);
    for (const run of [() => loadPins(home, keystore), () => updatePins(home, keystore, withPin(6))]) {
      const error = await meshError(run);
      expect(error.code).toBe("pins-tampered");
      expect(error.hint).toBeDefined();
    }
    expect(fs.readFileSync(fileOf(home), "utf8")).toBe(tamper(text));
  });

  test("of another keystore are not taken", async () => {
    const [one, other] = [await setUp(), await setUp()];
    await updatePins(other.home, other.keystore, withPin(5));
    fs.copyFileSync(fileOf(other.home), fileOf(one.home));
    expect(await errorCode(() => loadPins(one.home, one.keystore))).toBe("pins-tampered");
  });

  test("do not mind another spelling of the same JSON", async () => {
    const { home, keystore } = await setUp();
    await updatePins(home, keystore, withPin(5));
    const file = JSON.parse(fs.readFileSync(fileOf(home), "utf8")) as object;
    fs.writeFileSync(fileOf(home), JSON.stringify(Object.fromEntries(Object.entries(file).reverse())));
    expect(loadPins(home, keystore).profiles[UDF]).toEqual(pin(5));
  });

  test.each<[string, string, string | Buffer]>([
    ["cut off", "state-corrupt", '{"version": 1,'],
    ["another value", "state-corrupt", "[]"],
    [
      "with lists for tables",
      "state-corrupt",
      `{"version":1,"keystore":"${"A".repeat(22)}","profiles":[],"portals":{}}`,
    ],
    ["too long", "state-corrupt", Buffer.alloc(4 * 1024 * 1024 + 1, " ")],
    ["of a newer program", "keystore-version", '{"version": 2}'],
  ])("%s are an error", async (_, code, content) => {
    const { home, keystore } = await setUp();
    fs.writeFileSync(fileOf(home), content, { mode: 0o600 });
    for (const run of [() => readPins(home), () => loadPins(home, keystore)]) {
      const error = await meshError(run);
      expect(error.code).toBe(code);
      expect(error.hint).toBeDefined();
    }
  });

  test("survive a change of protection", async () => {
    const { home, keystore } = await setUp();
    await updatePins(home, keystore, withPin(5));
    await keystore.changeProtection({ method: "key-file" });
    expect(loadPins(home, keystore).profiles[UDF]).toEqual(pin(5));
  });

  test("that are not of the right form are never written", async () => {
    const { home, keystore } = await setUp();
    expect(await errorCode(() => updatePins(home, keystore, withPin(0)))).toBe("internal");
    expect(fs.existsSync(fileOf(home))).toBe(false);
  });
});
