import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { openEmbeddedPortal } from "../../src/portal/embedded.js";
import type { Portal } from "../../src/portal/portal.js";
import { errorCode, temporaryFolder } from "../support/deps.js";
import { watch } from "../support/log.js";
import {
  makeClock,
  makeHttpRequest,
  makePerson,
  openTestPortal,
  personalEntry,
  random,
  wrap,
  type Answer,
  type CallOptions,
  type TestPortal,
} from "../support/portal.js";
import { makeVersion1 } from "../support/store-v1.js";

const clock = makeClock();
const deps = { now: clock.now, random };

const send = async (portal: Portal, body: string, options: CallOptions = {}) => {
  const response = await portal.handle(makeHttpRequest(body, clock, portal.authority, options));
  return JSON.parse(response.body.toString());
};

describe("the embedded portal", () => {
  it("lives in one file of its owner's, in folders of its owner's", async () => {
    const folder = path.join(temporaryFolder(), "a", "b");
    const file = path.join(folder, "portal.sqlite");
    const umask = process.umask(0);
    try {
      const portal = await openEmbeddedPortal(file, deps);
      for (const made of [folder, path.dirname(folder)]) expect(fs.statSync(made).mode & 0o777).toBe(0o700);
      for (const made of [file, `${file}.key`]) expect(fs.statSync(made).mode & 0o777).toBe(0o600);
      await portal.close();
    } finally {
      process.umask(umask);
    }
  });

  it("has an authority that means nothing elsewhere, and keeps it", async () => {
    const file = path.join(temporaryFolder(), "portal.sqlite");
    const portal = await openEmbeddedPortal(file, deps);
    expect(portal.authority).toMatch(/^[0-9a-f]{32}\.invalid$/);
    const again = await openEmbeddedPortal(file, deps);
    expect(again.authority).toBe(portal.authority);
    expect((await send(portal, wrap("Hello", {}), { authority: "localhost" })).MeshResponse.Status).toBe(400);
    await Promise.all([portal.close(), again.close()]);
  });

  it("is one portal to all who have it open", async () => {
    const file = path.join(temporaryFolder(), "portal.sqlite");
    const [one, two] = await Promise.all([openEmbeddedPortal(file, deps), openEmbeddedPortal(file, deps)]);
    const alice = makePerson("laptop", clock.now());
    const message = { Account: "alice", Profile: personalEntry(alice.profile) };
    const created = await send(one, wrap("CreateAccount", message), { signer: alice.admin });
    expect(created.CreateResponse.Status).toBe(201);
    const got = await send(two, wrap("Get", { Account: "alice@localhost" }));
    expect(got.GetResponse.Entries).toEqual([personalEntry(alice.profile)]);
    for (let index = 0; index < 700; index++) {
      const { ValidateResponse } = await send(one, wrap("ValidateAccount", { Account: "bob" }));
      expect(ValidateResponse.Status).toBe(201);
    }
    await Promise.all([one.close(), two.close()]);
  });

  it("brings a store of an older version up to date, and proves what was in it", async () => {
    const folder = temporaryFolder();
    const [newer, file] = ["newer.sqlite", "portal.sqlite"].map((name) => path.join(folder, name)) as [string, string];
    const alice = makePerson("laptop", clock.now());
    const made = await openTestPortal({}, clock, newer);
    await made.createAccount("alice", alice);
    await made.portal.close();
    makeVersion1(newer, file);
    const portal = await openEmbeddedPortal(file, deps);
    const call = async (name: "Get" | "Hello", message: object): Promise<Answer> => {
      const [response] = Object.values(await send(portal, wrap(name, message)));
      return { message: response } as Answer;
    };
    const watcher = await watch({ call: call as TestPortal["call"] });
    const { message, checkpoint } = await watcher.ask("Get", { Account: "alice@localhost", Full: true });
    expect(checkpoint.size).toBe(2);
    expect(watcher.prove(message.AccountProof)).toMatchObject({ kind: "account", sequence: 1 });
    expect(watcher.prove(message.DataItems[0].Proof)).toMatchObject({ kind: "personal", sequence: 1 });
    await portal.close();
  });

  it("says what is wrong with a file that it cannot use", async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, "portal.sqlite");
    fs.writeFileSync(file, "x".repeat(5000));
    expect(await errorCode(() => openEmbeddedPortal(file, deps))).toBe("state-corrupt");
    expect(await errorCode(() => openEmbeddedPortal(path.join(file, "portal.sqlite"), deps))).toBe("io-failed");
  });
});
