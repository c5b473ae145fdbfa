import { describe, expect, test } from "vitest";
import { readPersonal, type ApplicationEntry } from "../../src/mesh/records/personal.js";
import { add, passwords, set } from "../support/applications.js";
import { asking, connected, filePortal, machine, put, UDF, withAccount, type Machine } from "../support/cli.js";

const entriesOf = async (of: Machine): Promise<readonly ApplicationEntry[]> => {
  await of.ok("account status");
  const { json } = await of.ok("profile export");
  return readPersonal((json as { SignedPersonalProfile: unknown }).SignedPersonalProfile).applications;
};

const own = async (of: Machine): Promise<string> => (await of.ok("profile show")).at("device", "udf");

/** A person with a laptop and a password. */
const withPassword = async (portal = filePortal()): Promise<Machine> => {
  const admin = await withAccount(portal);
  await add(admin, "example.com", "one");
  return admin;
};

/** What a device may do, as the profile says: r, rw, or nothing, by the names of applications. */
const rightsOf = async (admin: Machine, device: Machine): Promise<Record<string, string>> => {
  const udf = await own(device);
  return Object.fromEntries(
    (await entriesOf(admin)).map(({ Friendly = "", AdminDeviceUDF, DecryptDeviceUDF }) => [
      Friendly,
      `${DecryptDeviceUDF?.includes(udf) ? "r" : ""}${AdminDeviceUDF?.includes(udf) ? "w" : ""}`,
    ]),
  );
};

describe("a device that is connected", () => {
  test("gets every application, and the passwords with them", async () => {
    const admin = await withPassword();
    const { device: phone, code } = await asking(admin);
    const done = await admin.ok("device complete", code);
    expect(done.json).toMatchObject({ result: "Accepted", applications: ["passwords"] });
    await phone.ok("device status");
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "rw" });
    // And may change them, though it is no administrator.
    await set(phone, "example.com", "two");
    await admin.ok("sync");
    expect(await passwords(admin)).toEqual({ "example.com": "two" });
    expect((await phone.run("device rename laptop desk")).code).toBe("not-administrator");
  });

  test("gets those that are named", async () => {
    const admin = await withPassword();
    await admin.ok("app create password --name work");
    const phone = await connected(admin, "phone", ["--grant", "work"]);
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "", work: "rw" });
    await expect(passwords(phone, { offline: false, name: "passwords" })).rejects.toMatchObject({
      code: "application-denied",
    });
    expect(await passwords(phone, { offline: false, name: "work" })).toEqual({});
    const [identifier] = (await entriesOf(admin)).map(({ Identifier }) => Identifier);
    const desk = await connected(admin, "desk", ["--grant", identifier!.toLowerCase(), "--grant", "work"]);
    expect(await rightsOf(admin, desk)).toEqual({ passwords: "rw", work: "rw" });
  });

  test("gets none with --no-grant, and later what it is named for", async () => {
    const admin = await withPassword();
    const { device: phone, code } = await asking(admin);
    expect((await admin.ok("device complete --no-grant", code)).json).toMatchObject({ applications: [] });
    await phone.ok("device status");
    await expect(passwords(phone, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
    expect((await admin.ok("device complete", code)).json).toMatchObject({ applications: [] });
    expect((await admin.ok("device complete --grant passwords", code)).json).toMatchObject({
      applications: ["passwords"],
    });
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
  });

  test.each([
    ["an application that is not there", ["--grant", "nothing"], "application-not-found", 3],
    ["applications for a device that is refused", ["--refuse", "--grant", "passwords"], "usage", 2],
    ["none of them for a device that is refused", ["--refuse", "--no-grant"], "usage", 2],
  ] as const)("is not given %s", async (_, words, code, status) => {
    const admin = await withPassword();
    const asked = await asking(admin);
    const refused = await admin.run("device complete", asked.code, ...words);
    expect([refused.code, refused.status]).toEqual([code, status]);
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }] });
  });

  test("of two options that say the opposite the last counts", async () => {
    const admin = await withPassword();
    const phone = await connected(admin, "phone", ["--no-grant", "--grant", "passwords"]);
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "rw" });
    const desk = await connected(admin, "desk", ["--grant", "passwords", "--no-grant"]);
    expect(await rightsOf(admin, desk)).toEqual({ passwords: "" });
  });
});

describe("a device that is invited", () => {
  const join = async (admin: Machine, words: readonly string[]): Promise<Machine> => {
    const made = await admin.ok("device invite", ...words);
    return joinBy(admin, made.at("pin"));
  };
  const joinBy = async (admin: Machine, pin: string): Promise<Machine> => {
    const device = machine();
    const portal = (await admin.ok("profile show")).at("accounts", 0, "portal");
    put(device, "pin", pin);
    await device.ok("device connect alice@example.com --no-passphrase --pin-file pin --portal", portal);
    await admin.ok("device approve");
    await device.ok("device status");
    return device;
  };

  test("gets what there was when the invite was made, and nothing that came later", async () => {
    const admin = await withPassword();
    const made = await admin.ok("device invite --uses 2");
    expect(made.json).toMatchObject({ applications: ["passwords"] });
    await admin.ok("app create password --name work");
    expect((await admin.ok("device invites")).json).toMatchObject({ invites: [{ applications: ["passwords"] }] });
    const phone = await joinBy(admin, made.at("pin"));
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "rw", work: "" });
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
    // One that is gone by then is no obstacle.
    await admin.ok("app delete passwords --confirm passwords");
    expect(await rightsOf(admin, await joinBy(admin, made.at("pin")))).toEqual({ work: "" });
  });

  test("gets what the invite names, or nothing", async () => {
    const admin = await withPassword();
    await admin.ok("app create password --name work");
    expect(await rightsOf(admin, await join(admin, ["--grant", "work"]))).toEqual({ passwords: "", work: "rw" });
    expect(await rightsOf(admin, await join(admin, ["--no-grant"]))).toEqual({ passwords: "", work: "" });
    expect((await admin.run("device invite --grant nothing")).code).toBe("application-not-found");
  });

  test("gets what the invite says also where a person completes it, unless that one says otherwise", async () => {
    const admin = await withPassword();
    const portal = (await admin.ok("profile show")).at("accounts", 0, "portal");
    const ask = async (): Promise<{ device: Machine; code: string }> => {
      const device = machine();
      put(device, "pin", (await admin.ok("device invite --no-grant")).at("pin"));
      const words = ["--no-passphrase", "--pin-file", "pin", "--portal", portal];
      const asked = await device.ok("device connect alice@example.com", ...words);
      return { device, code: asked.at("code") };
    };
    const [one, two] = [await ask(), await ask()];
    expect((await admin.ok("device complete", one.code)).json).toMatchObject({ applications: [] });
    expect((await admin.ok("device complete --grant passwords", two.code)).json).toMatchObject({
      applications: ["passwords"],
    });
  });
});

describe("a device that is preconfigured", () => {
  const install = async (admin: Machine, words: readonly string[]): Promise<Machine> => {
    const runner = machine();
    await admin.ok("device preconfigure --name runner --out bundle --key-out key", ...words);
    const files = ["bundle", "key"].map((name) => `${admin.folder}/${name}`);
    await runner.ok("device install", files[0]!, "--key-file", files[1]!, "--no-passphrase");
    return runner;
  };

  test("reads everything at once", async () => {
    const admin = await withPassword();
    const runner = await install(admin, []);
    expect(await passwords(runner, { offline: false })).toEqual({ "example.com": "one" });
  });

  test("reads what it is granted, also with new keys", async () => {
    const admin = await withPassword();
    await admin.ok("app create password --name work");
    const runner = await install(admin, ["--grant", "work"]);
    await runner.ok("device rotate");
    await admin.ok("device approve");
    await runner.ok("device status");
    expect(await rightsOf(admin, runner)).toEqual({ passwords: "", work: "rw" });
    expect(await passwords(runner, { offline: false, name: "work" })).toEqual({});
  });

  test("reads nothing with --no-grant", async () => {
    const admin = await withPassword();
    const runner = await install(admin, ["--no-grant"]);
    await expect(passwords(runner, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
  });
});

describe("app grant and app revoke", () => {
  test("by name or fingerprint, for several devices, and twice is once", async () => {
    const admin = await withPassword();
    const [phone, desk] = [
      await connected(admin, "phone", ["--no-grant"]),
      await connected(admin, "desk", ["--no-grant"]),
    ];
    const done = await admin.ok("app grant phone --app passwords", await own(desk));
    expect(done.json).toEqual({
      application: { identifier: UDF, name: "passwords", type: "PasswordProfile" },
      devices: [
        { udf: await own(phone), name: "phone", write: true },
        { udf: await own(desk), name: "desk", write: true },
      ],
      settled: "granted",
    });
    for (const device of [phone, desk]) {
      expect(await passwords(device, { offline: false })).toEqual({ "example.com": "one" });
    }
    const before = await admin.ok("account status");
    expect((await admin.ok("app grant phone desk --app passwords")).json).toMatchObject({ settled: "current" });
    expect((await admin.ok("account status")).json).toEqual(before.json);
  });

  test("--read-only: it reads, and changes nothing", async () => {
    const admin = await withPassword();
    const phone = await connected(admin, "phone", ["--no-grant"]);
    expect((await admin.ok("app grant phone --app passwords --read-only")).json).toMatchObject({
      devices: [{ name: "phone", write: false }],
    });
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
    await expect(set(phone, "example.com", "two")).rejects.toMatchObject({ code: "application-denied" });
    // And back and forth.
    await admin.ok("app grant phone --app passwords");
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "rw" });
    await phone.ok("sync");
    await set(phone, "example.com", "two");
    await admin.ok("app grant phone --app passwords --read-only");
    await phone.ok("sync");
    await expect(set(phone, "example.com", "three")).rejects.toMatchObject({ code: "application-denied" });
    await admin.ok("sync");
    expect(await passwords(admin)).toEqual({ "example.com": "two" });
  });

  test("revoked, it reads nothing that comes later, and keeps nothing", async () => {
    const admin = await withPassword();
    const phone = await connected(admin);
    await phone.ok("sync");
    const done = await admin.ok("app revoke phone --app passwords");
    expect(done.json).toEqual({
      application: { identifier: UDF, name: "passwords", type: "PasswordProfile" },
      device: { udf: UDF, name: "phone" },
      settled: "rekeyed",
    });
    expect(await rightsOf(admin, phone)).toEqual({ passwords: "" });
    await phone.ok("sync");
    await expect(passwords(phone)).rejects.toMatchObject({ code: "application-not-found" });
    await expect(passwords(phone, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
    expect((await admin.ok("app revoke phone --app passwords")).json).toMatchObject({ settled: "current" });
    // It may come back.
    await admin.ok("app grant phone --app passwords");
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
  });

  test("the last device that reads an application keeps it", async () => {
    const admin = await withPassword();
    const alone = await admin.run("app revoke laptop --app passwords");
    expect([alone.code, alone.status]).toEqual(["application-denied", 5]);
    const phone = await connected(admin);
    await phone.ok("sync");
    // This device may give it up where another one has it.
    await admin.ok("app revoke laptop --app passwords");
    expect((await admin.run("app revoke phone --app passwords")).code).toBe("application-denied");
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
  });

  test("the last device that reads an application is not removed by one that cannot save it", async () => {
    const admin = await withPassword();
    const shares = await admin.ok("escrow split --shares 2 --threshold 2 --erase-master");
    const phone = await connected(admin);
    await phone.ok("sync");
    await admin.ok("app revoke laptop --app passwords");
    const refused = await admin.run("device remove phone --yes");
    expect([refused.code, refused.status]).toEqual(["application-denied", 5]);
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
    // With the master keys, to which everything is encrypted, nothing is lost.
    const stdin = (shares.json as { shares: string[] }).shares.join("\n");
    await admin.with({ stdin }).ok("escrow recover");
    await admin.ok("device remove phone --yes");
    await admin.ok("app grant laptop --app passwords");
    expect(await passwords(admin, { offline: false })).toEqual({ "example.com": "one" });
  });

  test("only administrators of the profile do that", async () => {
    const admin = await withPassword();
    const phone = await connected(admin);
    expect((await phone.run("app grant laptop --app passwords")).code).toBe("not-administrator");
    expect((await phone.run("app revoke laptop --app passwords")).code).toBe("not-administrator");
    expect((await machine().run("app grant laptop --app passwords")).code).toBe("profile-not-found");
  });

  test.each([
    ["grant nobody --app passwords", "device-not-found", 3],
    ["revoke nobody --app passwords", "device-not-found", 3],
    ["grant laptop --app nothing", "application-not-found", 3],
    ["revoke laptop --app nothing", "application-not-found", 3],
    ["grant laptop", "usage", 2],
    ["grant --app passwords", "usage", 2],
    ["revoke laptop", "usage", 2],
  ] as const)("app %s", async (line, code, status) => {
    const refused = await (await withPassword()).run(`app ${line}`);
    expect([refused.code, refused.status]).toEqual([code, status]);
  });

  test("an administrator that cannot read an application cannot hand it on", async () => {
    const admin = await withPassword();
    const desk = await connected(admin, "desk", ["--admin", "--no-grant"]);
    const { device: phone, code } = await asking(admin);
    // By default it hands on what it can, and says what it left out.
    const done = await desk.ok("device complete", code);
    expect(done.json).toMatchObject({ result: "Accepted", applications: [] });
    expect(done.stderr).toContain("passwords");
    await phone.ok("device status");
    for (const line of ["app grant phone --app passwords", "device invite --grant passwords"]) {
      const refused = await desk.run(line);
      expect([line, refused.code, refused.status]).toEqual([line, "application-denied", 5]);
    }
    // It may take away, and who can read does the rest.
    await admin.ok("app grant phone --app passwords");
    expect(await passwords(phone, { offline: false })).toEqual({ "example.com": "one" });
    expect((await desk.ok("app revoke phone --app passwords")).json).toMatchObject({ settled: "waiting" });
    await set(admin, "example.com", "two");
    await phone.ok("sync");
    await expect(passwords(phone, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
    expect((await admin.ok("app exposure phone")).json).toMatchObject({ entries: [] });
  });
});
