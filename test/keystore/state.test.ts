import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openHome, type Home } from "../../src/keystore/home.js";
import {
  deleteProfile,
  findProfile,
  listProfiles,
  readProfile,
  updateProfile,
  type ProfileState,
} from "../../src/keystore/state.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { newRecord, newState } from "../support/keystore.js";

const newHome = (): Home => openHome(testDeps(), join(temporaryFolder(), "home"));
const fileOf = (home: Home, udf: string): string => join(home.path, "profiles", `${udf}.json`);
const save = (home: Home, state: ProfileState): Promise<ProfileState> => updateProfile(home, state.udf, () => state);

describe("the state of a profile", () => {
  test("is kept, whole, in a private file", async () => {
    const home = newHome();
    const at = { account: "alice@example.com", portal: "https://example.com" };
    const since = "2026-01-02T03:04:05Z";
    const state = newState({
      accounts: [at],
      record: newRecord(),
      connecting: { ...at, request: newRecord(), code: "MAAA-BBBB", requested: since, posted: false },
      recovery: { identifier: "MAAA", threshold: 2, shares: 3, created: since },
      work: [
        { kind: "account-create", ...at, record: newRecord(), since },
        { kind: "publish", record: newRecord(), since },
        { kind: "recover", since },
        { kind: "recover", since },
      ],
    });
    expect(await save(home, state)).toEqual(state);
    expect(readProfile(home, state.udf)).toEqual(state);
    expect(fs.statSync(fileOf(home, state.udf)).mode & 0o777).toBe(0o600);
    expect(fs.statSync(join(home.path, "profiles")).mode & 0o777).toBe(0o700);
  });

  test("is changed from what is there, and not at all where the change throws", async () => {
    const home = newHome();
    const state = newState();
    const seen: unknown[] = [];
    const rename = (name: string) => (before?: ProfileState) => {
      seen.push(before?.name);
      return { ...(before ?? state), name };
    };
    await Promise.all([updateProfile(home, state.udf, rename("a")), updateProfile(home, state.udf, rename("b"))]);
    expect(seen[0]).toBeUndefined();
    expect(["a", "b"]).toContain(seen[1]);
    const before = readProfile(home, state.udf);
    const failure = new Error("failure");
    const failing = updateProfile(home, state.udf, () => {
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    expect(readProfile(home, state.udf)).toEqual(before);
  });

  test("keeps what a later version wrote, at every level", async () => {
    const home = newHome();
    const state = newState({ accounts: [{ account: "a@b", portal: "local" }] });
    await save(home, state);
    const text = fs
      .readFileSync(fileOf(home, state.udf), "utf8")
      .replace('"account":', '"later": [1], "account":')
      .replace("{", '{"later": {"x": null},');
    fs.writeFileSync(fileOf(home, state.udf), text);
    await updateProfile(home, state.udf, (before) => ({ ...before!, name: "renamed" }));
    expect(JSON.parse(fs.readFileSync(fileOf(home, state.udf), "utf8"))).toMatchObject({
      name: "renamed",
      later: { x: null },
      accounts: [{ later: [1] }],
    });
  });

  test("that is not of the right form is never written", async () => {
    const home = newHome();
    const state = newState();
    expect(await errorCode(() => save(home, { ...state, created: "yesterday" }))).toBe("internal");
    const other = newState();
    expect(await errorCode(() => updateProfile(home, state.udf, () => other))).toBe("internal");
    expect(listProfiles(home)).toEqual([]);
  });

  test("is removed, and its absence is no error", async () => {
    const home = newHome();
    const state = newState();
    await save(home, state);
    await deleteProfile(home, state.udf);
    await deleteProfile(home, state.udf);
    expect(readProfile(home, state.udf)).toBeUndefined();
  });

  test.each(["../keystore", "", "MAAA", "maaa-bbbb-cccc-dddd-eeee-ffff-gggg"])(
    "is not looked for as %j",
    async (udf) => {
      const home = newHome();
      for (const run of [readProfile, deleteProfile]) {
        expect(await errorCode(() => run(home, udf))).toBe("fingerprint-invalid");
      }
      expect(await errorCode(() => updateProfile(home, udf, () => newState()))).toBe("fingerprint-invalid");
    },
  );
});

describe("the profiles of a home", () => {
  test("are listed oldest first, without writing", async () => {
    const home = newHome();
    expect(listProfiles(home)).toEqual([]);
    expect(fs.existsSync(home.path)).toBe(false);
    const times = ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"];
    const states = times.map((created) => newState({ created }));
    for (const state of states) await save(home, state);
    const expected = states.map(({ created, udf }) => `${created} ${udf}`).sort();
    expect(listProfiles(home).map(({ created, udf }) => `${created} ${udf}`)).toEqual(expected);
  });

  test("are found by name or by fingerprint in any spelling", async () => {
    const home = newHome();
    const [work, play] = [newState({ name: "work" }), newState({ name: "play" })];
    // A name that looks like the fingerprint of another profile does not hide it.
    const odd = newState({ name: play.udf, created: "2020-01-01T00:00:00Z" });
    for (const state of [work, play, odd]) await save(home, state);
    expect(findProfile(home, "work")?.udf).toBe(work.udf);
    expect(findProfile(home, play.udf)?.udf).toBe(play.udf);
    expect(findProfile(home, play.udf.toLowerCase().replaceAll("-", ""))?.udf).toBe(play.udf);
    expect(findProfile(home, "WORK")).toBeUndefined();
    expect(findProfile(home, "nobody")).toBeUndefined();
  });

  test.each<[string, string, (path: string) => void]>([
    ["cut off", "state-corrupt", (path) => fs.truncateSync(path, 100)],
    ["empty", "state-corrupt", (path) => fs.truncateSync(path, 0)],
    ["another value", "state-corrupt", (path) => fs.writeFileSync(path, '{"version": 1}')],
    ["too long", "state-corrupt", (path) => fs.truncateSync(path, 8 * 1024 * 1024 + 1)],
    ["of a newer program", "keystore-version", (path) => fs.writeFileSync(path, '{"version": 2}')],
    ["readable by others", "keystore-permissions", (path) => fs.chmodSync(path, 0o644)],
  ])("are not listed while a file is %s", async (_, code, spoil) => {
    const home = newHome();
    const state = newState();
    await save(home, newState());
    await save(home, state);
    const path = fileOf(home, state.udf);
    spoil(path);
    for (const run of [() => listProfiles(home), () => readProfile(home, state.udf), () => save(home, state)]) {
      const error = await meshError(run);
      expect(error.code).toBe(code);
      expect(error.message).toContain(path);
      expect(error.hint).toBeDefined();
    }
  });

  test("are each in the file with their name", async () => {
    const home = newHome();
    const [one, other] = [newState(), newState()];
    await save(home, one);
    fs.renameSync(fileOf(home, one.udf), fileOf(home, other.udf));
    expect(await errorCode(() => listProfiles(home))).toBe("state-corrupt");
    fs.renameSync(fileOf(home, other.udf), join(home.path, "profiles", "copy.json"));
    expect((await meshError(() => listProfiles(home))).message).toContain("copy.json");
  });
});
