import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  collectBackup,
  openBackup,
  readBackup,
  restoreBackup,
  sealBackup,
  type Backup,
} from "../../src/keystore/backup.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore, readKeystoreFacts, unlockKeystore, type Keystore } from "../../src/keystore/keystore.js";
import { loadPins, updatePins } from "../../src/keystore/pins.js";
import { passphraseKey, type Kdf } from "../../src/keystore/protection.js";
import { readProfile, updateProfile, type ProfileState } from "../../src/keystore/state.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { pinOf } from "../../src/mesh/succession.js";
import { newDevice, newPerson, NOW } from "../mesh/support.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { withEveryFault } from "../support/faults.js";

const PASSPHRASE = Buffer.from("correct horse battery");
const URL = "https://portal.example";
const random = (length: number): Buffer => randomBytes(length);

const person = newPerson("backup");
const { admin, keys: master } = person;
const udf = master.signature.kid;
const other = newDevice("backup-phone");
/** Versions of the profile, each the successor of the one before. */
const versions: PersonalProfile[] = [person.personal];
for (const name of ["two", "three"]) {
  const previous = versions.at(-1)!;
  const devices = [...previous.devices, newDevice(`backup-${name}`).device];
  versions.push(nextPersonal(admin.keys.online, previous, { devices }, NOW));
}
const [one, two, three] = versions as [PersonalProfile, PersonalProfile, PersonalProfile];
/** Another successor of the first version than the second. */
const fork = nextPersonal(admin.keys.online, one, { devices: [admin.device, other.device] }, NOW);

const stateAt = (profile: PersonalProfile | undefined, more: Partial<ProfileState> = {}): ProfileState => ({
  version: 1,
  udf,
  name: "work",
  created: "2026-01-02T03:04:05.678Z",
  device: {
    udf: admin.device.udf,
    record: admin.device.record,
    authenticationKey: admin.keys.authentication.kid,
    encryptionKey: admin.keys.encryption.kid,
    onlineSignatureKey: admin.keys.online.kid,
  },
  accounts: [{ account: "alice@example.com", portal: URL }],
  ...(profile ? { record: profile.record } : {}),
  work: [],
  ...more,
});

const KEYS = [
  { key: master.signature, use: "master-signature" },
  { key: master.escrow, use: "master-escrow" },
  { key: admin.keys.online, use: "online-signature" },
  { key: admin.keys.signature, use: "device-signature" },
  { key: admin.keys.authentication, use: "device-authentication" },
  { key: admin.keys.encryption, use: "device-encryption" },
] as const;

const backupAt = (profile: PersonalProfile | undefined, more: Partial<ProfileState> = {}): Backup => ({
  created: "2026-02-03T04:05:06.789Z",
  state: stateAt(profile, more),
  keys: KEYS.map((key) => ({ ...key, created: "2026-01-02T03:04:05.678Z" })),
  pins: {
    profiles: profile ? { [udf]: pinOf(profile) } : {},
    portals: { [URL]: { wrapping: "draft", extensions: ["signed-requests"] } },
  },
});

const emptyHome = async (): Promise<{ home: Home; keystore: Keystore }> => {
  const home = openHome(testDeps(), join(temporaryFolder(), "home"));
  return { home, keystore: await createKeystore(home, { method: "key-file" }) };
};

const keep = (state: ProfileState): ProfileState => state;

/** Puts the members of a file together as the program does, the checksum included. */
const written = (file: object): Buffer => {
  const { checksum: _, ...body } = file as Record<string, unknown>;
  const checksum = createHash("sha256").update(JSON.stringify(body)).digest("base64url");
  return Buffer.from(`${JSON.stringify({ ...body, checksum })}\n`);
};

let file: Buffer;
beforeAll(async () => {
  file = Buffer.from(await sealBackup(backupAt(two), PASSPHRASE, random));
});
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests change the file in every way
const members = (): any => JSON.parse(file.toString("utf8"));

describe("a backup file", () => {
  test("gives back what was put into it, and shows nothing of it", async () => {
    const opened = await openBackup(readBackup(file, "backup"), PASSPHRASE);
    expect(JSON.parse(JSON.stringify(opened))).toEqual(JSON.parse(JSON.stringify(backupAt(two))));
    expect(Object.keys(members())).toEqual(["meshman", "version", "created", "kdf", "sealed", "checksum"]);
    const text = file.toString("utf8");
    for (const hidden of [udf, "work", "alice", "example", ...KEYS.map(({ key }) => key.d)]) {
      expect(text).not.toContain(hidden);
    }
  });

  test("is another one each time", async () => {
    const again = JSON.parse(await sealBackup(backupAt(two), PASSPHRASE, random));
    for (const path of [
      ["kdf", "salt"],
      ["sealed", "iv"],
      ["sealed", "ciphertext"],
    ] as const) {
      expect(again[path[0]][path[1]]).not.toBe(members()[path[0]][path[1]]);
    }
  });

  test("may lose its last line end on its way, or have another one", async () => {
    const text = file.toString("utf8").trimEnd();
    for (const end of ["", "\n", "\r\n"]) expect(readBackup(Buffer.from(`${text}${end}`), "backup")).toEqual(members());
  });

  test("is refused with any single octet changed", async () => {
    const accepted: number[] = [];
    const codes = new Set<string>();
    for (let index = 0; index < file.length; index++) {
      for (const mask of [0x01, 0x03, 0x20, 1 + (index % 255)]) {
        const changed = Buffer.from(file);
        changed[index]! ^= mask;
        try {
          readBackup(changed, "backup");
          accepted.push(index);
        } catch (error) {
          codes.add((error as { code: string }).code);
        }
      }
    }
    expect(accepted).toEqual([]);
    // A changed version number makes it one of a newer program.
    expect([...codes].sort()).toEqual(["backup-invalid", "keystore-version"]);
  });

  test("is refused with octets gone, or more of them", async () => {
    for (const changed of [
      Buffer.alloc(0),
      file.subarray(0, -2),
      file.subarray(1),
      file.subarray(0, file.length / 2),
      Buffer.concat([file, file]),
      Buffer.concat([file, Buffer.from(" ")]),
      Buffer.from("\ufeff" + file.toString("utf8")),
      Buffer.from("[]"),
      Buffer.from("null"),
      Buffer.from([0xff, 0xfe]),
    ]) {
      expect(await errorCode(() => readBackup(changed, "backup"))).toBe("backup-invalid");
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        try {
          readBackup(Buffer.from(octets), "backup");
          return false;
        } catch (error) {
          return (error as { code?: string }).code === "backup-invalid";
        }
      }),
    );
  });

  test("whose checksum was made anew does not open either", { timeout: 120_000 }, async () => {
    const turn = (text: string): string => (text.startsWith("A") ? "B" : "A") + text.slice(1);
    const changes: ((value: ReturnType<typeof members>) => void)[] = [
      (value) => (value.created = "2026-02-03T04:05:06.788Z"),
      (value) => (value.kdf.salt = turn(value.kdf.salt)),
      (value) => (value.kdf.p = 2),
      (value) => (value.sealed.iv = turn(value.sealed.iv)),
      (value) => (value.sealed.ciphertext = turn(value.sealed.ciphertext)),
      (value) => (value.sealed.tag = turn(value.sealed.tag)),
    ];
    for (const change of changes) {
      const value = members();
      change(value);
      const read = readBackup(written(value), "backup");
      expect([change.toString(), await errorCode(() => openBackup(read, PASSPHRASE))]).toEqual([
        change.toString(),
        "wrong-passphrase",
      ]);
    }
  });

  test("does not open with another passphrase; spellings of one passphrase are one", async () => {
    const read = readBackup(file, "backup");
    expect(await errorCode(() => openBackup(read, Buffer.from("correct horse batter")))).toBe("wrong-passphrase");
    expect(await errorCode(() => openBackup(read, Buffer.from([0xff])))).toBe("usage");
    const spelt = await sealBackup(backupAt(one), Buffer.from("caf\u00e9 caf\u00e9"), random);
    const opened = await openBackup(readBackup(Buffer.from(spelt), "backup"), Buffer.from("cafe\u0301 cafe\u0301"));
    expect(opened.state.udf).toBe(udf);
  });

  test("wants a passphrase that is worth the name", async () => {
    expect(await errorCode(() => sealBackup(backupAt(two), Buffer.from("seven77"), random))).toBe("passphrase-weak");
    expect(await errorCode(() => sealBackup(backupAt(two), Buffer.from([0xff, 0xfe]), random))).toBe("usage");
  });

  test.each([
    ["N", 2 ** 16],
    ["N", 2 ** 14],
    ["N", 1],
    ["N", 2 ** 21],
    ["N", 2 ** 17 + 1],
    ["r", 7],
    ["r", 17],
    ["p", 0],
    ["p", 5],
    ["salt", "AAAA"],
    ["salt", "A".repeat(88)],
    ["name", "pbkdf2"],
  ])("with a key derivation out of bounds is refused before it is tried: %s %s", async (name, wrong) => {
    const value = members();
    value.kdf[name] = wrong;
    const error = await meshError(() => readBackup(written(value), "backup"));
    expect(error.code).toBe("backup-invalid");
  });

  test("of a newer version, whatever its form, says so", async () => {
    for (const value of [
      { ...members(), version: 2 },
      { meshman: "profile-backup", version: 7, else: [1] },
    ]) {
      expect(await errorCode(() => readBackup(written(value), "backup"))).toBe("keystore-version");
    }
    for (const value of [
      { ...members(), version: 0 },
      { ...members(), meshman: "other" },
      { ...members(), more: 1 },
    ]) {
      expect(await errorCode(() => readBackup(written(value), "backup"))).toBe("backup-invalid");
    }
  });
});

/** A file whose content is anything, under a passphrase. */
const sealedAnyhow = async (content: unknown): Promise<Buffer> => {
  const { seal } = await import("../../src/keystore/seal.js");
  const created = "2026-02-03T04:05:06.789Z";
  const kdf: Kdf = { name: "scrypt", N: 2 ** 17, r: 8, p: 1, salt: random(32).toString("base64url") };
  const key = await passphraseKey(PASSPHRASE, kdf);
  const binding = ["meshman/profile-backup", 1, created, kdf.name, kdf.N, kdf.r, kdf.p, kdf.salt];
  const sealed = seal(Buffer.from(JSON.stringify(content)), key, binding, random);
  return written({ meshman: "profile-backup", version: 1, created, kdf, sealed });
};

describe("what is in a backup is checked, also where it is authentic", () => {
  const contentOf = (backup: Backup = backupAt(two)) => ({
    profile: backup.state,
    keys: backup.keys.map(({ key, use, created }) => ({ kid: key.kid, use, created, jwk: key })),
    pins: backup.pins,
  });
  type Content = ReturnType<typeof contentOf>;
  const cases: [string, (content: Content) => unknown][] = [
    ["nothing", () => null],
    ["a member too many", (content) => ({ ...content, more: 1 })],
    [
      "a key that is not the one it is called",
      ({ keys, ...content }) => ({
        ...content,
        keys: [{ ...keys[0]!, kid: keys[1]!.kid }, ...keys.slice(1)],
      }),
    ],
    [
      "a private half that is not that of the public one",
      ({ keys, ...content }) => ({
        ...content,
        keys: [{ ...keys[2]!, jwk: { ...keys[2]!.jwk, d: keys[3]!.jwk.d } }, ...keys],
      }),
    ],
    [
      "a key of the wrong kind for its use",
      ({ keys, ...content }) => ({
        ...content,
        keys: keys.map((key) => (key.use === "device-encryption" ? { ...key, use: "device-signature" } : key)),
      }),
    ],
    ["a key twice", ({ keys, ...content }) => ({ ...content, keys: [...keys, keys[0]] })],
    ["no key of the device", ({ keys, ...content }) => ({ ...content, keys: keys.slice(0, -1) })],
    [
      "the record of another device",
      (content) => ({
        ...content,
        profile: { ...content.profile, device: { ...content.profile.device, record: other.device.record } },
      }),
    ],
    [
      "the record of another profile",
      (content) => ({
        ...content,
        profile: { ...content.profile, record: newPerson("somebody").personal.record },
      }),
    ],
    [
      "a record that was changed",
      (content) => ({
        ...content,
        profile: {
          ...content.profile,
          record: {
            ...two.record,
            SignedData: { ...two.record.SignedData, signature: one.record.SignedData.signature },
          },
        },
      }),
    ],
    ["a state of a newer version", (content) => ({ ...content, profile: { ...content.profile, version: 2 } })],
  ];
  test.each(cases)("%s", async (_, change) => {
    const read = readBackup(await sealedAnyhow(change(contentOf())), "backup");
    expect(await errorCode(() => openBackup(read, PASSPHRASE))).toBe("backup-invalid");
  });

  test("pins of others are left out", async () => {
    const content = contentOf();
    const somebody = newPerson("somebody").personal;
    const pins = {
      profiles: { ...content.pins.profiles, [somebody.udf]: pinOf(somebody) },
      portals: { ...content.pins.portals, "https://other.example": { wrapping: "draft", extensions: [] } },
    };
    const opened = await openBackup(readBackup(await sealedAnyhow({ ...content, pins }), "backup"), PASSPHRASE);
    expect(Object.keys(opened.pins.profiles)).toEqual([udf]);
    expect(Object.keys(opened.pins.portals)).toEqual([URL]);
  });
});

/** A home that has the profile, as another device of it or the same. */
const homeAt = async (
  profile: PersonalProfile | undefined,
  more: Partial<ProfileState> = {},
  pin: PersonalProfile | undefined = profile,
) => {
  const made = await emptyHome();
  await made.keystore.add(KEYS.map((key) => ({ ...key, profile: udf })));
  await updateProfile(made.home, udf, () => stateAt(profile, { name: "here", ...more }));
  if (pin) {
    await updatePins(made.home, made.keystore, (pins) => ({
      profiles: { ...pins.profiles, [udf]: pinOf(pin) },
      portals: { ...pins.portals, [URL]: { wrapping: "reference", extensions: ["succession"] } },
    }));
  }
  return made;
};

describe("restoring", () => {
  test("into an empty home: keys, pins and state are as they were", async () => {
    const { home, keystore } = await emptyHome();
    await restoreBackup(home, keystore, backupAt(two), keep);
    const again = await unlockKeystore(home);
    for (const { key, use } of KEYS) expect(again.get(key.kid, use)).toEqual(key);
    expect(again.facts.map(({ created, profile }) => [created, profile])).toEqual(
      KEYS.map(() => ["2026-01-02T03:04:05.678Z", udf]),
    );
    expect({ ...loadPins(home, again).profiles }).toEqual({ [udf]: pinOf(two) });
    expect({ ...loadPins(home, again).portals }).toEqual(backupAt(two).pins.portals);
    expect(readProfile(home, udf)).toEqual(stateAt(two));
    // And what was restored can be backed up alike.
    const collected = await collectBackup(home, again, udf);
    expect(JSON.parse(JSON.stringify({ ...collected, created: "" }))).toEqual(
      JSON.parse(JSON.stringify({ ...backupAt(two), created: "" })),
    );
  });

  test("members of the state that a later program wrote stay", async () => {
    const { home, keystore } = await emptyHome();
    const state = { ...stateAt(two), later: { what: 1 } } as ProfileState;
    await restoreBackup(home, keystore, { ...backupAt(two), state }, keep);
    expect(readProfile(home, udf)).toEqual(state);
  });

  test("a newer record here stays, with what is known of the accounts; the device is that of the backup", async () => {
    const accounts = [{ account: "alice@new.example", portal: "https://new.example" }];
    const { home, keystore } = await homeAt(three, {
      accounts,
      revoked: "2026-03-03T03:03:03Z",
      recovery: { identifier: "MDDK", threshold: 2, created: "2026-03-03T03:03:03Z" },
    });
    const connecting = {
      account: "alice@example.com",
      portal: URL,
      request: admin.device.record,
      code: "CODE",
      requested: "2026-01-02T03:04:05.678Z",
      posted: true,
    };
    await restoreBackup(home, keystore, backupAt(one, { connecting }), keep);
    expect(readProfile(home, udf)).toEqual({
      ...stateAt(three),
      accounts,
      connecting,
      revoked: "2026-03-03T03:03:03Z",
      recovery: { identifier: "MDDK", threshold: 2, created: "2026-03-03T03:03:03Z" },
    });
    expect(loadPins(home, keystore).profiles[udf]).toEqual(pinOf(three));
  });

  test("unfinished work stays with what it belongs to", async () => {
    const since = "2026-02-02T02:02:02Z";
    const deviceOf = (name: string): ProfileState["device"] => {
      const { keys, device } = newDevice(name);
      return {
        udf: device.udf,
        record: device.record,
        authenticationKey: keys.authentication.kid,
        encryptionKey: keys.encryption.kid,
        onlineSignatureKey: keys.online.kid,
      };
    };
    const bundle = (id: string) =>
      ({ kind: "preconfigure", since, id, name: id, path: `/${id}`, device: deviceOf(`backup-${id}`) }) as const;
    const rotation = (name: string) => ({ replaces: admin.device.udf, device: deviceOf(`backup-${name}`), since });
    const publish = { kind: "publish", record: one.record, since } as const;
    const rotate = (device: string) => ({ kind: "rotate", since, device }) as const;
    const { home, keystore } = await homeAt(three, {
      work: [publish, bundle("one"), rotate(other.device.udf)],
      rotations: [rotation("four")],
    });
    const brought = backupAt(one, {
      work: [{ kind: "recover", since }, bundle("one"), bundle("two"), rotate(admin.device.udf)],
      rotations: [rotation("four"), rotation("five")],
    });
    await restoreBackup(home, keystore, brought, keep);
    expect(readProfile(home, udf)).toMatchObject({
      // The recovery was over by the version that is known here.
      work: [publish, rotate(admin.device.udf), bundle("one"), bundle("two")],
      rotations: [rotation("four"), rotation("five")],
    });
  });

  test("a newer record in the backup replaces the one here, and moves the pin", async () => {
    const { home, keystore } = await homeAt(one, { accounts: [] });
    await restoreBackup(home, keystore, backupAt(three), keep);
    expect(readProfile(home, udf)).toEqual(stateAt(three));
    expect(loadPins(home, keystore).profiles[udf]).toEqual(pinOf(three));
  });

  test("pins are never lowered, and what a portal could do is not forgotten", async () => {
    // The state went, by whatever way; the pin is newer than the backup.
    const { home, keystore } = await homeAt(three);
    fs.unlinkSync(join(home.path, "profiles", `${udf}.json`));
    await restoreBackup(home, keystore, backupAt(one), keep);
    const pins = loadPins(home, keystore);
    expect(pins.profiles[udf]).toEqual(pinOf(three));
    expect(pins.portals[URL]).toEqual({ wrapping: "reference", extensions: ["signed-requests", "succession"] });
    // A record behind the pin would be a rollback: there is none until a portal has been asked.
    const { record: _, ...rest } = stateAt(one);
    expect(readProfile(home, udf)).toEqual(rest);
  });

  test("a mark for a gap stays, on whichever side it was", async () => {
    for (const [here, brought] of [
      [one, two],
      [two, one],
    ] as const) {
      const { home, keystore } = await homeAt(here);
      const backup = backupAt(brought);
      const pins = { ...backup.pins, profiles: { [udf]: pinOf(brought, true) } };
      await restoreBackup(home, keystore, { ...backup, pins }, keep);
      expect(loadPins(home, keystore).profiles[udf]).toEqual(pinOf(two, true));
    }
  });

  test("two histories of the profile are not mixed: nothing is written", async () => {
    for (const [here, brought] of [
      [two, fork],
      [fork, two],
      [fork, three],
      [three, fork],
    ] as const) {
      const { home, keystore } = await homeAt(here);
      const before =
        fs.readFileSync(join(home.path, "keystore.json"), "utf8") +
        fs.readFileSync(join(home.path, "pins.json"), "utf8");
      // Of a later version than a successor only the line in between could tell.
      const isTold = Math.abs(here.sequence - brought.sequence) <= 1;
      expect([here.sequence, brought.sequence, isTold]).toEqual([here.sequence, brought.sequence, true]);
      expect(await errorCode(() => restoreBackup(home, keystore, backupAt(brought), keep))).toBe("fork");
      const after =
        fs.readFileSync(join(home.path, "keystore.json"), "utf8") +
        fs.readFileSync(join(home.path, "pins.json"), "utf8");
      expect(after).toBe(before);
    }
  });

  test("a record here that was tampered with is none", async () => {
    const { home, keystore } = await homeAt(one);
    const path = join(home.path, "profiles", `${udf}.json`);
    const state = JSON.parse(fs.readFileSync(path, "utf8")) as ProfileState;
    const { signature } = one.record.SignedData;
    state.record = { ...three.record, SignedData: { ...three.record.SignedData, signature } };
    fs.writeFileSync(path, JSON.stringify(state));
    await restoreBackup(home, keystore, backupAt(two), keep);
    expect(readProfile(home, udf)?.record).toEqual(two.record);
  });

  test("who refuses leaves all as it is", async () => {
    const { home, keystore } = await emptyHome();
    const before = fs.readFileSync(join(home.path, "keystore.json"), "utf8");
    const refuse = (): never => {
      throw new Error("no");
    };
    await expect(restoreBackup(home, keystore, backupAt(two), refuse)).rejects.toThrow("no");
    expect(fs.readFileSync(join(home.path, "keystore.json"), "utf8")).toBe(before);
    expect(fs.readdirSync(home.path).sort()).toEqual(["keystore.json", "keystore.key"]);
  });
});

describe("killed between any two operations of the disk, restoring can be run again", () => {
  test.each(["into an empty home", "over an older state"] as const)("%s", async (where) => {
    const start = where === "into an empty home" ? await emptyHome() : await homeAt(one);
    const original = start.home.path;
    for (const fault of ["crash", "EIO", "ENOSPC"] as const) {
      await withEveryFault(testDeps().fs, fault, async (files) => {
        const path = join(temporaryFolder(), "home");
        fs.cpSync(original, path, { recursive: true });
        const broken = openHome(testDeps({ fs: files.fs }), path);
        await restoreBackup(broken, await unlockKeystore(broken), backupAt(three), keep).catch(() => undefined);
        // A process that was killed leaves its lock behind for some seconds.
        fs.rmSync(join(path, ".lock"), { recursive: true, force: true });
        const home = openHome(testDeps(), path);
        const keystore = await unlockKeystore(home);
        // Whatever there is is whole, and no pin without its keys.
        const state = readProfile(home, udf);
        const held = readKeystoreFacts(home)?.keys.map(({ kid }) => kid) ?? [];
        const isMoved = loadPins(home, keystore).profiles[udf]?.sequence === 3;
        if (isMoved || state?.record === three.record) {
          expect(held.sort()).toEqual(KEYS.map(({ key }) => key.kid).sort());
        }
        if (JSON.stringify(state?.record) === JSON.stringify(three.record)) expect(isMoved).toBe(true);
        await restoreBackup(home, keystore, backupAt(three), keep);
        expect(readProfile(home, udf)).toEqual(stateAt(three));
        expect(loadPins(home, keystore).profiles[udf]).toEqual(pinOf(three));
        for (const { key, use } of KEYS) expect(keystore.get(key.kid, use)).toEqual(key);
        const left = fs.readdirSync(path, { recursive: true, encoding: "utf8" });
        expect(left.filter((name) => /\.tmp$|\.owner-/.test(name))).toEqual([]);
      });
    }
  });
});

describe("collecting", () => {
  test("what a home lacks, or holds damaged, makes no backup", async () => {
    const lacking = await homeAt(two);
    await lacking.keystore.remove([admin.keys.encryption.kid]);
    expect(await errorCode(() => collectBackup(lacking.home, lacking.keystore, udf))).toBe("record-not-found");
    const { home, keystore } = await homeAt(two, { record: { ...two.record, SignedData: one.record.SignedData } });
    // Another version, authentic but not the pinned one, is no damage.
    await collectBackup(home, keystore, udf);
    expect(await errorCode(() => collectBackup(home, keystore, other.device.udf))).toBe("profile-not-found");
    const damaged = await homeAt(two, {
      record: { ...two.record, SignedData: { ...two.record.SignedData, signature: one.record.SignedData.signature } },
    });
    expect(await errorCode(() => collectBackup(damaged.home, damaged.keystore, udf))).toBe("signature-invalid");
  });

  test("keys of other profiles stay out", async () => {
    const { home, keystore } = await homeAt(two);
    const somebody = newPerson("somebody");
    await keystore.add([{ key: somebody.keys.signature, use: "master-signature", profile: somebody.personal.udf }]);
    const { keys } = await collectBackup(home, keystore, udf);
    expect(keys.map(({ key }) => key.kid).sort()).toEqual(KEYS.map(({ key }) => key.kid).sort());
  });
});
