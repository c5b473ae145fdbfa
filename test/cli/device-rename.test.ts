import { describe, expect, test } from "vitest";
import { en } from "../../src/messages/en/index.js";
import { asking, connected, filePortal, machine, UDF, withAccount, type Machine } from "../support/cli.js";
import { openWire } from "../support/wire.js";

const namesOf = async (of: Machine): Promise<readonly string[]> =>
  ((await of.ok("device list")).json as { devices: { name: string }[] }).devices.map(({ name }) => name);

describe("device rename", () => {
  test("gives a device another name, by its name or fingerprint", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const done = await admin.ok("device rename phone telephone");
    expect(done.json).toEqual({ device: { udf: UDF, name: "telephone" }, masterSequence: 1, sequence: 4 });
    expect(await namesOf(phone)).toEqual(["laptop", "telephone"]);
    await admin.ok("device rename", done.at("device", "udf"), "Alice's phone");
    expect(await namesOf(phone)).toEqual(["laptop", "Alice's phone"]);
    expect((await phone.ok("status")).at("device", "name")).toBe("Alice's phone");
    // Itself as well.
    await admin.ok("device rename laptop portable");
    expect(await namesOf(admin)).toEqual(["portable", "Alice's phone"]);
  });

  test("does nothing where the device has that name", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    expect((await admin.ok("device rename phone phone")).json).toMatchObject({ sequence: 3 });
  });

  test("says where several devices have the name now, which means none of them any more", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    const note = en["device.name-shared"].split("{")[0]!;
    const first = await admin.ok("device rename phone laptop");
    expect(first.stderr).toContain(note);
    expect(await namesOf(admin)).toEqual(["laptop", "laptop"]);
    for (const line of ["device show laptop", "device remove laptop", "device rename laptop other"]) {
      expect(await admin.run(line)).toMatchObject({ code: "device-ambiguous", status: 2 });
    }
    const after = await admin.ok("device rename", first.at("device", "udf"), "phone");
    expect(after.stderr).not.toContain(note);
    // One that comes with the name of another, too.
    const { device, code } = await asking(admin, "phone");
    expect((await admin.ok("device complete", code)).stderr).toContain(note);
    await device.ok("device status");
    const made = await admin.ok("device preconfigure --name laptop --out laptop.bundle");
    expect(made.stderr).toContain(note);
  });

  test.each([
    ["no such device", ["tablet", "other"], "device-not-found", 3],
    ["an empty name", ["phone", " "], "usage", 2],
    ["a name that is too long", ["phone", "x".repeat(65)], "usage", 2],
    ["a name that hides something", ["phone", "a\u202eb"], "usage", 2],
    ["a fingerprint as a name", ["phone", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"], "usage", 2],
    ["one word", ["phone"], "usage", 2],
  ] as const)("refuses %s", async (_, words, code, status) => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    const refused = await admin.run("device rename", ...words);
    expect([refused.code, refused.status]).toEqual([code, status]);
    expect(await namesOf(admin)).toEqual(["laptop", "phone"]);
  });

  test("is for administration devices", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect((await phone.run("device rename phone telephone")).code).toBe("not-administrator");
    expect((await machine().run("device rename phone telephone")).code).toBe("profile-not-found");
  });

  test("is made again on top of what another administrator has changed", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const tablet = await connected(admin, "tablet", ["--admin"]);
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction !== "Publish") return forward();
      wire.intercept = undefined;
      await tablet.ok("device rename laptop portable");
      return forward();
    };
    await admin.ok("device rename tablet slate");
    expect(await namesOf(admin)).toEqual(["portable", "slate"]);
  });

  test("is finished by the same command where the answer was lost", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await connected(admin);
    wire.intercept = async ({ transaction, forward }) => {
      const reply = await forward();
      return transaction === "Publish" ? "drop" : reply;
    };
    expect((await admin.run("device rename phone telephone")).status).toBe(6);
    wire.intercept = undefined;
    expect((await admin.ok("device rename phone telephone")).json).toMatchObject({ sequence: 4 });
    expect(await namesOf(admin)).toEqual(["laptop", "telephone"]);
    // A name that it had once is none that it has.
    expect((await admin.run("device rename phone tel")).code).toBe("device-not-found");
  });
});
