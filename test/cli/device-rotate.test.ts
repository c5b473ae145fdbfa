import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { readProfile, type ProfileState } from "../../src/keystore/state.js";
import { en } from "../../src/messages/en/index.js";
import { CODE, connected, filePortal, machine, UDF, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { killedEverywhere, pictureOf, storeOf } from "../support/killed.js";
import { openWire } from "../support/wire.js";

const DAY = 24 * 60 * 60 * 1000;

const stateOf = (of: Machine): ProfileState => {
  const home = openHome(testDeps(), of.home);
  const [file = ""] = fs.readdirSync(path.join(of.home, "profiles"));
  return readProfile(home, file.replace(".json", ""))!;
};
const ownUdf = (of: Machine): string => stateOf(of).device.udf;

interface Listed {
  readonly udf: string;
  readonly name: string;
  readonly admin: boolean;
  readonly expires: string | null;
}
const devicesOf = async (of: Machine): Promise<readonly Listed[]> =>
  ((await of.ok("device list")).json as { devices: Listed[] }).devices;

const keysOf = async (of: Machine): Promise<readonly { kid: string; use: string }[]> =>
  ((await of.ok("keystore status")).json as { keys: { udf: string; use: string }[] }).keys.map(({ udf, use }) => ({
    kid: udf,
    use,
  }));

const workOf = async (of: Machine): Promise<readonly string[]> =>
  ((await of.ok("status")).json as { pendingWork: { kind: string }[] }).pendingWork.map(({ kind }) => kind);

const later = (of: Machine, milliseconds: number): Machine =>
  of.with({ deps: { now: () => new Date(Date.now() + milliseconds) } });

describe("device rotate", () => {
  test("asks for new keys, and goes on with the present ones until they are granted", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const old = ownUdf(phone);
    const asked = await phone.ok("device rotate");
    expect(asked.json).toEqual({
      status: "pending",
      code: CODE,
      account: "alice@example.com",
      device: { udf: UDF, name: "phone" },
      replaces: { udf: old },
      profile: { udf: UDF },
    });
    expect(ownUdf(phone)).toBe(old);
    expect(await keysOf(phone)).toHaveLength(8);
    expect(await workOf(phone)).toEqual(["rotate"]);
    const waiting = await phone.run("device status");
    expect([waiting.status, waiting.json]).toEqual([
      8,
      { status: "pending", code: asked.at("code"), expires: null, rotation: true },
    ]);
    // Run again it goes on with the same keys and code, and with the rest of its life.
    expect((await phone.ok("device rotate")).json).toEqual(asked.json);
    await phone.ok("profile verify");
    expect((await phone.ok("status")).json).toMatchObject({ connected: true });

    await admin.ok("device complete", asked.at("code"));
    const udf = asked.at("device", "udf");
    expect((await devicesOf(admin)).map((device) => [device.udf, device.name])).toEqual([
      [expect.any(String), "laptop"],
      [udf, "phone"],
    ]);
    expect((await phone.ok("device rotate")).json).toMatchObject({ status: "accepted", device: { udf }, code: null });
    expect(ownUdf(phone)).toBe(udf);
    const keys = await keysOf(phone);
    expect(keys).toHaveLength(4);
    expect(keys.map(({ kid }) => kid)).toContain(udf);
    expect(await workOf(phone)).toEqual([]);
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });

  test("is noticed by a command that unlocks nothing, and the old keys go with the next that does", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const { code, device } = (await phone.ok("device rotate")).json as { code: string; device: { udf: string } };
    await admin.ok("device complete", code);
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null, rotation: true });
    expect(ownUdf(phone)).toBe(device.udf);
    expect(await keysOf(phone)).toHaveLength(8);
    // It is no administrator, and yet it has looked.
    expect((await phone.run("device pending")).code).toBe("not-administrator");
    expect(await keysOf(phone)).toHaveLength(4);
  });

  test.each(["device list", "device show", "profile verify", "account create bob@example.com"])(
    "is noticed by %s",
    async (line) => {
      const portal = filePortal();
      const admin = await withAccount(portal);
      const phone = await connected(admin);
      const { code, device } = (await phone.ok("device rotate")).json as { code: string; device: { udf: string } };
      await admin.ok("device complete", code);
      const outcome = await phone.run(line);
      if (outcome.status !== 0) expect(outcome.code).toBe("not-administrator");
      expect(ownUdf(phone)).toBe(device.udf);
    },
  );

  test("waits for the answer", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    let code = "";
    const waiting = phone.with({
      deps: {
        sleep: async () => {
          if (code !== "") return;
          code = stateOf(phone).rotations?.[0]?.asked?.code ?? "";
          await admin.ok("device complete", code);
        },
      },
    });
    const done = await waiting.ok("device rotate --wait 60");
    expect(done.json).toMatchObject({ status: "accepted", device: { udf: ownUdf(phone) } });
    expect(done.stderr).toContain(code);
    expect(await keysOf(phone)).toHaveLength(4);
    const slow = await phone.run("device rotate --wait 0");
    expect([slow.status, slow.at("status")]).toEqual([8, "pending"]);
  });

  test("is approved without a person, and keeps name and expiry", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await admin.ok("device rename phone telephone");
    await admin.ok("device renew telephone --expires 30d");
    const [, before] = await devicesOf(admin);
    const asked = await phone.ok("device rotate");
    expect(asked.at("device", "name")).toBe("telephone");
    await admin.ok("device approve");
    const [, after] = await devicesOf(admin);
    expect(after).toMatchObject({ name: "telephone", udf: asked.at("device", "udf"), expires: before!.expires });
    expect((await phone.ok("device status")).json).toMatchObject({ status: "accepted", expires: before!.expires });
  });

  test("goes back to the old keys where it is refused", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const old = ownUdf(phone);
    const asked = await phone.ok("device rotate");
    await admin.ok("device complete", asked.at("code"), "--refuse");
    const refused = await phone.run("device rotate");
    expect([refused.status, refused.at("status")]).toEqual([5, "refused"]);
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect(ownUdf(phone)).toBe(old);
    expect(await workOf(phone)).toEqual([]);
    // It may ask again, and then it has other keys.
    const again = await phone.ok("device rotate");
    expect(again.at("code")).not.toBe(asked.at("code"));
    await admin.ok("device complete", again.at("code"));
    expect((await phone.ok("device rotate")).at("status")).toBe("accepted");
    expect(await keysOf(phone)).toHaveLength(4);
  });

  test("says that it was refused once, also by device status", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const asked = await phone.ok("device rotate");
    await admin.ok("device complete", asked.at("code"), "--refuse");
    const refused = await phone.run("device status");
    expect([refused.status, refused.json]).toEqual([5, { status: "refused", expires: null, rotation: true }]);
    expect((await phone.ok("device status")).at("status")).toBe("accepted");
  });

  test("lapses after a day; its keys stay another day, since somebody may have accepted them just then", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const asked = await phone.ok("device rotate");
    const tomorrow = later(phone, DAY + 1000);
    const lapsed = await tomorrow.run("device rotate");
    expect([lapsed.status, lapsed.at("status")]).toEqual([5, "expired"]);
    expect(await keysOf(phone)).toHaveLength(8);
    // By the administrator's clock the day is not over.
    await admin.ok("device complete", asked.at("code"));
    expect((await tomorrow.ok("device status")).at("status")).toBe("accepted");
    expect(ownUdf(phone)).toBe(asked.at("device", "udf"));

    const again = await phone.ok("device rotate");
    expect((await later(phone, DAY + 1000).run("device status")).at("status")).toBe("expired");
    await later(phone, 3 * DAY).run("device pending");
    expect(await keysOf(phone)).toHaveLength(4);
    expect(ownUdf(phone)).not.toBe(again.at("device", "udf"));
  });

  test("does not go on with its keys where the device itself lapses meanwhile", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await admin.ok("device renew phone --expires 1h");
    await phone.ok("device rotate");
    const lapsed = await later(phone, DAY / 12).text("device status");
    expect(lapsed.status).toBe(5);
    expect(lapsed.stdout).not.toContain(en["rotate.as-before"]);
    // It was the request alone that lapsed.
    await admin.ok("device renew phone --never");
    await phone.ok("device rotate");
    const asked = await later(phone, DAY + 1000).text("device status");
    expect(asked.status).toBe(5);
    expect(asked.stdout).toContain(en["rotate.as-before"]);
  });

  test("has nothing to hope for where the device is removed meanwhile", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await phone.ok("device rotate");
    await admin.ok("device remove phone");
    const status = await phone.run("device status");
    expect([status.status, status.at("status")]).toEqual([5, "removed"]);
    expect((await phone.run("device rotate")).code).toBe("not-connected");
  });

  test("is not for devices that are not connected, or have lapsed", async () => {
    const admin = await withAccount(filePortal());
    const nobody = machine();
    expect((await nobody.run("device rotate")).code).toBe("profile-not-found");
    const phone = await connected(admin);
    await admin.ok("device renew phone --expires 1h");
    const late = await later(phone, DAY).run("device rotate");
    expect([late.code, late.status]).toEqual(["device-expired", 5]);
    expect(await keysOf(phone)).toHaveLength(4);
  });

  test("keeps what is asked for through device connect", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const asked = await phone.ok("device rotate");
    const connect = ["device connect alice@example.com --no-passphrase --portal", portal] as const;
    expect((await phone.ok(...connect)).at("status")).toBe("accepted");
    expect((await phone.run("device status")).at("status")).toBe("pending");
    await admin.ok("device complete", asked.at("code"));
    expect((await phone.ok(...connect)).at("status")).toBe("accepted");
    expect(ownUdf(phone)).toBe(asked.at("device", "udf"));
  });
});

describe("device rotate of an administrator", () => {
  test("takes no other device where the master key is here", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const old = ownUdf(admin);
    const done = await admin.ok("device rotate");
    expect(done.json).toMatchObject({ status: "accepted", code: null, replaces: { udf: old } });
    expect(ownUdf(admin)).toBe(done.at("device", "udf"));
    expect(ownUdf(admin)).not.toBe(old);
    const keys = await keysOf(admin);
    expect(keys.map(({ use }) => use).sort()).toEqual([
      "device-authentication",
      "device-encryption",
      "device-signature",
      "master-escrow",
      "master-signature",
      "online-signature",
    ]);
    expect((await admin.ok("status")).json).toMatchObject({
      profile: { masterSequence: 2, sequence: 1 },
      admin: true,
      connected: true,
      pendingWork: [],
    });
    expect((await phone.ok("profile verify")).json).toMatchObject({ ok: true });
    await admin.ok("device rename phone telephone");
  });

  test("takes shares where the master key is not", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin, "tablet", ["--admin"]);
    await admin.ok("escrow split --shares 3 --threshold 2 --out recovery --erase-master");
    const asked = await admin.ok("device rotate");
    expect(asked.at("status")).toBe("pending");
    const done = await admin.ok(
      "device rotate --share-file recovery/share-1-of-3.txt --share-file recovery/share-3-of-3.txt",
    );
    // The keys are those that it had made before.
    expect(done.json).toMatchObject({ status: "accepted", device: { udf: asked.at("device", "udf") } });
    expect(await keysOf(admin)).toHaveLength(4);
    expect((await admin.ok("status")).json).toMatchObject({ admin: true });
  });

  test("is not asked for where there is nobody who could grant it", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    await admin.ok("escrow split --shares 3 --threshold 2 --out recovery --erase-master");
    const refused = await admin.run("device rotate");
    expect([refused.code, refused.status]).toEqual(["master-key-needed", 5]);
    expect(await keysOf(admin)).toHaveLength(4);
  });

  test("is granted by another administrator", async () => {
    const admin = await withAccount(filePortal());
    const tablet = await connected(admin, "tablet", ["--admin"]);
    const asked = await tablet.ok("device rotate");
    const left = await admin.ok("device approve");
    expect(left.json).toMatchObject({ approved: [], left: [{ reason: "master-key-needed" }] });
    await admin.ok("device complete", asked.at("code"));
    // Its very next command works, whatever it is.
    await tablet.ok("device rename laptop portable");
    expect(ownUdf(tablet)).toBe(asked.at("device", "udf"));
    expect((await tablet.ok("status")).json).toMatchObject({ admin: true });
    expect(await keysOf(tablet)).toHaveLength(4);
  });

  test("ends open invites, and says so", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("device invite --out pin.txt");
    const done = await admin.text("device rotate");
    expect(done.status).toBe(0);
    expect(done.stderr).toContain("meshman device invite");
  });

  test("reaches every portal", async () => {
    const [first, second] = [filePortal(), filePortal()];
    const admin = await withAccount(first);
    await admin.ok("account create alice@other.example --portal", second);
    await admin.ok("device rotate");
    expect((await admin.ok("account status alice@other.example")).json).toMatchObject({ sequence: 1 });
    expect(await workOf(admin)).toEqual([]);
    await admin.ok("account delete alice@other.example --confirm alice@other.example");
  });
});

describe("device rotate that was cut off", () => {
  test("is finished by running it again, wherever it was killed", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const restore = pictureOf(admin.folder, phone.folder, storeOf(portal));
    await killedEverywhere(phone, "device rotate", restore, async (_, n) => {
      const again = await phone.ok("device rotate");
      expect(again.at("status"), `at ${n}`).toBe("pending");
      const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
      expect(pending.map(({ code }) => code)).toEqual([again.at("code")]);
      await admin.ok("device complete", again.at("code"));
      expect((await phone.ok("device rotate")).at("status")).toBe("accepted");
      expect(await keysOf(phone)).toHaveLength(4);
    });
  });

  test("by the change of keys leaves the device connected, wherever it was killed", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const { code, device } = (await phone.ok("device rotate")).json as { code: string; device: { udf: string } };
    await admin.ok("device complete", code);
    const restore = pictureOf(phone.folder, storeOf(portal));
    for (const line of ["device rotate", "device status"]) {
      await killedEverywhere(phone, line, restore, async (_, n) => {
        expect((await phone.ok("device status")).at("status"), `${line} at ${n}`).toBe("accepted");
        await phone.run("device pending");
        expect(ownUdf(phone)).toBe(device.udf);
        expect(await keysOf(phone)).toHaveLength(4);
      });
    }
  });

  test("on an administrator leaves an administrator, wherever it was killed", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const restore = pictureOf(admin.folder, storeOf(portal));
    await killedEverywhere(admin, "device rotate", restore, async (_, n) => {
      expect((await admin.ok("device rotate")).at("status"), `at ${n}`).toBe("accepted");
      expect((await admin.ok("status")).json).toMatchObject({ admin: true, connected: true, pendingWork: [] });
      expect(await keysOf(admin)).toHaveLength(6);
      await admin.ok("device pending");
    });
  });
});

test.each(["device rotate", "device connect"])(
  "%s asks again while it waits, lest the portal has dropped the request",
  async (verb) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const asker = verb === "device rotate" ? await connected(admin) : machine();
    const began = wire.seen.filter((name) => name === "ConnectStart").length;
    let passed = 0;
    const waiting = asker.with({
      deps: {
        now: () => new Date(Date.now() + passed),
        sleep: async (milliseconds) => void (passed += milliseconds),
      },
    });
    const words =
      verb === "device rotate" ? "" : ` alice@example.com --portal ${wire.url} --trust-on-first-use --no-passphrase`;
    expect(await waiting.run(`${verb}${words} --wait 40`)).toMatchObject({ status: 8 });
    expect(wire.seen.filter((name) => name === "ConnectStart").length - began).toBeGreaterThanOrEqual(3);
  },
);
