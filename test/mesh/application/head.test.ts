import { describe, expect, test } from "vitest";
import { MAX_ENTRIES, MAX_EXPOSURES } from "../../../src/mesh/application/entry.js";
import {
  createHead,
  MAX_SEGMENTS,
  newApplicationKey,
  newIdentifier,
  openHead,
  readHead,
  recipientKeys,
  standingOf,
  verifyHead,
  type HeadContent,
  type ReadHead,
} from "../../../src/mesh/application/head.js";
import { APPLICATION_TYPES } from "../../../src/mesh/application/kind.js";
import { utf8 } from "../../../src/mesh/bytes.js";
import { encryptTo } from "../../../src/mesh/jwe.js";
import type { PrivateKey, PublicKey } from "../../../src/mesh/keys.js";
import { publicKeyOf } from "../../../src/mesh/keys.js";
import { nextEpoch, nextPersonal } from "../../../src/mesh/profile.js";
import type { ApplicationEntry, PersonalProfile } from "../../../src/mesh/records/personal.js";
import { isUdf } from "../../../src/mesh/udf.js";
import { errorCode } from "../../support/deps.js";
import { altered, newDevice, newPerson, NOW, payloadOf, refusal, stream, TIME } from "../support.js";

const LATER = new Date("2026-05-06T07:08:09Z");
const random = stream("head");
const [laptop, phone, tablet, watch] = ["laptop", "phone", "tablet", "watch"].map((name) => newDevice(name)) as [
  ReturnType<typeof newDevice>,
  ReturnType<typeof newDevice>,
  ReturnType<typeof newDevice>,
  ReturnType<typeof newDevice>,
];
const mallory = newPerson("mallory");
const alice = newPerson(
  "alice",
  [laptop, phone, tablet, watch].map(({ device }) => device),
);
const identifier = newIdentifier(random);
const key = newApplicationKey(random);

const entryFor = (readers: readonly string[], writers: readonly string[]): ApplicationEntry => ({
  Identifier: identifier,
  Type: "PasswordProfile",
  Friendly: "passwords",
  AdminDeviceUDF: [...writers],
  DecryptDeviceUDF: [...readers],
});
const admin = alice.admin.device.udf;
const granted = entryFor([admin, laptop.device.udf, phone.device.udf], [laptop.device.udf]);

const withApplication = (profile: PersonalProfile, entry: ApplicationEntry): PersonalProfile =>
  nextPersonal(alice.admin.keys.online, profile, { applications: [entry] }, NOW);
const owner = withApplication(alice.personal, granted);

const segments = [1, 2].map((number) => ({
  identifier: newIdentifier(stream(`segment ${number}`)),
  hash: `${number}`.repeat(42) + "A",
}));
const exposures = [{ DeviceUDF: watch.device.udf, Name: "watch", Time: TIME }];

const content = (members: Partial<HeadContent> = {}): HeadContent => ({
  type: "PasswordProfile",
  identifier,
  owner,
  entry: granted,
  key,
  exposures,
  entries: 12,
  segments,
  ...members,
});
const make = (members: Partial<HeadContent> = {}, signer: PrivateKey = laptop.keys.signature, previous?: ReadHead) =>
  createHead(signer, content(members), NOW, previous);

const head = await make();

/** The head with other members, signed by one who may. */
const changed = (members: object, signer = laptop.keys.signature, type = "PasswordProfile"): unknown =>
  altered(head.record, type, signer, (payload) => ({ ...payload, ...members }));

describe("a head", () => {
  test("says what it was given", () => {
    expect(head).toMatchObject({
      type: "PasswordProfile",
      identifier,
      owner: owner.udf,
      updated: TIME,
      sequence: 1,
      previous: undefined,
      profileSequence: [1, 2],
      segments,
      publicMembers: {},
      kid: laptop.keys.signature.kid,
    });
    expect(Object.keys(payloadOf(head.record))).toEqual([
      "Identifier",
      "Owner",
      "Updated",
      "Sequence",
      "ProfileSequence",
      "EncryptedData",
      "Segments",
    ]);
    expect(new Set(head.recipients)).toEqual(
      new Set([
        alice.admin.keys.encryption.kid,
        laptop.keys.encryption.kid,
        phone.keys.encryption.kid,
        alice.keys.escrow.kid,
      ]),
    );
  });

  test("is followed by one that names it, and keeps what everybody may read", async () => {
    const first = await make({ publicMembers: { Words: ["hello"], Gone: 1 }, notaryToken: "token" });
    expect(first.publicMembers).toEqual({ Words: ["hello"], Gone: 1 });
    expect(payloadOf(first.record)["NotaryToken"]).toBe("token");
    const second = await make({ publicMembers: { Gone: undefined, Sequence: 7, Owner: "x" } }, undefined, first);
    expect(second).toMatchObject({ sequence: 2, previous: first.payloadHash, publicMembers: { Words: ["hello"] } });
    expect(payloadOf(second.record)).not.toHaveProperty("NotaryToken");
  });

  test("may be empty, and of every type", async () => {
    for (const type of APPLICATION_TYPES) {
      const empty = await make({ type, segments: [], entries: 0, exposures: [] });
      expect(empty.segments).toEqual([]);
      expect(payloadOf(empty.record)).not.toHaveProperty("Segments");
      expect(await openHead(empty, phone.keys.encryption)).toEqual({ key, exposures: [], entries: 0 });
    }
  });

  test("is not made larger than anybody would read", async () => {
    const many = Array.from({ length: MAX_SEGMENTS + 1 }, () => segments[0]!);
    expect(await errorCode(() => make({ segments: many }))).toBe("too-large");
    expect(await errorCode(() => make({ entries: MAX_ENTRIES + 1 }))).toBe("too-large");
    const exposed = Array.from({ length: MAX_EXPOSURES + 1 }, () => exposures[0]!);
    expect(await errorCode(() => make({ exposures: exposed }))).toBe("too-large");
  });

  test("names as many segments as may be", async () => {
    const most = Array.from({ length: MAX_SEGMENTS }, () => ({
      identifier: newIdentifier(random),
      hash: segments[0]!.hash,
    }));
    expect((await make({ segments: most, entries: MAX_ENTRIES })).segments).toEqual(most);
  });

  test("has identifiers that are fingerprints and none like the other", () => {
    const some = Array.from({ length: 100 }, () => newIdentifier(random));
    expect(some.every((text) => isUdf(text))).toBe(true);
    expect(new Set(some).size).toBe(100);
  });
});

describe("what is not read", () => {
  const refused = (value: unknown): string | undefined => refusal(() => readHead(value));

  test.each([
    ["no profile sequence", { ProfileSequence: undefined }],
    ["half a profile sequence", { ProfileSequence: [1] }],
    ["a profile sequence of zero", { ProfileSequence: [1, 0] }],
    ["no encrypted data", { EncryptedData: undefined }],
    ["encrypted data of another form", { EncryptedData: { protected: "" } }],
    ["an empty list of segments", { Segments: [] }],
    ["a segment without a hash", { Segments: [[segments[0]!.identifier]] }],
    ["a segment with more than a hash", { Segments: [[segments[0]!.identifier, segments[0]!.hash, 1]] }],
    ["a segment that is none", { Segments: [["x", segments[0]!.hash]] }],
    ["a segment twice", { Segments: [0, 1].map((at) => [segments[0]!.identifier, segments[at]!.hash]) }],
    ["no time", { Updated: undefined }],
    ["no sequence", { Sequence: undefined }],
    ["another identifier", { Identifier: segments[0]!.identifier }],
  ])("is a head with %s", (_, members) => {
    expect(refused(changed(members))).toBe("record-invalid");
  });

  test("is a head with more segments than one may have", () => {
    const many = Array.from({ length: MAX_SEGMENTS + 1 }, () => [newIdentifier(random), segments[0]!.hash]);
    expect(refused(changed({ Segments: many }))).toBe("record-invalid");
  });

  test("is a profile of another type", () => {
    for (const type of ["SegmentProfile", "ConfirmationProfile", "MasterProfile", "Password"]) {
      expect(refused(changed({}, undefined, type))).toBe("record-invalid");
    }
    for (const value of [undefined, null, 1, "x", [], {}, { SignedData: {} }])
      expect(refused(value)).toBe("record-invalid");
  });
});

describe("who signed a head", () => {
  const verify = (value: ReadHead, profile = owner, entry = granted, now = NOW) =>
    refusal(() => verifyHead(value, profile, entry, now));

  test("is a device that may change the application, or an administrator of the profile", async () => {
    expect(verifyHead(head, owner, granted, NOW)).toEqual({ state: "current", missing: [], escrowMissing: false });
    expect(verify(await make({}, alice.admin.keys.online))).toBeUndefined();
  });

  test.each([
    ["a device that may only read it", phone.keys.signature],
    ["a device of the same person that may not even read it", tablet.keys.signature],
    ["the online key of a device that is no administrator", laptop.keys.online],
    ["the master key", alice.keys.signature],
    ["a stranger", mallory.admin.keys.online],
  ])("is not %s", async (_, signer) => {
    expect(verify(await make({}, signer))).toBe("application-signer");
  });

  test("is not a device that has gone, lapsed or lost the right", async () => {
    const devices = owner.devices.filter(({ udf }) => udf !== laptop.device.udf);
    const removed = nextPersonal(alice.admin.keys.online, owner, { devices }, NOW);
    expect(verify(head, removed, removed.applications[0])).toBe("application-signer");
    const lapsing = nextPersonal(
      alice.admin.keys.online,
      owner,
      { deviceExpiries: { [laptop.device.udf]: "2026-04-01T00:00:00Z" } },
      NOW,
    );
    expect(verify(head, lapsing, lapsing.applications[0])).toBeUndefined();
    // It had not lapsed when it signed that.
    expect(verifyHead(head, lapsing, lapsing.applications[0]!, LATER).state).toBe("outdated");
    const late = await createHead(laptop.keys.signature, content({}), LATER);
    expect(verify(late, lapsing, lapsing.applications[0], LATER)).toBe("application-signer");
    const revoked = withApplication(owner, entryFor(granted.DecryptDeviceUDF!, []));
    expect(verify(head, revoked, revoked.applications[0])).toBe("application-signer");
  });

  test("is nobody where the signature is wrong, or the owner or the entry another", async () => {
    const forged = readHead({ ...head.record, SignedData: { ...head.record.SignedData, signature: "A".repeat(86) } });
    expect(verify(forged)).toBe("application-signer");
    expect(verify(await make({ owner: mallory.personal }))).toBe("application-signer");
    expect(verify(head, owner, { ...granted, Type: "SSHProfile" })).toBe("record-invalid");
    expect(verify(head, owner, { ...granted, Identifier: segments[0]!.identifier })).toBe("record-invalid");
  });
});

describe("who can read a head", () => {
  const encryptedTo = async (profileSequence: readonly number[], ...keys: readonly PublicKey[]): Promise<ReadHead> =>
    readHead(changed({ ProfileSequence: profileSequence, EncryptedData: await encryptTo(utf8("{}"), keys) }));
  const keysOf = (...devices: readonly { device: { encryptionKey: PublicKey } }[]): readonly PublicKey[] =>
    devices.map(({ device }) => device.encryptionKey);
  const escrow = publicKeyOf(alice.keys.escrow);
  const allowed = [...keysOf(alice.admin, laptop, phone), escrow];

  test("is whom the profile lets, and the escrow key", () => {
    expect(new Set(recipientKeys(owner, granted, NOW))).toEqual(new Set(allowed));
    expect(recipientKeys(owner, {}, NOW)).toEqual([escrow]);
    expect(recipientKeys(owner, { DecryptDeviceUDF: [mallory.admin.device.udf] }, NOW)).toEqual([escrow]);
  });

  test("is nobody else, by the profile under which it was made or a later one", async () => {
    for (const [extra] of [keysOf(tablet), keysOf(mallory.admin)]) {
      for (const sequence of [
        [1, 2],
        [1, 3],
        [2, 1],
      ]) {
        const value = await encryptedTo(sequence, ...allowed, extra!);
        expect(refusal(() => verifyHead(value, owner, granted, NOW))).toBe("application-recipient");
      }
      // Made before the profile said so.
      const before = await encryptedTo([1, 1], ...allowed, extra!);
      expect(verifyHead(before, owner, granted, NOW)).toEqual({ state: "outdated", missing: [], escrowMissing: false });
    }
  });

  test("lacks somebody until the next version", async () => {
    const value = await encryptedTo([1, 2], ...keysOf(alice.admin, laptop));
    expect(verifyHead(value, owner, granted, NOW)).toEqual({
      state: "current",
      missing: [phone.device.udf],
      escrowMissing: true,
    });
  });

  test("was somebody who has been removed, or has lapsed", () => {
    const devices = owner.devices.filter(({ udf }) => udf !== phone.device.udf);
    const removed = nextPersonal(alice.admin.keys.online, owner, { devices }, NOW);
    const outdated = { state: "outdated", missing: [], escrowMissing: false };
    expect(verifyHead(head, removed, removed.applications[0]!, NOW)).toEqual(outdated);
    const lapsing = nextPersonal(
      alice.admin.keys.online,
      owner,
      { deviceExpiries: { [phone.device.udf]: "2026-04-01T00:00:00Z" } },
      NOW,
    );
    const entry = lapsing.applications[0]!;
    expect(verifyHead(head, lapsing, entry, NOW).state).toBe("current");
    expect(verifyHead(head, lapsing, entry, LATER)).toEqual(outdated);
    expect(recipientKeys(lapsing, entry, LATER)).not.toContainEqual(phone.device.encryptionKey);
    const epoch = nextEpoch(
      alice.keys.signature,
      alice.admin.keys.online,
      owner,
      [alice.admin.device],
      { devices },
      NOW,
    );
    expect(verifyHead(head, epoch, epoch.applications[0]!, NOW)).toEqual(outdated);
  });

  test("is looked at also where its signer has gone since", () => {
    const devices = owner.devices.filter(({ udf }) => udf !== laptop.device.udf);
    const removed = nextPersonal(alice.admin.keys.online, owner, { devices }, NOW);
    const outdated = { state: "outdated", missing: [], escrowMissing: false };
    expect(standingOf(head, removed, removed.applications[0]!, NOW)).toEqual(outdated);
  });
});

describe("what is in a head", () => {
  const opens = { key, exposures, entries: 12 };

  test("opens with the key of each of its readers, and with the master escrow key", async () => {
    const readers = [alice.admin.keys.encryption, laptop.keys.encryption, phone.keys.encryption, alice.keys.escrow];
    for (const reader of readers) expect(await openHead(head, reader)).toEqual(opens);
  });

  test("does not open with any other", async () => {
    for (const reader of [tablet.keys.encryption, mallory.keys.escrow]) {
      expect(await errorCode(() => openHead(head, reader))).toBe("decryption-failed");
    }
  });

  const sealed = async (value: unknown): Promise<ReadHead> =>
    readHead(changed({ EncryptedData: await encryptTo(utf8(JSON.stringify(value)), [phone.device.encryptionKey]) }));
  const inside = { Type: "PasswordProfile", Identifier: identifier, Owner: owner.udf, Key: "A".repeat(43), Entries: 0 };

  test.each<[string, unknown]>([
    ["of another type", { PasswordProfilePrivate: { ...inside, Type: "SSHProfile" } }],
    ["under another name", { SSHProfilePrivate: inside }],
    ["with more beside it", { PasswordProfilePrivate: inside, More: 1 }],
    ["of another application", { PasswordProfilePrivate: { ...inside, Identifier: segments[0]!.identifier } }],
    ["of another person", { PasswordProfilePrivate: { ...inside, Owner: mallory.personal.udf } }],
    ["without a key", { PasswordProfilePrivate: { ...inside, Key: undefined } }],
    ["with a key that is too short", { PasswordProfilePrivate: { ...inside, Key: "AAAA" } }],
    ["with a key in another spelling", { PasswordProfilePrivate: { ...inside, Key: `${"A".repeat(42)}B` } }],
    ["without a count", { PasswordProfilePrivate: { ...inside, Entries: undefined } }],
    ["with more entries than there may be", { PasswordProfilePrivate: { ...inside, Entries: MAX_ENTRIES + 1 } }],
    ["with exposures of another form", { PasswordProfilePrivate: { ...inside, Exposures: [{}] } }],
    ["of another form", []],
  ])("is not taken %s", async (_, value) => {
    expect(await errorCode(async () => openHead(await sealed(value), phone.keys.encryption))).toBe("decryption-failed");
  });

  test("may have members that this program does not know", async () => {
    const value = { PasswordProfilePrivate: { ...inside, New: 1 } };
    expect(await openHead(await sealed(value), phone.keys.encryption)).toMatchObject({ entries: 0 });
  });
});
