import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore, type Keystore } from "../../src/keystore/keystore.js";
import { createInvite, openInvite } from "../../src/mesh/invite.js";
import { nextPersonal, recordTime, type PersonalChange } from "../../src/mesh/profile.js";
import { findDevice, readPersonal, type Invite, type PersonalProfile } from "../../src/mesh/records/personal.js";
import { openEmbeddedPortal } from "../../src/portal/embedded.js";
import { connected, filePortal, machine, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";

// What the commands that change a profile do to the invites in it and to the devices that have lapsed.

const unlocked = (of: Machine): Promise<Keystore> => unlockKeystore(openHome(testDeps(), path.join(of.folder, "home")));

const profileOf = async (of: Machine): Promise<PersonalProfile> => {
  const exported = JSON.parse((await of.ok("profile export")).stdout) as { SignedPersonalProfile: unknown };
  return readPersonal(exported.SignedPersonalProfile);
};

/** Publishes a change that no command makes. */
const publish = async (of: Machine, portal: string, change: PersonalChange, now = new Date()): Promise<void> => {
  const keystore = await unlocked(of);
  const kid = keystore.facts.find(({ use }) => use === "online-signature")?.kid ?? "";
  const next = nextPersonal(keystore.get(kid, "online-signature"), await profileOf(of), change, now);
  const open = await openEmbeddedPortal(portal.replace(/^file:/, ""), { now: () => new Date(), random: randomBytes });
  const body = Buffer.from(JSON.stringify({ PublishRequest: { Entry: { SignedPersonalProfile: next.record } } }));
  const request = { method: "POST", path: "/.well-known/mmm/", headers: {}, body, address: "embedded" };
  expect((await open.handle({ ...request, authority: open.authority })).status).toBe(201);
  await open.close();
  await of.ok("device pending");
};

const invitesOf = async (of: Machine): Promise<readonly Invite[]> => (await profileOf(of)).invites;

/** An owner whose profile has an invite that is open and one that is used up. */
const inviting = async () => {
  const portal = filePortal();
  const owner = await withAccount(portal);
  const options = { uses: 1, notOnOrAfter: new Date(Date.now() + 900_000) };
  const profile = await profileOf(owner);
  const made = await Promise.all([1, 2].map(() => createInvite(profile, options, randomBytes, new Date())));
  const [open, used] = made.map(({ invite }) => invite) as [Invite, Invite];
  const invites = [open, { ...used, Uses: 0 }];
  await publish(owner, portal, { invites });
  return { owner, portal, invites, used: invites.slice(1) };
};

describe("invites", () => {
  test("stay where a device joins, is renamed or leaves", async () => {
    const { owner, invites } = await inviting();
    await connected(owner, "phone", ["--name", "Alice's phone"]);
    expect(await invitesOf(owner)).toEqual(invites);
    await owner.ok("device remove", "Alice's phone");
    expect(await invitesOf(owner)).toEqual(invites);
  });

  test("can be opened by a new administrator, and end with an administrator who is removed", async () => {
    const { owner, invites, used } = await inviting();
    const phone = await connected(owner, "phone", ["--admin"]);
    const [open, ...others] = await invitesOf(owner);
    expect(others).toEqual(used);
    const opened = await Promise.all(
      [owner, phone].map(async (of) => {
        const keystore = await unlocked(of);
        const kid = keystore.facts.find(({ use }) => use === "device-encryption")?.kid ?? "";
        return openInvite(open!, keystore.get(kid, "device-encryption"));
      }),
    );
    expect(opened[0]).toEqual(opened[1]);
    expect({ ...open, Key: invites[0]?.Key }).toEqual(invites[0]);
    await owner.ok("device remove phone");
    expect(await invitesOf(owner)).toEqual(used);
  });

  test("end with a recovery, all of them", async () => {
    const { owner, portal } = await inviting();
    await owner.ok("escrow split --shares 2 --threshold 2 --out shares");
    const desk = machine();
    const shares = [1, 2].flatMap((index) => [
      "--share-file",
      path.join(owner.folder, `shares/share-${index}-of-2.txt`),
    ]);
    await desk.ok("escrow recover --no-passphrase --account alice@example.com --portal", portal, ...shares);
    expect((await profileOf(desk)).devices.length).toBe(2);
    expect(await invitesOf(desk)).toEqual([]);
  });
});

describe("a device that has lapsed", () => {
  test("leaves the profile with the next change, whatever that is", async () => {
    const portal = filePortal();
    const owner = await withAccount(portal);
    await connected(owner, "phone", []);
    const { devices } = await profileOf(owner);
    const phone = devices.find(({ name }) => name === "phone")!;
    // Given a minute, an hour ago.
    const then = new Date(Date.now() - 3_600_000);
    const until = recordTime(new Date(then.getTime() + 60_000));
    await publish(owner, portal, { deviceExpiries: { [phone.udf]: until } }, then);
    expect(findDevice(await profileOf(owner), phone.udf)).toBeDefined();
    await owner.ok("account create alice@example.org --portal", portal);
    const after = await profileOf(owner);
    expect(after.devices.map(({ name }) => name)).toEqual(["laptop"]);
    expect(after.entries).toEqual([]);
  });
});
