import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMeshError } from "../../src/errors.js";
import { encodeBase64url, sha512, utf8 } from "../../src/mesh/bytes.js";
import { createConnectionRequest, createConnectionResult } from "../../src/mesh/connection.js";
import { signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import { readRsaKey, type LegacyForm } from "../../src/mesh/legacy.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  generateDeviceKeys,
  generateMasterKeys,
  nextPersonal,
} from "../../src/mesh/profile.js";
import { createVerifier, type Verification, type VerifiedRecord } from "../../src/mesh/verification.js";

const folder = new URL("../../../shared/records/", import.meta.url);
const NAMES = ["mesh-2016.jlog", "mesh-2017.jlog", "portal-2016.jlog"] as const;
const hasLogs = NAMES.every((name) => existsSync(new URL(name, folder)));
const readLog = (name: string): Buffer => readFileSync(new URL(name, folder));

type Files = Readonly<Record<string, Uint8Array | string>>;

const verify = (files: Files, piece = Infinity): Verification => {
  const verifier = createVerifier();
  for (const [name, content] of Object.entries(files)) {
    const octets = typeof content === "string" ? utf8(content) : content;
    const sink = verifier.add(name);
    for (let index = 0; index < octets.length; index += piece) sink.write(octets.subarray(index, index + piece));
    sink.end();
  }
  return verifier.finish();
};
const json = (value: unknown): string => JSON.stringify(value);
const reasons = ({ records }: Verification): string[] => records.map(({ reason }) => reason ?? "ok");
const typesOf = ({ records }: Verification): string[] => records.map(({ type }) => type.replace("Signed", ""));
const short = ({ type, identifier, format, ok, signer }: VerifiedRecord) => ({ type, identifier, format, ok, signer });
const throwsCode = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    if (isMeshError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return undefined;
};

describe.skipIf(!hasLogs)("the logs of the reference implementation", () => {
  const logs = hasLogs ? Object.fromEntries(NAMES.map((name) => [name, readLog(name)])) : {};

  test("every signature is ok when the logs are given together, in any order and in pieces of any size", () => {
    const result = verify(logs);
    expect(result.ok).toBe(true);
    const count = (file: string, type: string) =>
      result.records.filter((record) => record.file === file && record.type === type && record.ok).length;
    const counts = NAMES.map((name) =>
      ["Personal", "Master", "Device", "Application"].map((type) => count(name, `Signed${type}Profile`)),
    );
    expect(counts).toEqual([
      [3, 3, 5, 1],
      [5, 5, 6, 0],
      [0, 0, 2, 0],
    ]);
    expect(count("portal-2016.jlog", "SignedConnectionRequest")).toBe(1);
    expect(count("portal-2016.jlog", "SignedConnectionResult")).toBe(1);
    expect(result.records).toHaveLength(32);
    for (const { file, format } of result.records) expect(file).toContain(format);
    expect(result.records.find(({ type }) => type === "SignedConnectionResult")).toEqual({
      file: "portal-2016.jlog",
      type: "SignedConnectionResult",
      identifier: "MBBJ7-QF6JH-UI7TH-XECS7-YB3MF-7IHPM",
      format: "2016",
      ok: true,
      signer: "MAUVJ-K76BV-QKJ5Z-2I7L3-3MPAI-52PZE",
    });
    const backwards = Object.fromEntries(Object.entries(logs).reverse());
    expect(verify(backwards).ok).toBe(true);
    for (const piece of [1, 7, 65_536, 65_537]) expect(verify(logs, piece)).toEqual(result);
  });

  test("a log that names a key of another log is ok but for that", () => {
    expect(verify({ a: readLog("mesh-2016.jlog") }).ok).toBe(true);
    expect(verify({ a: readLog("mesh-2017.jlog") }).ok).toBe(true);
    const portal = verify({ a: readLog("portal-2016.jlog") });
    expect(portal.ok).toBe(false);
    expect(reasons(portal)).toEqual(["ok", "ok", "key-unknown", "ok"]);
    expect(typesOf(portal)).toEqual(["ConnectionRequest", "DeviceProfile", "ConnectionResult", "DeviceProfile"]);
  });

  test("any one octet of a payload, header or signature changed is noticed", () => {
    const replacements = [...'Az0_-+/="\\n \t\n{}'].map((text) => text.charCodeAt(0)).concat(0, 0xc3, 0xff);
    for (const name of NAMES) {
      const log = readLog(name);
      const places = placesOf(log.toString("latin1"));
      const step = Math.max(1, Math.floor(places.length / 67));
      for (let index = 0; index < places.length; index += step) {
        const copy = Buffer.from(log);
        const place = places[index] ?? 0;
        copy[place] = replacements.find((octet, at) => at >= index % 17 && octet !== copy[place]) ?? 0x41;
        const changed = `octet ${place} of ${name}, now ${copy[place]}`;
        const result = verify({ ...logs, [name]: copy });
        expect(result.ok, changed).toBe(false);
        const wrong = result.records.filter(({ ok }) => !ok);
        expect(
          wrong.map(({ file }) => file),
          changed,
        ).toContain(name);
      }
    }
  });

  /** Where the octets of payloads, headers and signatures stand in a log, signed records alone. */
  const placesOf = (log: string): number[] => {
    const escrow = /OfflineEscrowEntry.*/g;
    const hidden = log.replace(escrow, (text) => " ".repeat(text.length));
    const value = /\\"(?:payload|header|protected|signature|dig|kid)\\": \\"((?:[^"\\]|\\n)*)\\"/g;
    return [...hidden.matchAll(value)].flatMap((match) => {
      const first = match.index + match[0].length - 2 - (match[1] ?? "").length;
      return Array.from(match[1] ?? "", (_, at) => first + at);
    });
  };

  test("a log cut off anywhere is not ok", () => {
    const log = readLog("portal-2016.jlog");
    const mesh = readLog("mesh-2016.jlog");
    for (let length = 900; length < log.length; length += 997) {
      expect(verify({ mesh, log: log.subarray(0, length) }).ok, `${length}`).toBe(false);
    }
  });

  test("the records are found in binary frames, alone, in lists, and with raw line feeds", () => {
    const log = readLog("mesh-2017.jlog").toString("latin1");
    const objects = log.split(/(?<=\})(?=\{)/);
    const frame = (text: string, index: number): Buffer =>
      Buffer.concat([
        Buffer.from([0xf1, 0x7b, index, 0x22, 0x7b, 0x00, 0xff, 0x5d]),
        utf8(text),
        Buffer.from([0x7d, 0xf1, 0x7b]),
      ]);
    const expected = verify({ a: log }).records.map(short);
    expect(verify({ a: Buffer.concat(objects.map(frame)) }).records.map(short)).toEqual(expected);
    const texts = objects.slice(1).map((text) => (JSON.parse(text) as { DataItem: { Text: string } }).DataItem.Text);
    const singles = verify(Object.fromEntries(texts.map((text, index) => [`${index}`, text])));
    expect(singles.records.map(short)).toEqual(expected);
    expect(verify({ a: `[${texts.join(",\r\n")}]\n` }).records.map(short)).toEqual(expected);
    expect(texts[0]).toMatch(/"\n[A-Za-z0-9]/);
    expect(verify({ a: Buffer.concat(texts.map((text, index) => frame(text, index))) }).ok).toBe(true);
  });
});

interface OldKey {
  readonly udf: string;
  readonly record: object;
  readonly key: KeyObject;
}

/** Writes records as the reference implementation did: pretty, with base64 wrapped, and raw line feeds inside strings. */
const reference = (form: LegacyForm) => {
  const wrap = (octets: Uint8Array): string => `\n${encodeBase64url(octets).replace(/.{64}(?=.)/g, "$&\n")}`;
  const print = (value: unknown): string =>
    JSON.stringify(value, null, 2)
      .replace(/\n *(?=[}\]])/g, "")
      .replaceAll("\\n", "\n");
  const makeKey = (): OldKey => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { n = "", e = "" } = publicKey.export({ format: "jwk" });
    const udf = readRsaKey(n, e).fingerprints[form];
    const numbers = { kid: udf, n: wrap(Buffer.from(n, "base64url")), e: `\n${e}` };
    return { udf, record: { UDF: udf, PublicParameters: { PublicKeyRSA: numbers } }, key: privateKey };
  };
  const write = (identifier: string | undefined, type: string, value: object, { udf, key }: OldKey) => {
    const payload = utf8(print({ [type]: value }));
    const header = form === "2016" ? { alg: "RS512", kid: udf } : { alg: "RS512", val: wrap(sha512(payload)) };
    const octets = utf8(print(header));
    const signature = wrap(sign("sha512", form === "2016" ? payload : octets, key));
    const data =
      form === "2016"
        ? { header: wrap(octets), payload: wrap(payload), signature }
        : {
            unprotected: { dig: "S512" },
            payload: wrap(payload),
            signatures: [{ header: { kid: udf }, protected: wrap(octets), signature }],
          };
    return { ...(identifier === undefined ? {} : { Identifier: identifier }), SignedData: data };
  };
  const device = (key: OldKey, other: object = key.record, by = key) => {
    const keys = { DeviceSignatureKey: key.record, DeviceAuthenticationKey: other, DeviceEncryptiontionKey: other };
    return write(key.udf, "DeviceProfile", { Identifier: key.udf, Names: ["Ring"], ...keys }, by);
  };
  const master = (key: OldKey, online: OldKey, type = "MasterProfile") => {
    const keys = { MasterSignatureKey: key.record, MasterEscrowKeys: [], OnlineSignatureKeys: [online.record] };
    return write(key.udf, type, { Identifier: key.udf, ...keys }, key);
  };
  const personal = (owner: OldKey, masterRecord: object, devices: object[], by: OldKey) =>
    write(
      owner.udf,
      "PersonalProfile",
      { Identifier: owner.udf, SignedMasterProfile: masterRecord, Devices: devices },
      by,
    );
  const application = (by: OldKey) =>
    write("MCKZY-MQMR4-A", "PasswordProfile", { Identifier: "MCKZY-MQMR4-A", EncryptedData: {} }, by);
  const request = (key: OldKey, deviceRecord: object, by = key) =>
    write(key.udf, "ConnectionRequest", { ParentUDF: "alice", Device: deviceRecord }, by);
  const result = (key: OldKey, deviceRecord: object, by: OldKey) =>
    write(key.udf, "ConnectionResult", { Device: deviceRecord, Result: "Accepted" }, by);
  const log = (...entries: object[]): string =>
    [{ Header: { Type: "Data" } }, ...entries.map((entry) => ({ DataItem: { PrimaryKey: "x", Text: print(entry) } }))]
      .map((item) => JSON.stringify(item, null, 2))
      .join("");
  return { makeKey, write, device, master, personal, application, request, result, log, print };
};

describe.each(["2016", "2017"] as const)("records of %s", (form) => {
  const old = reference(form);
  const [root, online, admin, ring, stranger] = [0, 1, 2, 3, 4].map(old.makeKey) as [
    OldKey,
    OldKey,
    OldKey,
    OldKey,
    OldKey,
  ];
  const master = old.master(root, online);
  const adminDevice = old.device(admin);
  const ringDevice = old.device(ring);
  const profile = (by: OldKey, devices = [adminDevice]) => ({
    SignedPersonalProfile: old.personal(root, master, devices, by),
  });

  test("a personal profile is signed by a device in it or an online key of its master, and by no other", () => {
    expect(verify({ a: old.log(profile(admin)) }).ok).toBe(true);
    expect(verify({ a: old.log(profile(online)) }).ok).toBe(true);
    expect(reasons(verify({ a: old.log(profile(stranger)) }))).toEqual(["key-unknown", "ok", "ok"]);
    expect(reasons(verify({ a: old.log({ SignedDeviceProfile: ringDevice }, profile(ring)) }))).toEqual([
      "ok",
      "signer-not-allowed",
      "ok",
      "ok",
    ]);
  });

  test("application profiles and results are signed by a device of a valid profile in any file", () => {
    const application = (by: OldKey) => old.log({ SignedApplicationProfile: old.application(by) });
    const result = (by: OldKey) => old.print({ SignedConnectionResult: old.result(ring, ringDevice, by) });
    for (const by of [admin, online]) {
      expect(verify({ a: application(by), b: result(by), c: old.log(profile(admin)) }).ok).toBe(true);
      expect(verify({ c: old.log(profile(admin)), b: result(by), a: application(by) }).ok).toBe(true);
    }
    expect(reasons(verify({ a: application(admin), b: result(admin) }))).toEqual(["key-unknown", "key-unknown", "ok"]);
    // A device may not accept itself.
    expect(reasons(verify({ a: old.log(profile(admin)), b: result(ring) })).slice(3)).toEqual([
      "signer-not-allowed",
      "ok",
    ]);
    // A profile that is not valid makes no device known.
    expect(reasons(verify({ a: application(ring), b: old.log(profile(stranger, [ringDevice])) }))[0]).toBe(
      "signer-not-allowed",
    );
  });

  test("a connection request is signed by the device in it", () => {
    const pending = (request: object) => old.log({ ConnectionsPending: { AccountID: "alice", Requests: [request] } });
    const good = verify({ a: pending(old.request(ring, ringDevice)) });
    expect(good.ok).toBe(true);
    expect(typesOf(good)).toEqual(["ConnectionRequest", "DeviceProfile"]);
    expect(reasons(verify({ a: pending(old.request(ring, ringDevice, stranger)) }))).toEqual(["key-unknown", "ok"]);
    expect(reasons(verify({ a: pending(old.request(ring, adminDevice)) }))).toEqual(["record-invalid"]);
  });

  test("the form of 2015, SignedCurrentProfile, follows the same rule", () => {
    const current = (by: OldKey) => ({
      SignedCurrentProfile: old.write(
        `Current-${root.udf}`,
        "PersonalCurrentProfile",
        {
          Identifier: `Current-${root.udf}`,
          SignedMasterProfile: old.master(root, online, "PersonalMasterProfile"),
          SignedAdministrationProfile: old.write(undefined, "AdministrationProfile", { Entries: [] }, online),
          Devices: [adminDevice],
        },
        by,
      ),
    });
    const result = verify({ a: old.log(current(admin)) });
    expect(result.ok).toBe(true);
    expect(typesOf(result)).toEqual(["CurrentProfile", "MasterProfile", "AdministrationProfile", "DeviceProfile"]);
    expect(result.records[0]?.format).toBe(form);
    expect(verify({ a: old.log(current(stranger)) }).ok).toBe(false);
  });

  test("what a record says of its keys and names is checked", () => {
    const misnamed = { ...ring.record, UDF: admin.udf };
    expect(reasons(verify({ a: old.log({ SignedDeviceProfile: old.device(ring, misnamed) }) }))).toEqual([
      "fingerprint-mismatch",
    ]);
    const forged = {
      ...ring,
      record: { UDF: ring.udf, PublicParameters: (admin.record as never)["PublicParameters"] },
    };
    expect(reasons(verify({ a: old.log({ SignedDeviceProfile: old.device(forged) }) }))).toEqual([
      "fingerprint-mismatch",
    ]);
    expect(reasons(verify({ a: old.log({ SignedDeviceProfile: old.device(ring, ring.record, admin) }) }))).toEqual([
      "record-invalid",
    ]);
    expect(reasons(verify({ a: old.log({ SignedDeviceProfile: { ...ringDevice, Identifier: admin.udf } }) }))).toEqual([
      "record-invalid",
    ]);
    expect(reasons(verify({ a: old.log({ SignedMasterProfile: ringDevice }) }))).toEqual(["record-invalid"]);
    const other = old.write(
      admin.udf,
      "PersonalProfile",
      { Identifier: admin.udf, SignedMasterProfile: master, Devices: [adminDevice] },
      admin,
    );
    expect(reasons(verify({ a: old.log({ SignedPersonalProfile: other }) }))).toEqual(["record-invalid", "ok", "ok"]);
  });

  test("a record of the other form is never taken", () => {
    const { SignedData, ...rest } = ringDevice as { SignedData: Record<string, unknown> };
    for (const extra of [{ protected: "e30" }, { header: "e30" }, { signature: "e30" }, { unprotected: {} }]) {
      const mixed = { ...rest, SignedData: { ...extra, ...SignedData } };
      if (Object.keys(mixed.SignedData).length === 3) continue;
      const [record] = verify({ a: old.log({ SignedDeviceProfile: mixed }) }).records;
      expect(record).toMatchObject({ ok: false, format: "unknown", reason: "record-invalid", signer: null });
    }
  });
});

/** Octets that look random and are the same in every run. */
const stream = (seed: string): ((length: number) => Buffer) => {
  let count = 0;
  return (length) => createHash("shake256", { outputLength: length }).update(`${seed} ${count++}`).digest();
};

describe("current records", () => {
  const now = new Date("2026-03-04T05:06:07Z");
  const random = stream("verification");
  const masterKeys = generateMasterKeys(random);
  const [laptopKeys, phoneKeys, ringKeys] = [0, 1, 2].map(() => generateDeviceKeys(random)) as [
    ReturnType<typeof generateDeviceKeys>,
    ReturnType<typeof generateDeviceKeys>,
    ReturnType<typeof generateDeviceKeys>,
  ];
  const laptop = createDevice(laptopKeys, "laptop", "Linux", now);
  const phone = createDevice(phoneKeys, "phone", "", now);
  const ring = createDevice(ringKeys, "ring", "", now);
  const escrowKeys = [publicKeyOf(masterKeys.escrow)];
  const master = createMaster(masterKeys.signature, { administrators: [laptop], escrowKeys }, now);
  const first = createPersonal(laptopKeys.online, master, { devices: [laptop, phone] }, now);
  const second = nextPersonal(laptopKeys.online, first, { devices: [laptop] }, now);
  const applicationUdf = phone.authenticationKey.udf;
  const application = (by = phoneKeys.signature) =>
    signRecord(
      applicationUdf,
      "PasswordProfile",
      { Identifier: applicationUdf, Owner: master.udf, Updated: "2026-03-04T05:06:07Z", Sequence: 1 },
      by,
    );
  const exported = json({ SignedMasterProfile: master.record, SignedPersonalProfile: first.record });
  const request = createConnectionRequest(ring, master.udf, ringKeys.signature);
  const result = (by = laptopKeys.online) => createConnectionResult(ring.record, master.udf, "Accepted", by);

  test("an export is ok, with every signature in it", () => {
    const { ok, records } = verify({ "export.json": exported });
    expect(ok).toBe(true);
    const common = { file: "export.json", format: "current", ok: true };
    const byMaster = { ...common, type: "SignedMasterProfile", identifier: master.udf, signer: master.udf };
    const byDevice = { ...common, type: "SignedDeviceProfile" };
    expect(records).toEqual([
      byMaster,
      { ...common, type: "SignedPersonalProfile", identifier: master.udf, signer: laptopKeys.online.kid },
      byMaster,
      { ...byDevice, identifier: laptop.udf, signer: laptop.udf },
      { ...byDevice, identifier: phone.udf, signer: phone.udf },
    ]);
  });

  test("single records, lists, messages, bare records and a revocation note are found", () => {
    const single = verify({ a: json({ SignedDeviceProfile: ring.record }) });
    expect([single.ok, typesOf(single)]).toEqual([true, ["DeviceProfile"]]);
    const list = verify({ a: json([{ SignedDeviceProfile: ring.record }, { SignedMasterProfile: master.record }]) });
    expect([list.ok, typesOf(list)]).toEqual([true, ["DeviceProfile", "MasterProfile"]]);
    const message = verify({ a: json({ GetResponse: { Entries: [{ SignedPersonalProfile: first.record }] } }) });
    expect([message.ok, message.records.length]).toEqual([true, 4]);
    const text = json({ SignedDeviceProfile: ring.record });
    const log = verify({ a: json({ TransferResponse: { DataItems: [{ PrimaryKey: "x", Text: text }] } }) });
    expect([log.ok, typesOf(log)]).toEqual([true, ["DeviceProfile"]]);
    const bare = verify({ a: json(request.record) });
    expect([bare.ok, typesOf(bare)]).toEqual([true, ["ConnectionRequest", "DeviceProfile"]]);
    const start = verify({ a: json({ ConnectStartRequest: { SignedRequest: request.record, AccountID: "a@b" } }) });
    expect([start.ok, typesOf(start)]).toEqual([true, ["ConnectionRequest", "DeviceProfile"]]);
    const note = verify({ a: json({ SignedMasterProfile: createRevocation(masterKeys.signature, now).record }) });
    expect([note.ok, typesOf(note)]).toEqual([true, ["MasterProfile"]]);
  });

  test("results need an administrator of the profile that they name", () => {
    const file = (record: SignedRecord) => json({ SignedConnectionResult: record });
    expect(verify({ a: file(result()), b: exported }).ok).toBe(true);
    expect(verify({ b: exported, a: file(result()) }).ok).toBe(true);
    expect(reasons(verify({ a: file(result()) }))).toEqual(["key-unknown", "ok"]);
    // The phone is known, and its online signature key, too, where a stranger made it an administrator.
    expect(reasons(verify({ a: file(result(phoneKeys.signature)), b: exported }))[0]).toBe("signer-not-allowed");
    const foreign = generateMasterKeys(random);
    const content = { administrators: [phone], escrowKeys: [publicKeyOf(foreign.escrow)] };
    const foreignMaster = createMaster(foreign.signature, content, now);
    const other = json({ SignedMasterProfile: foreignMaster.record });
    expect(reasons(verify({ a: file(result(phoneKeys.online)), b: exported, c: other }))[0]).toBe("signer-not-allowed");
    expect(reasons(verify({ a: file(result(phoneKeys.online)), c: other }))[0]).toBe("key-unknown");
  });

  test("application profiles follow the newest personal profile of their owner", () => {
    const file = json({ SignedApplicationProfile: application() });
    const newer = json({ SignedPersonalProfile: second.record });
    expect(verify({ a: file, b: exported }).ok).toBe(true);
    expect(verify({ b: exported, a: file }).ok).toBe(true);
    expect(reasons(verify({ a: file }))).toEqual(["key-unknown"]);
    // The phone is no longer listed.
    expect(reasons(verify({ b: newer, a: file, c: exported })).filter((reason) => reason !== "ok")).toEqual([
      "signer-not-allowed",
    ]);
    const online = json({ SignedApplicationProfile: application(laptopKeys.online) });
    expect(verify({ b: newer, a: online, c: exported }).ok).toBe(true);
    expect(
      reasons(verify({ a: json({ SignedApplicationProfile: application(ringKeys.signature) }), b: newer }))[0],
    ).toBe("key-unknown");
  });

  test("any change is noticed, and told", () => {
    const text = json([
      { SignedPersonalProfile: first.record },
      { SignedConnectionRequest: request.record },
      { SignedConnectionResult: result() },
      { SignedApplicationProfile: application() },
    ]);
    expect(verify({ a: text }).ok).toBe(true);
    const places = [...text.matchAll(/"(?:protected|payload|signature|Identifier)":"([^"]*)"/g)].flatMap((match) =>
      Array.from(match[1] ?? "", (_, at) => match.index + match[0].length - 2 - at),
    );
    for (let index = 0; index < places.length; index += 83) {
      const place = places[index] ?? 0;
      const changed = ["A", '"', "\\", "\n", "_"].find((other, at) => at >= index % 5 && other !== text[place]) ?? "B";
      const copy = `${text.slice(0, place)}${changed}${text.slice(place + 1)}`;
      expect(verify({ a: copy }).ok, `${place}: ${text.slice(place - 20, place + 20)}`).toBe(false);
    }
    const { SignedData } = ring.record;
    const broken = { ...ring.record, SignedData: { ...SignedData, signature: "A".repeat(86) } };
    expect(reasons(verify({ a: json({ SignedDeviceProfile: broken }) }))).toEqual(["signature-invalid"]);
    expect(reasons(verify({ a: json({ SignedMasterProfile: ring.record }) }))).toEqual(["record-invalid"]);
    expect(reasons(verify({ a: json({ SignedDeviceProfile: null }) }))).toEqual(["record-invalid"]);
    expect(reasons(verify({ a: json({ SignedDeviceProfile: { ...ring.record, x: 1 } }) }))).toEqual(["record-invalid"]);
  });

  test("line feeds inside strings are for old records alone", () => {
    const text = json({ SignedDeviceProfile: ring.record });
    const { payload } = ring.record.SignedData;
    for (const feed of ["\n", "\\n"]) {
      const wrapped = text.replace(payload, `${payload.slice(0, 64)}${feed}${payload.slice(64)}`);
      expect(reasons(verify({ a: wrapped }))).toEqual(["record-invalid"]);
    }
  });

  test("no old rule is executed on a new record, and none of the new on an old one", () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { n = "", e = "" } = publicKey.export({ format: "jwk" });
    const { "2016": udf } = readRsaKey(n, e).fingerprints;
    const keys = { UDF: udf, PublicParameters: { PublicKeyRSA: { kid: udf, n, e } } };
    const payload = utf8(json({ DeviceProfile: { Identifier: udf, DeviceSignatureKey: keys } }));
    const header = encodeBase64url(utf8(json({ alg: "RS512", kid: udf })));
    const data = { payload: encodeBase64url(payload), signature: encodeBase64url(sign("sha512", payload, privateKey)) };
    const record = (SignedData: object) => json({ SignedDeviceProfile: { Identifier: udf, SignedData } });
    expect(verify({ a: record({ header, ...data }) }).ok).toBe(true);
    const dressed = verify({ a: record({ protected: header, ...data }) });
    expect(dressed.records[0]).toMatchObject({ format: "current", ok: false, reason: "record-invalid" });
    // And a whole JWS of RS512, as jose would take it.
    const jws = encodeBase64url(sign("sha512", utf8(`${header}.${data.payload}`), privateKey));
    expect(verify({ a: record({ protected: header, payload: data.payload, signature: jws }) }).ok).toBe(false);

    const { protected: ours, ...rest } = ring.record.SignedData;
    const aged = verify({
      a: json({ SignedDeviceProfile: { ...ring.record, SignedData: { header: ours, ...rest } } }),
    });
    expect(aged.records[0]).toMatchObject({ format: "2016", ok: false, reason: "record-invalid" });
    // Inside a current personal profile an old device is refused, though it is valid by itself.
    const old = { Identifier: udf, SignedData: { header, ...data } };
    const payloadOf = {
      Identifier: master.udf,
      Updated: "2026-03-04T05:06:07Z",
      Sequence: 1,
      SignedMasterProfile: master.record,
      Devices: [laptop.record, old],
    };
    const mixed = signRecord(master.udf, "PersonalProfile", payloadOf, laptopKeys.online);
    expect(reasons(verify({ a: json({ SignedPersonalProfile: mixed }) }))).toEqual([
      "record-invalid",
      "ok",
      "ok",
      "ok",
    ]);
  });
});

describe("files", () => {
  const device = createDevice(generateDeviceKeys(stream("files")), "laptop", "", new Date("2026-03-04T05:06:07Z"));
  const record = json({ SignedDeviceProfile: device.record });

  test("without a signed record are refused by name", () => {
    for (const content of [
      "",
      "hello",
      "{}",
      "[]",
      '{"name": "meshman"}',
      '{"a": b}',
      '{"Header": {"Type": "Data"}}{"DataItem": {"PrimaryKey": "x", "Text": "{\\"Account\\": {}}"}}',
      json({ OfflineEscrowEntry: { Identifier: "X", EncryptedData: { protected: "x" } } }),
      Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x22]),
    ]) {
      expect(throwsCode(() => verify({ "notes.txt": content }))).toMatch(/^record-invalid: .*notes\.txt/);
    }
    expect(createVerifier().finish()).toEqual({ ok: false, records: [] });
  });

  test("that hold a broken record are not ok, whatever else they hold", () => {
    const broken = (text: string) => verify({ a: text });
    for (const text of [
      `${record}${record.slice(0, -40)}`,
      `${record.slice(0, -40)}${record}`,
      `[${record},${record.replace('","', '",,"')}]`,
      record.replace('{"protected"', '{"protected":"","protected"'),
      `${record}${record.replace("Identifier", "\\q")}`,
      `${record}{"SignedDeviceProfile":${"[".repeat(100)}`,
      json({ DataItem: { PrimaryKey: "x", Text: record.slice(1) } }),
    ]) {
      const result = broken(text);
      expect(result.ok).toBe(false);
      expect(result.records.find(({ ok }) => !ok)).toMatchObject({ type: "unknown", reason: "json-invalid" });
    }
    const invalidUtf8 = Buffer.concat([
      utf8(record.slice(0, -1)),
      Buffer.from(',"a":"'),
      Buffer.from([0xff, 0x22, 0x7d]),
    ]);
    expect(reasons(verify({ a: invalidUtf8 }))).toEqual(["json-invalid"]);
  });

  test("may hold objects of any length, but no longer records", () => {
    const items = Array.from({ length: 12_000 }, () => ({ PrimaryKey: "x".repeat(400), Text: "{}" }));
    const long = json({ TransferResponse: { DataItems: [...items, { PrimaryKey: "y", Text: record }] } });
    expect(long.length).toBeGreaterThan(4 * 1024 * 1024);
    expect(verify({ a: long })).toMatchObject({ ok: true, records: [{ type: "SignedDeviceProfile" }] });
    const huge = record.replace(device.record.SignedData.payload, "A".repeat(3 * 1024 * 1024));
    expect(reasons(verify({ a: record + huge }))).toEqual(["ok", "too-large"]);
    const wide = `{"SignedDeviceProfile":{"SignedData":[${'"A",'.repeat(1024 * 1024)}"A"]}}`;
    expect(new Set(reasons(verify({ a: record + wide })).slice(1))).toEqual(new Set(["too-large"]));
  });

  test("are read in linear time", () => {
    const million = 1_000_000;
    for (const text of [
      '{"a":'.repeat(million / 5),
      '{"a":[{},'.repeat(million / 9),
      `{"a":"${'{\\"'.repeat(million / 3)}`,
      `{"a":"${'{"'.repeat(million / 2)}`,
      `{"a":${"[".repeat(63)}${"{},".repeat(million / 3)}`,
      "{".repeat(million),
      '"'.repeat(million),
      `{"a":"${"\\".repeat(million)}`,
    ]) {
      const begun = performance.now();
      throwsCode(() => verify({ a: text + record }));
      expect(performance.now() - begun, text.slice(0, 20)).toBeLessThan(5_000);
    }
  });

  test("of any content never crash the verifier", () => {
    const word = fc.constantFrom(
      ...[
        '{"',
        '":',
        '":"',
        '"}',
        "{",
        "}",
        "[",
        "]",
        ",",
        '"',
        "\\",
        "\n",
        "\\n",
        "null",
        "1e5",
        "SignedData",
        "Text",
      ],
      ...["SignedDeviceProfile", "Identifier", "payload", "header", "signature", "protected", "PrimaryKey", "DataItem"],
      record,
      json(record),
    );
    const text = fc.array(fc.oneof(word, fc.string())).map((words) => utf8(words.join("")));
    const member = fc.constantFrom(
      "Identifier",
      "SignedData",
      "payload",
      "header",
      "signature",
      "signatures",
      "Devices",
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 5 }, fc.constantFrom("", "e30", "AA", null, 1), tie("object"), fc.array(tie("node"))),
      object: fc.dictionary(fc.oneof(member, fc.constantFrom("SignedDeviceProfile", "Text", "__proto__")), tie("node")),
    }));
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      text,
      tree.object.map((value) => utf8(json(value))),
      fc.tuple(fc.nat(record.length - 1), fc.uint8Array({ maxLength: 8 })).map(([at, octets]) => {
        const copy = utf8(record);
        copy.set(octets.subarray(0, copy.length - at), at);
        return copy;
      }),
    );
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 300 }), (octets, piece) => {
        throwsCode(() => {
          const whole = verify({ a: octets });
          expect(verify({ a: octets }, piece)).toEqual(whole);
          for (const { ok, reason } of whole.records) expect(ok).toBe(reason === undefined);
        });
      }),
      { numRuns: 1_500 },
    );
  });
});
