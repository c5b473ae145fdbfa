import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { asking, connected, filePortal, machine, TIME, UDF, withAccount, type Machine } from "../support/cli.js";
import { add, change, passwordOf, passwords, set } from "../support/applications.js";

const one = (outcome: { readonly json: unknown }, name: string): Record<string, unknown>[] =>
  (outcome.json as Record<string, Record<string, unknown>[]>)[name] ?? [];

/** Files of applications in a home, by the ends of their names. */
const kept = (of: Machine): string[] => {
  const folder = path.join(of.home, "applications");
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .map((name) => path.extname(name))
    .sort();
};

describe("app create, list and show", () => {
  test("makes an application that all devices may read and change", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    expect((await laptop.ok("app list")).json).toEqual({ applications: [] });
    const made = await laptop.ok("app create passwords");
    expect(made.json).toEqual({ application: { identifier: UDF, name: "passwords", type: "PasswordProfile" } });
    await laptop.ok("app create passwords --name work");
    expect((await laptop.ok("app list")).json).toEqual({
      applications: [
        {
          identifier: made.at("application", "identifier"),
          name: "passwords",
          type: "PasswordProfile",
          entries: 0,
          conflicts: 0,
          access: "write",
          waiting: 0,
          devices: ["laptop", "phone"],
        },
        expect.objectContaining({ name: "work", access: "write" }),
      ],
    });
    expect((await phone.ok("app list")).json).toMatchObject({ applications: [{ entries: null, access: "write" }, {}] });
    await phone.ok("sync");
    expect((await phone.ok("app list --offline")).json).toMatchObject({
      applications: [{ entries: 0 }, { entries: 0 }],
    });
  });

  test("shows who may read it and what is known of it", async () => {
    const laptop = await withAccount(filePortal());
    await connected(laptop);
    await add(laptop, "example.com", "one");
    const shown = await laptop.ok("app show passwords");
    expect(shown.json).toEqual({
      application: { identifier: UDF, name: "passwords", type: "PasswordProfile" },
      readers: [
        { udf: UDF, name: "laptop" },
        { udf: UDF, name: "phone" },
      ],
      writers: [
        { udf: UDF, name: "laptop" },
        { udf: UDF, name: "phone" },
      ],
      sequence: 2,
      updated: TIME,
      entries: 1,
      conflicts: 0,
      segments: 1,
      waiting: 0,
      exposures: [],
    });
    expect((await laptop.text("app show passwords --offline")).stdout).toContain("passwords");
    expect((await laptop.ok("app show", shown.at("application", "identifier"))).json).toEqual(shown.json);
  });

  test.each([
    ["a type that nobody knows", "app create cars", "usage"],
    ["a name that is taken", "app create passwords", "application-exists"],
    ["an empty name", "app create passwords --name=", "usage"],
    ["an application that is not there", "app show work", "application-not-found"],
    ["the history of one that is not there", "app history work", "application-not-found"],
    ["conflicts of one that is not there", "app conflicts work", "application-not-found"],
    ["to synchronise one that is not there", "sync --app work", "application-not-found"],
    ["a new name that is taken", "app rename work passwords", "application-not-found"],
    ["to settle what is no conflict", "app resolve passwords example.com --keep current", "entry-not-found"],
  ])("refuses %s", async (_, line, code) => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    expect((await laptop.run(line)).code).toBe(code);
  });

  test("is for administration devices", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    // What helps is the application, and not the same command on an administration device.
    const early = await phone.run("ssh add");
    expect(early.code).toBe("not-administrator");
    expect(early.json).toMatchObject({ error: { hint: expect.stringContaining("meshman app create") } });
    await laptop.ok("app create passwords");
    for (const line of [
      "app create passwords --name work",
      "app rename passwords work",
      "app delete passwords --confirm passwords",
    ]) {
      expect((await phone.run(line)).code).toBe("not-administrator");
    }
    expect((await machine().run("app list")).code).toBe("profile-not-found");
    const { device } = await asking(laptop, "tablet");
    expect((await device.run("sync")).code).toBe("not-connected");
    const lonely = machine();
    await lonely.ok("profile create --no-passphrase");
    expect((await lonely.run("sync")).code).toBe("account-not-found");
    expect((await lonely.run("app create passwords")).code).toBe("account-not-found");
  });
});

describe("app rename", () => {
  test("gives an application another name on every device", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    expect((await laptop.ok("app rename passwords home")).json).toMatchObject({ application: { name: "home" } });
    // Doing it again changes nothing.
    await laptop.ok("app rename home home");
    expect(await passwords(laptop, { name: "home" })).toEqual({ "example.com": "one" });
    await phone.ok("sync");
    expect(await passwords(phone, { name: "home" })).toEqual({ "example.com": "one" });
    await laptop.ok("app create passwords");
    expect((await laptop.run("app rename passwords home")).code).toBe("application-exists");
  });
});

describe("app delete", () => {
  test("takes an application from every device", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await add(phone, "example.org", "two", { offline: true });
    expect((await laptop.run("app delete passwords")).code).toBe("input-required");
    expect((await laptop.run("app delete passwords --confirm work")).code).toBe("input-required");
    expect(kept(laptop)).toEqual([".segment", ".state"]);
    expect((await laptop.ok("app delete passwords --confirm passwords")).json).toMatchObject({
      deleted: true,
      dropped: 0,
      application: { name: "passwords" },
    });
    expect(kept(laptop)).toEqual([]);
    expect((await laptop.ok("app list")).json).toEqual({ applications: [] });
    expect(kept(phone)).toEqual([".queue", ".segment", ".state"]);
    const synced = await phone.ok("sync");
    expect(synced.json).toEqual({ applications: [] });
    expect(synced.stderr).not.toBe("");
    expect(kept(phone)).toEqual([]);
    expect((await phone.run("sync --app passwords")).code).toBe("application-not-found");
  });

  test("goes with the profile", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await add(laptop, "example.org", "two", { offline: true });
    expect(kept(laptop)).toEqual([".queue", ".segment", ".state"]);
    await laptop.ok("profile delete --confirm default");
    expect(kept(laptop)).toEqual([]);
  });
});

describe("app history", () => {
  test("lists the versions with who made them", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await add(phone, "example.org", "two");
    const versions = one(await laptop.ok("app history passwords"), "versions");
    expect(versions.map(({ sequence, device }) => [sequence, (device as { name: string } | null)?.name])).toEqual([
      [3, "phone"],
      [2, "laptop"],
      [1, "laptop"],
    ]);
    expect(versions[0]).toEqual({
      sequence: 3,
      updated: TIME,
      signer: UDF,
      device: { udf: UDF, name: "phone" },
      profileVersion: expect.stringMatching(/^1\.\d+$/) as string,
      segments: 1,
    });
    expect((await laptop.text("app history passwords")).stdout).toContain("phone");
  });
});

describe("conflicts", () => {
  /** The same entry was changed on both devices. */
  const conflicting = async (): Promise<{ laptop: Machine; phone: Machine }> => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await set(laptop, "example.com", "laptop's");
    await set(phone, "example.com", "phone's");
    await laptop.ok("sync");
    return { laptop, phone };
  };

  test("are kept, shown without secrets, and settled", async () => {
    const { laptop, phone } = await conflicting();
    expect(await passwords(laptop)).toEqual({ "example.com": "laptop's|phone's" });
    expect(await passwords(phone)).toEqual({ "example.com": "laptop's|phone's" });
    const shown = await laptop.ok("app conflicts");
    expect(shown.json).toEqual({
      conflicts: [
        {
          application: { identifier: UDF, name: "passwords", type: "PasswordProfile" },
          entry: expect.any(String) as string,
          labels: ["example.com", "alice"],
          versions: [
            {
              version: "current",
              stamp: expect.any(String) as string,
              current: true,
              deleted: false,
              updated: TIME,
              device: { udf: UDF, name: "laptop" },
              differs: [],
            },
            {
              version: expect.any(String) as string,
              stamp: expect.any(String) as string,
              current: false,
              deleted: false,
              updated: TIME,
              device: { udf: UDF, name: "phone" },
              differs: ["Password"],
            },
          ],
        },
      ],
    });
    expect((await laptop.text("app conflicts passwords")).stdout).not.toContain("phone's");
    const { stdout } = await laptop.text("app conflicts --show");
    // A line for each member, and a block for each version.
    for (const line of [/^Password +laptop's$/m, /^Password +phone's$/m, /^Sites +example\.com$/m]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).not.toMatch(/["[{]/);
    expect(stdout.split("\n\n")).toHaveLength(2);
    expect((await laptop.ok("status")).status).toBe(0);
    const stamp = shown.at("conflicts", 0, "versions", 1, "stamp");
    expect(shown.at("conflicts", 0, "versions", 1, "version")).toBe(stamp);
    expect((await laptop.run("app resolve passwords example.com --keep nothing")).code).toBe("usage");
    const settled = await laptop.ok("app resolve passwords example.com --keep", stamp);
    expect(settled.json).toMatchObject({ synced: true, kept: stamp, deleted: false, conflicts: [] });
    expect((await laptop.ok("app conflicts")).json).toEqual({ conflicts: [] });
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "phone's" });
  });

  test("are settled on both devices at once, offline, without coming back", async () => {
    const { laptop, phone } = await conflicting();
    await laptop.ok("app resolve passwords example.com --keep current --offline");
    await phone.ok("app resolve passwords example.com --keep current --offline");
    for (const device of [laptop, phone, laptop, phone]) await device.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "laptop's" });
    expect(await passwords(phone)).toEqual({ "example.com": "laptop's" });
  });

  test("where one device deletes what the other changes, neither is lost", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await change(laptop, () =>
      ["example.com", "example.org"].map((site) => ({ put: passwordOf(site, "alice", "one") })),
    );
    await phone.ok("sync");
    await set(laptop, "example.com", "two");
    await set(phone, "example.com", undefined);
    await set(laptop, "example.org", undefined);
    await set(phone, "example.org", "two");
    await laptop.ok("sync");
    for (const device of [laptop, phone]) {
      expect(await passwords(device)).toEqual({ "example.com": "two|-", "example.org": "two|-" });
    }
    const conflicts = one(await laptop.ok("app conflicts"), "conflicts");
    expect(conflicts.length).toBe(2);
    const deleted = (conflicts[0]?.["versions"] as { stamp: string; deleted: boolean }[]).find(
      (version) => version.deleted,
    );
    const entry = String(conflicts[0]?.["entry"]);
    expect((await laptop.ok("app resolve passwords", entry, "--keep", deleted?.stamp ?? "")).json).toMatchObject({
      deleted: true,
    });
    await phone.ok("sync");
    expect(Object.keys(await passwords(phone)).length).toBe(1);
  });
});
