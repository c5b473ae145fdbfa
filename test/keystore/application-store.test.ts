import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import {
  applicationPath,
  checkFiles,
  dropSegments,
  EMPTY_QUEUE,
  keepSegment,
  keptSegments,
  listApplications,
  listQueues,
  mayHaveRow,
  readCopy,
  readQueue,
  readSegment,
  removeApplication,
  removeApplications,
  updateQueue,
  writeCopy,
  type ApplicationCopy,
} from "../../src/keystore/application-store.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore, type Keystore } from "../../src/keystore/keystore.js";
import type { Edit, StoredEntry } from "../../src/mesh/application/entry.js";
import { meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";

const PROFILE = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
const APPLICATION = "MABI-EOR3-2LPW-6GH2-BHAX-HADK-XT3G";
const OTHER = "MDO5-L2VV-SHGK-UFM2-LVW4-U5E6-6FTH";
const DEVICE = "MBBK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
const HASH = "A".repeat(43);

const copy: ApplicationCopy = {
  identifier: APPLICATION,
  type: "PasswordProfile",
  name: "passwords",
  canWrite: true,
  sequence: 3,
  updated: "2026-05-01T12:00:00Z",
  entries: 1,
  conflicts: 0,
  parts: 1,
  head: { Identifier: APPLICATION, SignedData: { protected: "a", payload: "b", signature: "c" } },
  hash: HASH,
  payloadHash: HASH,
  key: HASH,
  exposures: [],
  segments: [{ identifier: OTHER, hash: HASH, size: 100, rows: [["id", "stamp", 0, "s:example.com"]] }],
};

const edit: Edit = {
  id: "A".repeat(22),
  base: undefined,
  stamp: "A".repeat(11),
  updated: "2026-05-01T12:00:00Z",
  device: DEVICE,
  value: { Password: "very secret" },
};

const entry: StoredEntry = {
  Id: "A".repeat(22),
  Stamp: "A".repeat(11),
  Updated: "2026-05-01T12:00:00Z",
  Device: DEVICE,
  Value: { Password: "very secret" },
};

interface World {
  readonly home: Home;
  readonly keystore: Keystore;
  /** Path of a file of the application. */
  readonly file: (kind: "state" | "queue" | "segment", udf?: string) => string;
}

const open = async (folder = path.join(temporaryFolder(), "home")): Promise<World> => {
  const home = openHome(testDeps(), folder);
  const keystore = await createKeystore(home, { method: "key-file" });
  return { home, keystore, file: (kind, udf = APPLICATION) => applicationPath(home, PROFILE, udf, kind) };
};

const write = ({ home, keystore }: World, value = copy): Promise<void> =>
  home.withLock(() => writeCopy(home, keystore, PROFILE, value));

const queue = ({ home, keystore }: World, ...edits: Edit[]) =>
  updateQueue(home, keystore, PROFILE, APPLICATION, (before) => ({ ...before, edits: [...before.edits, ...edits] }));

const flip = (file: string, at: number): void => {
  const octets = fs.readFileSync(file);
  const index = at < 0 ? octets.length + at : at;
  octets.writeUInt8(octets.readUInt8(index) ^ 1, index);
  fs.writeFileSync(file, octets);
};

describe("what a home keeps of an application", () => {
  test("tells where a label may be without reading all of them", async () => {
    const { home, keystore } = await open();
    const labels = ['t:a "quoted" \\ title', "s:bücher.example", "u:\n"];
    const [segment] = copy.segments;
    const segments = [{ ...segment!, rows: [["id", "stamp", 0, ...labels] as const] }];
    await home.withLock(() => writeCopy(home, keystore, PROFILE, { ...copy, segments }));
    const [read] = readCopy(home, keystore, PROFILE, APPLICATION)?.segments ?? [];
    for (const label of ["id", ...labels]) expect(mayHaveRow(read!, [label])).toBe(true);
    for (const other of ["i", "t:a", "s:b", "s:example.com"]) expect(mayHaveRow(read!, [other])).toBe(false);
    expect(mayHaveRow(segments[0]!, ["anything"])).toBe(true);
    expect(read?.rows).toEqual(segments[0]?.rows);
  });

  test("is read as it was written, and sealed", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    expect(readCopy(home, keystore, PROFILE, APPLICATION)).toBeUndefined();
    expect(listApplications(home, PROFILE)).toEqual([]);
    await write(world, { ...copy, reached: { "alice@example.org": HASH } });
    await queue(world, edit);
    keepSegment(home, keystore, PROFILE, { identifier: OTHER, hash: HASH }, [entry]);
    expect(readCopy(home, keystore, PROFILE, APPLICATION)).toMatchObject({
      ...copy,
      reached: { "alice@example.org": HASH },
    });
    expect(readQueue(home, keystore, PROFILE, APPLICATION)).toEqual({ edits: [edit], sending: [] });
    expect(readSegment(home, keystore, PROFILE, { identifier: OTHER, hash: HASH })).toEqual([entry]);
    expect(readSegment(home, keystore, PROFILE, { identifier: OTHER, hash: "B".repeat(43) })).toBeUndefined();
    for (const name of [file("state"), file("queue"), file("segment", OTHER)]) {
      const text = fs.readFileSync(name, "latin1");
      expect([/secret|example\.com|stamp/.test(text), fs.statSync(name).mode & 0o777]).toEqual([false, 0o600]);
    }
    expect(fs.statSync(path.dirname(file("state"))).mode & 0o777).toBe(0o700);
  });

  test("says without the keystore what there is", async () => {
    const world = await open();
    const { home } = world;
    await write(world);
    await queue(world, { ...edit, updated: "2026-05-02T12:00:00Z" }, edit);
    const { head: _, hash: __, payloadHash: ___, key: ____, exposures: _____, segments: ______, ...facts } = copy;
    expect(listApplications(home, PROFILE)).toEqual([facts]);
    expect(listQueues(home, PROFILE)).toEqual([{ identifier: APPLICATION, edits: 2, since: "2026-05-01T12:00:00Z" }]);
  });

  test("leaves no queue behind where nothing waits", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    await queue(world, edit);
    await updateQueue(home, keystore, PROFILE, APPLICATION, () => EMPTY_QUEUE);
    expect(fs.existsSync(file("queue"))).toBe(false);
    expect(listQueues(home, PROFILE)).toEqual([]);
  });

  test("is bound to its place, its first line and its keystore", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    const corrupt = async (read: () => unknown): Promise<void> =>
      expect((await meshError(read)).code).toBe("state-corrupt");
    await write(world);
    await queue(world, edit);
    fs.copyFileSync(file("state"), file("state", OTHER));
    fs.copyFileSync(file("queue"), file("queue", OTHER));
    await corrupt(() => readCopy(home, keystore, PROFILE, OTHER));
    await corrupt(() => readQueue(home, keystore, PROFILE, OTHER));
    fs.copyFileSync(file("queue"), file("state"));
    await corrupt(() => readCopy(home, keystore, PROFILE, APPLICATION));
    await write(world);
    const text = fs.readFileSync(file("state"), "latin1");
    fs.writeFileSync(file("state"), text.replace('"canWrite":true', '"canWrite":null'), "latin1");
    expect(listApplications(home, PROFILE)).toEqual([]);
    await corrupt(() => readCopy(home, keystore, PROFILE, APPLICATION));
    await write(world);
    for (const at of [-1, 5, 300, 400]) {
      flip(file("state"), at);
      await corrupt(() => readCopy(home, keystore, PROFILE, APPLICATION));
      flip(file("state"), at);
    }
    expect(readCopy(home, keystore, PROFILE, APPLICATION)).toBeDefined();
    const other = await open();
    fs.mkdirSync(path.dirname(other.file("state")), { recursive: true, mode: 0o700 });
    fs.copyFileSync(file("state"), other.file("state"));
    await corrupt(() => readCopy(other.home, other.keystore, PROFILE, APPLICATION));
    keystore.close();
    expect((await meshError(() => readCopy(home, keystore, PROFILE, APPLICATION))).code).toBe("locked");
  });

  test("is refused where others may read it, or a newer program wrote it", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    await write(world);
    fs.chmodSync(file("state"), 0o644);
    expect((await meshError(() => readCopy(home, keystore, PROFILE, APPLICATION))).code).toBe("keystore-permissions");
    fs.chmodSync(file("state"), 0o600);
    fs.writeFileSync(file("state"), '{"version":2,"identifier":"x"}\nabc');
    expect((await meshError(() => readCopy(home, keystore, PROFILE, APPLICATION))).code).toBe("keystore-version");
    for (const text of ["", "no line", "{}\n", "null\n", "[1]\n", '{"version":"1"}\n', `${"x".repeat(5000)}\n`]) {
      fs.writeFileSync(file("state"), text);
      expect((await meshError(() => readCopy(home, keystore, PROFILE, APPLICATION))).code).toBe("state-corrupt");
      expect(listApplications(home, PROFILE)).toEqual([]);
    }
  });

  test("a damaged segment is none", async () => {
    const { home, keystore, file } = await open();
    const segment = { identifier: OTHER, hash: HASH };
    for (const damage of [
      () => flip(file("segment", OTHER), -1),
      () => flip(file("segment", OTHER), 20),
      () => fs.truncateSync(file("segment", OTHER), 0),
      () => fs.chmodSync(file("segment", OTHER), 0o644),
    ]) {
      keepSegment(home, keystore, PROFILE, segment, [entry]);
      expect(readSegment(home, keystore, PROFILE, segment)).toEqual([entry]);
      damage();
      expect(readSegment(home, keystore, PROFILE, segment)).toBeUndefined();
    }
    expect(keptSegments(home, PROFILE)).toEqual([OTHER]);
    dropSegments(home, PROFILE, [OTHER, APPLICATION]);
    expect(keptSegments(home, PROFILE)).toEqual([]);
  });

  test("a segment that cannot be kept is no error", async () => {
    const { home, keystore } = await open();
    const { fs: files } = faultyFiles(testDeps().fs, 1, "EROFS");
    const readOnly = { ...home, deps: { ...home.deps, fs: files } };
    const segment = { identifier: OTHER, hash: HASH };
    keepSegment(readOnly, keystore, PROFILE, segment, [entry]);
    expect(readSegment(home, keystore, PROFILE, segment)).toBeUndefined();
  });

  test("goes when it is forgotten", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    const all = [file("state"), file("queue"), file("segment", OTHER)];
    const there = (): boolean[] => all.map((name) => fs.existsSync(name));
    const make = async (): Promise<void> => {
      await write(world);
      await queue(world, edit);
      keepSegment(home, keystore, PROFILE, { identifier: OTHER, hash: HASH }, [entry]);
    };
    await make();
    await removeApplication(home, PROFILE, APPLICATION, [OTHER], { edits: false });
    expect(there()).toEqual([false, true, false]);
    await make();
    await removeApplication(home, PROFILE, APPLICATION, [OTHER]);
    expect(there()).toEqual([false, false, false]);
    await make();
    await home.withLock(() => removeApplications(home, PROFILE));
    expect(there()).toEqual([false, false, false]);
    await home.withLock(() => removeApplications(home, OTHER));
  });

  test("can be looked over", async () => {
    const world = await open();
    const { home, keystore, file } = world;
    await write(world);
    await queue(world, edit);
    expect(checkFiles(home, PROFILE, keystore)).toEqual({ good: 1, faults: [] });
    flip(file("state"), -1);
    expect(checkFiles(home, PROFILE, undefined)).toEqual({ good: 1, faults: [] });
    flip(file("queue"), -1);
    const { good, faults } = checkFiles(home, PROFILE, keystore);
    expect([good, faults.map(({ code }) => code)]).toEqual([0, ["state-corrupt", "state-corrupt"]]);
    fs.truncateSync(file("queue"), 3);
    expect(checkFiles(home, PROFILE, undefined).faults).toHaveLength(1);
    expect(listQueues(home, PROFILE)).toEqual([{ identifier: APPLICATION, edits: 0, since: "" }]);
  });

  test("leaves no temporary file of a process that died", async () => {
    const world = await open();
    const { home, file } = world;
    await write(world);
    const left = path.join(path.dirname(file("state")), `.${APPLICATION}.segment.0123456789abcdef.tmp`);
    fs.writeFileSync(left, "half");
    await home.withLock(() => undefined);
    expect(fs.existsSync(left)).toBe(false);
  });

  test("keeps a path out of a file name", async () => {
    const { home, keystore } = await open();
    for (const name of ["..", "../../x", ""]) {
      expect((await meshError(() => readCopy(home, keystore, PROFILE, name))).code).toBe("fingerprint-invalid");
      expect((await meshError(() => readCopy(home, keystore, name, APPLICATION))).code).toBe("fingerprint-invalid");
    }
  });
});
