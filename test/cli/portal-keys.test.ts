import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { followKeyChanges } from "../../src/mesh/log/key-change.js";
import { openLogKey } from "../../src/portal/log/key-file.js";
import { machine, type Machine } from "../support/cli.js";
import { openTestStore, random } from "../support/portal.js";

const AT = "--store sqlite:portal.sqlite";

/** A machine with a portal's store on it. */
const operator = async (): Promise<Machine> => {
  const of = machine();
  await (await openTestStore(path.join(of.folder, "portal.sqlite"))).close();
  return of;
};
const fileOf = (of: Machine): string => path.join(of.folder, "portal.sqlite.key");

describe("portal keys", () => {
  test("shows under which key the log is signed, and where it is", async () => {
    const of = await operator();
    const { origin, verifier } = await openLogKey(fileOf(of), { random });
    const outcome = await of.run(`portal keys ${AT}`);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.json).toEqual({
      store: `sqlite:${path.join(of.folder, "portal.sqlite")}`,
      log: origin,
      key: verifier,
      earlier: [],
      keyFile: fileOf(of),
      held: true,
      rotated: false,
    });
    const text = await of.text(`portal keys ${AT}`);
    expect(text.stdout).toContain(verifier);
    const [first = ""] = fs.readFileSync(fileOf(of), "utf8").split("\n");
    expect(text.stdout + text.stderr).not.toContain(JSON.parse(first).Key.d);
  });

  test("--rotate makes a new one that the old one signs for, which whoever serves the store follows", async () => {
    const of = await operator();
    const serving = await openTestStore(path.join(of.folder, "portal.sqlite"));
    const first = (await of.run(`portal keys ${AT}`)).at("key");
    const rotated = await of.run(`portal keys --rotate ${AT}`);
    expect(rotated).toMatchObject({ status: 0, json: { earlier: [first], held: true, rotated: true } });
    const second = rotated.at("key");
    await of.run(`portal keys --rotate ${AT}`);
    const { json } = await of.run(`portal keys ${AT}`);
    expect(json).toMatchObject({ earlier: [first, second], held: true, rotated: false });
    await serving.transact((tx) => tx.createAccount("alice@localhost", "MAAA", Date.now()));
    const keys = await serving.read((tx) => tx.logKeys());
    const changes = keys.flatMap(({ change }) => change ?? []);
    followKeyChanges(first, changes, (json as { key: string }).key);
    await serving.close();
    const text = await of.text(`portal keys ${AT}`);
    for (const key of [first, second]) expect(text.stdout).toContain(key);
  });

  test("says where the file does not hold the present key, and changes nothing then", async () => {
    const of = await operator();
    fs.renameSync(fileOf(of), path.join(of.folder, "moved.key"));
    const shown = await of.run(`portal keys ${AT}`);
    expect(shown).toMatchObject({ status: 0, json: { held: false } });
    expect(shown.stderr).not.toBe("");
    expect(await of.run(`portal keys --rotate ${AT}`)).toMatchObject({ status: 5, code: "log-key-missing" });
    expect(fs.existsSync(fileOf(of))).toBe(false);
    expect(await of.run(`portal keys ${AT} --log-key-file moved.key`)).toMatchObject({ json: { held: true } });
    await openLogKey(fileOf(of), { random });
    expect(await of.run(`portal keys ${AT}`)).toMatchObject({ status: 0, json: { held: false } });
    expect(await of.run(`portal keys --rotate ${AT}`)).toMatchObject({ status: 5, code: "log-key-missing" });
    fs.chmodSync(fileOf(of), 0o644);
    expect(await of.run(`portal keys ${AT}`)).toMatchObject({ status: 5, code: "keystore-permissions" });
  });

  test("makes no store where there is none", async () => {
    const of = machine();
    for (const line of ["portal keys", "portal keys --rotate"]) {
      expect(await of.run(`${line} ${AT}`)).toMatchObject({ status: 3, code: "store-not-found" });
    }
    expect(fs.readdirSync(of.folder).filter((name) => name.includes("portal"))).toEqual([]);
  });
});
