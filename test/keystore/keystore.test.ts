import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore, readKeystoreFacts, removeKeys, unlockKeystore } from "../../src/keystore/keystore.js";
import { KEY_USES } from "../../src/mesh/keys.js";
import { msg, verbatim } from "../../src/messages/message.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { newKey } from "../support/keystore.js";

const PROFILE = newKey("master-signature").kid;
const KEY_FILE = { method: "key-file" } as const;
const newHome = (): Home => openHome(testDeps(), join(temporaryFolder(), "home"));
const fileOf = (home: Home): string => join(home.path, "keystore.json");
const keyFileOf = (home: Home): string => join(home.path, "keystore.key");
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests change the file in every way
const readJson = (path: string): any => JSON.parse(fs.readFileSync(path, "utf8"));
const edit = (home: Home, change: (file: ReturnType<typeof readJson>) => void): void => {
  const file = readJson(fileOf(home));
  change(file);
  fs.writeFileSync(fileOf(home), JSON.stringify(file));
};

/** A keystore under a key file, with one key of every use. */
const filled = async () => {
  const home = newHome();
  const keystore = await createKeystore(home, KEY_FILE);
  const keys = KEY_USES.map((use) => ({ key: newKey(use), use, profile: PROFILE }));
  await keystore.add(keys);
  return { home, keystore, keys };
};

describe("a keystore under a key file", () => {
  test("keeps keys over a restart of the program", async () => {
    const { home, keystore, keys } = await filled();
    keystore.close();
    const again = await unlockKeystore(home);
    expect(again.id).toBe(keystore.id);
    for (const { key, use } of keys) {
      expect(again.has(key.kid)).toBe(true);
      expect(again.get(key.kid, use)).toEqual(key);
    }
    expect(again.has(PROFILE)).toBe(false);
    expect(await errorCode(() => again.get(PROFILE, "master-signature"))).toBe("record-not-found");
  });

  test("shows what it holds without being unlocked, and writes nothing for it", async () => {
    const home = newHome();
    expect(readKeystoreFacts(home)).toBeUndefined();
    expect(fs.existsSync(home.path)).toBe(false);
    const keystore = await createKeystore(home, KEY_FILE);
    const key = newKey();
    await keystore.add([{ key, use: "device-signature", profile: PROFILE }]);
    fs.unlinkSync(keyFileOf(home));
    const facts = readKeystoreFacts(home);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(facts).toEqual({
      id: keystore.id,
      path: fileOf(home),
      created: time,
      protection: "key-file",
      keyFile: keyFileOf(home),
      keys: [{ kid: key.kid, use: "device-signature", created: time, profile: PROFILE }],
    });
    expect(keystore.facts).toEqual(facts?.keys);
  });

  test("has private files, and no secret in clear", async () => {
    const { home, keys } = await filled();
    for (const path of [fileOf(home), keyFileOf(home)]) expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(fs.readFileSync(keyFileOf(home), "utf8")).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    const text = fs.readFileSync(fileOf(home), "utf8");
    for (const { key } of keys) expect(text).not.toContain(key.d);
    const ivs: string[] = readJson(fileOf(home)).keys.map((entry: { sealed: { iv: string } }) => entry.sealed.iv);
    expect(new Set(ivs).size).toBe(keys.length);
  });

  test("adds a key once, and forgets keys", async () => {
    const { home, keystore, keys } = await filled();
    const before = fs.readFileSync(fileOf(home), "utf8");
    await keystore.add([keys[0]!, keys[1]!, keys[0]!]);
    expect(fs.readFileSync(fileOf(home), "utf8")).toBe(before);
    const { key } = keys[0]!;
    expect(await errorCode(() => keystore.add([{ key, use: "device-signature", profile: PROFILE }]))).toBe("conflict");
    await keystore.remove([key.kid, PROFILE]);
    expect(keystore.has(key.kid)).toBe(false);
    expect(keystore.facts).toHaveLength(keys.length - 1);
    await removeKeys(home, [keys[1]!.key.kid]);
    expect(keystore.facts).toHaveLength(keys.length - 2);
    await removeKeys(newHome(), [key.kid]);
  });

  test("refuses a key whose halves do not belong together", async () => {
    const { keystore, keys } = await filled();
    const key = { ...newKey(), d: newKey().d };
    expect(await errorCode(() => keystore.add([{ key, use: "device-signature", profile: PROFILE }]))).toBe(
      "key-invalid",
    );
    expect(keystore.facts).toHaveLength(keys.length);
  });

  test("sees what another handle has changed", async () => {
    const { home, keystore, keys } = await filled();
    const other = await unlockKeystore(home);
    const key = newKey();
    await other.add([{ key, use: "device-signature", profile: PROFILE }]);
    await keystore.remove([keys[0]!.key.kid]);
    expect(keystore.get(key.kid, "device-signature")).toEqual(key);
    expect(other.has(keys[0]!.key.kid)).toBe(false);
  });

  test("is made once", async () => {
    const { home } = await filled();
    expect(await errorCode(() => createKeystore(home, KEY_FILE))).toBe("refused");
    const fresh = newHome();
    const results = await Promise.allSettled([createKeystore(fresh, KEY_FILE), createKeystore(fresh, KEY_FILE)]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await unlockKeystore(fresh);
  });

  test("is of no use when closed", async () => {
    const { home, keystore, keys } = await filled();
    const { key, use } = keys[0]!;
    keystore.close();
    const uses = [
      () => keystore.get(key.kid, use),
      () => keystore.has(key.kid),
      () => keystore.facts,
      () => keystore.mac(Buffer.alloc(0)),
      () => keystore.add([{ key: newKey(), use: "device-signature", profile: PROFILE }]),
      () => keystore.changeProtection(KEY_FILE),
    ];
    for (const run of uses) expect(await errorCode(run)).toBe("locked");
    expect((await unlockKeystore(home)).get(key.kid, use)).toEqual(key);
  });

  test("is in conflict with a keystore that has taken its place", async () => {
    const { home, keystore } = await filled();
    fs.unlinkSync(fileOf(home));
    const added = [{ key: newKey(), use: "device-signature", profile: PROFILE }] as const;
    expect(await errorCode(() => keystore.add(added))).toBe("conflict");
    await createKeystore(home, KEY_FILE);
    const uses = [
      () => keystore.add(added),
      () => keystore.remove([PROFILE]),
      () => keystore.get(PROFILE, "device-signature"),
      () => keystore.changeProtection(KEY_FILE),
    ];
    for (const run of uses) expect(await errorCode(run)).toBe("conflict");
    expect((await unlockKeystore(home)).facts).toEqual([]);
  });

  test("authenticates data under a key of its own", async () => {
    const { home, keystore } = await filled();
    const data = Buffer.from("data");
    const mac = keystore.mac(data);
    expect(mac).toHaveLength(32);
    expect((await unlockKeystore(home)).mac(data)).toEqual(mac);
    expect(keystore.mac(Buffer.from("datb"))).not.toEqual(mac);
    expect((await filled()).keystore.mac(data)).not.toEqual(mac);
  });

  test.each([
    ["missing", (path: string) => fs.unlinkSync(path)],
    ["empty", (path: string) => fs.writeFileSync(path, "")],
    ["odd", (path: string) => fs.writeFileSync(path, "not a key\n")],
    ["long", (path: string) => fs.writeFileSync(path, "A".repeat(1000))],
    ["another", (path: string) => fs.writeFileSync(path, `${"A".repeat(43)}\n`)],
  ])("stays locked when its key file is %s", async (_, spoil) => {
    const { home } = await filled();
    spoil(keyFileOf(home));
    const error = await meshError(() => unlockKeystore(home));
    expect(error.code).toBe("locked");
    expect(error.hint).toEqual(msg("keystore.key-file-useless.hint"));
  });

  test("takes a key file that lost its line feed or was edited on Windows", async () => {
    const { home } = await filled();
    const text = fs.readFileSync(keyFileOf(home), "utf8").trim();
    for (const end of ["", "\r\n"]) {
      fs.writeFileSync(keyFileOf(home), text + end);
      await unlockKeystore(home);
    }
  });

  test("refuses to be read where others may read it", async () => {
    const { home } = await filled();
    for (const path of [fileOf(home), keyFileOf(home)]) {
      fs.chmodSync(path, 0o640);
      const error = await meshError(() => unlockKeystore(home));
      expect(error).toMatchObject({ code: "keystore-permissions", hint: verbatim(`chmod 600 '${path}'`) });
      fs.chmodSync(path, 0o600);
    }
    fs.chmodSync(home.path, 0o750);
    const error = await meshError(() => unlockKeystore(home));
    expect(error).toMatchObject({ code: "keystore-permissions", hint: verbatim(`chmod 700 '${home.path}'`) });
  });

  test("changes its key file, and can be opened by the new one only", async () => {
    const { home, keystore, keys } = await filled();
    const old = fs.readFileSync(keyFileOf(home), "utf8");
    await keystore.changeProtection(KEY_FILE);
    expect(fs.readFileSync(keyFileOf(home), "utf8")).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect(fs.readFileSync(keyFileOf(home), "utf8")).not.toBe(old);
    const { key, use } = keys[0]!;
    expect(keystore.get(key.kid, use)).toEqual(key);
    expect((await unlockKeystore(home)).get(key.kid, use)).toEqual(key);
    fs.writeFileSync(keyFileOf(home), old);
    expect(await errorCode(() => unlockKeystore(home))).toBe("locked");
  });

  test("opens although another process changes the key file between its two reads", async () => {
    const { home, keystore } = await filled();
    const deps = testDeps();
    let changed = false;
    const racing = openHome(
      testDeps({
        fs: {
          ...deps.fs,
          readFile: (path, limit) => {
            const octets = deps.fs.readFile(path, limit);
            if (!changed && path === fileOf(home)) {
              changed = true;
              const file = fs.readFileSync(fileOf(next.home));
              fs.writeFileSync(fileOf(home), file);
              fs.copyFileSync(keyFileOf(next.home), keyFileOf(home));
            }
            return octets;
          },
        },
      }),
      home.path,
    );
    // The same keystore after a change, kept in another folder until then.
    const next = { home: openHome(testDeps(), join(temporaryFolder(), "next")) };
    fs.cpSync(home.path, next.home.path, { recursive: true });
    await (await unlockKeystore(next.home)).changeProtection(KEY_FILE);
    expect((await unlockKeystore(racing)).id).toBe(keystore.id);
    expect(changed).toBe(true);
  });
});

describe("a damaged keystore file", () => {
  const check = async (home: Home, code: string): Promise<void> => {
    for (const run of [
      () => readKeystoreFacts(home),
      () => unlockKeystore(home),
      () => createKeystore(home, KEY_FILE),
    ]) {
      const error = await meshError(run);
      expect(error.code).toBe(code);
      expect(error.hint).toBeDefined();
    }
  };

  test("cut off at any place", async () => {
    const { home } = await filled();
    const whole = fs.readFileSync(fileOf(home));
    for (let length = 0; length < whole.length - 1; length += 97) {
      fs.writeFileSync(fileOf(home), whole.subarray(0, length));
      expect(await errorCode(() => readKeystoreFacts(home))).toBe("keystore-corrupt");
    }
    await check(home, "keystore-corrupt");
  });

  test.each([
    ["no JSON", "keystore"],
    ["another value", "[]"],
    ["null", "null"],
    ["no version", "{}"],
    ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d])],
    ["too long", Buffer.alloc(4 * 1024 * 1024 + 1, " ")],
  ])("with %s", async (_, content) => {
    const { home } = await filled();
    fs.writeFileSync(fileOf(home), content);
    await check(home, "keystore-corrupt");
  });

  test("with a member twice", async () => {
    const { home } = await filled();
    const text = fs.readFileSync(fileOf(home), "utf8");
    fs.writeFileSync(fileOf(home), text.replace("{", '{"version": 1,'));
    await check(home, "keystore-corrupt");
  });

  test("by a newer program", async () => {
    const { home } = await filled();
    fs.writeFileSync(fileOf(home), '{"version": 2, "unknown": []}');
    await check(home, "keystore-version");
    expect((await meshError(() => readKeystoreFacts(home))).hint).toEqual(msg("keystore.file-newer.hint"));
  });

  test.each<[string, (file: ReturnType<typeof readJson>) => void]>([
    ["a member that nobody knows", (file) => (file.extra = 1)],
    ["a version of zero", (file) => (file.version = 0)],
    ["a version as text", (file) => (file.version = "1")],
    ["a key twice", (file) => file.keys.push(file.keys[0])],
    ["a use that nobody knows", (file) => (file.keys[0].use = "signature")],
    ["a kid in another spelling", (file) => (file.keys[0].kid = file.keys[0].kid.toLowerCase())],
    ["a time that is none", (file) => (file.keys[0].created = "2026-13-01T00:00:00Z")],
    ["a short tag", (file) => (file.keys[0].sealed.tag = file.keys[0].sealed.tag.slice(0, 16))],
    ["a long iv", (file) => (file.keys[0].sealed.iv = "A".repeat(20))],
    ["base64 of another kind", (file) => (file.keys[0].sealed.ciphertext = "AA==")],
    ["a method that nobody knows", (file) => (file.protection.method = "none")],
    ["an id that is no id", (file) => (file.id = "id")],
  ])("with %s", async (_, change) => {
    const { home } = await filled();
    edit(home, change);
    await check(home, "keystore-corrupt");
  });

  test.each([
    ["N", 2 ** 16],
    ["N", 2 ** 21],
    ["N", 2 ** 17 + 1],
    ["N", 3 * 2 ** 17],
    ["N", 131072.5],
    ["r", 7],
    ["r", 17],
    ["p", 0],
    ["p", 5],
    ["name", "pbkdf2"],
    ["salt", "AAAA"],
  ])("with the scrypt parameter %s = %s", async (name, value) => {
    const { home } = await filled();
    edit(home, (file) => {
      const kdf = { name: "scrypt", N: 2 ** 17, r: 8, p: 1, salt: "A".repeat(43), [name]: value };
      file.protection = { method: "passphrase", kdf, wrapped: file.protection.wrapped };
    });
    await check(home, "keystore-corrupt");
  });
});

describe("a keystore file that was tampered with", () => {
  const flip = (text: string): string => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;

  test.each<[string, (file: ReturnType<typeof readJson>) => void]>([
    ["ciphertext", ({ keys }) => (keys[0].sealed.ciphertext = flip(keys[0].sealed.ciphertext))],
    ["iv", ({ keys }) => (keys[0].sealed.iv = flip(keys[0].sealed.iv))],
    ["tag", ({ keys }) => (keys[0].sealed.tag = flip(keys[0].sealed.tag))],
    ["profile", ({ keys }) => (keys[0].profile = keys[0].kid)],
    ["use", ({ keys }) => (keys[0].use = "device-signature")],
    ["ciphertexts exchanged", ({ keys }) => ([keys[0].sealed, keys[1].sealed] = [keys[1].sealed, keys[0].sealed])],
    ["kids exchanged", ({ keys }) => ([keys[0].kid, keys[1].kid] = [keys[1].kid, keys[0].kid])],
  ])("%s", async (_, change) => {
    const { home, keystore } = await filled();
    edit(home, change);
    const entry = readJson(fileOf(home)).keys[0];
    for (const handle of [keystore, await unlockKeystore(home)]) {
      expect(await errorCode(() => handle.get(entry.kid, entry.use))).toBe("decryption-failed");
    }
  });

  test("a key is given for its own use only", async () => {
    const { keystore, keys } = await filled();
    expect(await errorCode(() => keystore.get(keys[0]!.key.kid, "device-signature"))).toBe("decryption-failed");
  });

  test("its id", async () => {
    const { home } = await filled();
    edit(home, (file) => (file.id = flip(file.id)));
    expect(await errorCode(() => unlockKeystore(home))).toBe("locked");
  });

  test("a key from another keystore", async () => {
    const [one, other] = [await filled(), await filled()];
    const entry = readJson(fileOf(other.home)).keys[0];
    edit(one.home, (file) => file.keys.push(entry));
    expect(await errorCode(() => one.keystore.get(entry.kid, entry.use))).toBe("decryption-failed");
  });
});

// Each of these costs a second or so, for that is what scrypt is for.
describe("a keystore under a passphrase", () => {
  const passphrase = Buffer.from("caf\u00e9 pass");

  test("is opened by its passphrase, however the keyboard composes it, and by nothing else", async () => {
    const home = newHome();
    const keystore = await createKeystore(home, { method: "passphrase", passphrase });
    const key = newKey();
    await keystore.add([{ key, use: "device-signature", profile: PROFILE }]);
    expect(passphrase.toString()).toBe("caf\u00e9 pass");
    expect(fs.existsSync(keyFileOf(home))).toBe(false);
    expect(readJson(fileOf(home)).protection.kdf).toMatchObject({ name: "scrypt", N: 131072, r: 8, p: 1 });
    const again = await unlockKeystore(home, { passphrase: Buffer.from("cafe\u0301 pass") });
    expect(again.get(key.kid, "device-signature")).toEqual(key);

    const missing = await meshError(() => unlockKeystore(home));
    expect(missing.code).toBe("locked");
    expect(missing.hint).toEqual(msg("keystore.passphrase-needed.hint"));
    const wrong = { passphrase: Buffer.from("cafe pass") };
    expect(await errorCode(() => unlockKeystore(home, wrong))).toBe("wrong-passphrase");
    expect(await errorCode(() => unlockKeystore(home, { passphrase: Buffer.from([0xff, 0xfe]) }))).toBe("usage");
    // Parameters within the bounds are bound to the wrapped key as well.
    edit(home, (file) => (file.protection.kdf.p = 2));
    expect(await errorCode(() => unlockKeystore(home, { passphrase }))).toBe("wrong-passphrase");
  });

  test("changes its protection there and back, while another process has it open", async () => {
    const home = newHome();
    const keystore = await createKeystore(home, KEY_FILE);
    const open = await unlockKeystore(home);
    const key = newKey();
    await keystore.changeProtection({ method: "passphrase", passphrase });
    expect(fs.existsSync(keyFileOf(home))).toBe(false);
    await open.add([{ key, use: "device-signature", profile: PROFILE }]);
    expect(readKeystoreFacts(home)).toMatchObject({ protection: "passphrase", keys: [{ kid: key.kid }] });
    expect(await errorCode(() => unlockKeystore(home))).toBe("locked");
    await keystore.changeProtection(KEY_FILE);
    expect((await unlockKeystore(home)).get(key.kid, "device-signature")).toEqual(key);
  });

  test("needs eight characters", async () => {
    const home = newHome();
    for (const text of ["", "1234567", "\u{1F511}".repeat(7), "e\u0301".repeat(7)]) {
      const weak = { method: "passphrase", passphrase: Buffer.from(text) } as const;
      expect(await errorCode(() => createKeystore(home, weak))).toBe("passphrase-weak");
    }
    expect(readKeystoreFacts(home)).toBeUndefined();
    const keystore = await createKeystore(home, KEY_FILE);
    const weak = { method: "passphrase", passphrase: Buffer.from("1234567") } as const;
    const error = await meshError(() => keystore.changeProtection(weak));
    expect(error.code).toBe("passphrase-weak");
    expect(JSON.stringify([error.message, error.text, error.hint])).not.toContain("1234567");
    await unlockKeystore(home);
  });
});

test("a home with a profile whose keystore has gone is not taken for one without a profile", async () => {
  const home = newHome();
  fs.mkdirSync(join(home.path, "profiles"), { recursive: true, mode: 0o700 });
  fs.chmodSync(home.path, 0o700);
  fs.writeFileSync(join(home.path, "profiles", `${PROFILE}.json`), "{}", { mode: 0o600 });
  const error = await meshError(() => unlockKeystore(home));
  expect(error.code).toBe("keystore-corrupt");
  expect(error.hint).toEqual(msg("keystore.damaged.hint"));
});

test("a home without a keystore has no profile to unlock", async () => {
  const error = await meshError(() => unlockKeystore(newHome()));
  expect(error.code).toBe("profile-not-found");
  expect(error.hint).toEqual(msg("keystore.none.hint"));
});
