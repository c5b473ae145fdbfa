import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import {
  isWorthKeeping,
  keepCheckpoint,
  knownLog,
  noteHeads,
  readCheckpoints,
  standingOf,
  updateCheckpoints,
  type NewHead,
} from "../../src/keystore/checkpoints.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { checkpointText, openCheckpoint, type Checkpoint } from "../../src/mesh/log/checkpoint.js";
import { errorCode, temporaryFolder, testDeps } from "../support/deps.js";
import { newKey } from "../support/keystore.js";
import { makeSigner } from "../support/log-key.js";

const UDF = newKey("master-signature").kid;
const URL = "https://portal.example";
const signer = makeSigner();
const NOW = Date.parse("2026-05-01T12:00:00Z");

const newHome = (): Home => openHome(testDeps(), path.join(temporaryFolder(), "home"));
const fileOf = (home: Home): string => path.join(home.path, "checkpoints.json");

/** A signed head; without a root each is on a history of its own. */
const headOf = (size: number, minutes = 0, root = randomBytes(32)): Checkpoint => {
  const time = new Date(NOW + minutes * 60_000);
  return openCheckpoint(signer.sign(checkpointText({ origin: signer.origin, size, root, time })), signer.verifier);
};

const newHead = (head: Checkpoint, from?: Checkpoint, proved: readonly string[] = []): NewHead => ({
  verifier: signer.verifier,
  head,
  from,
  proved,
});

describe("the newest heads of portals' logs", () => {
  it("are none at first, and reading makes nothing", () => {
    const home = newHome();
    expect(readCheckpoints(home)).toEqual({});
    expect(knownLog(home, URL)).toBeUndefined();
    expect(fs.existsSync(home.path)).toBe(false);
  });

  it("are kept, and replaced by what was proved to follow them", async () => {
    const home = newHome();
    const [first, second] = [headOf(3), headOf(7)];
    await keepCheckpoint(home, URL, newHead(first));
    const known = { origin: signer.origin, verifier: signer.verifier, checkpoint: first.note };
    expect(readCheckpoints(home)).toEqual({ [URL]: known });
    await keepCheckpoint(home, URL, newHead(second, first));
    expect(knownLog(home, URL)).toEqual({ ...known, checkpoint: second.note, head: second });
    expect(fs.statSync(fileOf(home)).mode & 0o777).toBe(0o600);
    // Each portal has its own.
    await keepCheckpoint(home, "local", newHead(first));
    expect(knownLog(home, URL)?.head).toEqual(second);
  });

  it("never go back, and two that were not held against each other are noted to be", async () => {
    const home = newHome();
    const [base, smaller, greater] = [headOf(3), headOf(5), headOf(9)];
    await keepCheckpoint(home, URL, newHead(base));
    await keepCheckpoint(home, URL, newHead(greater, base));
    // Another process has seen less, and did not know of this one.
    await keepCheckpoint(home, URL, newHead(smaller, base));
    expect(knownLog(home, URL)).toMatchObject({ checkpoint: greater.note, unproven: [{ checkpoint: smaller.note }] });
    // Proved, it is forgotten.
    const later = headOf(12);
    await keepCheckpoint(home, URL, newHead(later, greater, [smaller.note]));
    expect(knownLog(home, URL)?.unproven).toBeUndefined();
    // The other way round.
    const greatest = headOf(20);
    await keepCheckpoint(home, URL, newHead(greatest, base));
    expect(knownLog(home, URL)).toMatchObject({ checkpoint: greatest.note, unproven: [{ checkpoint: later.note }] });
  });

  it("of one size and two roots are not replaced", async () => {
    const home = newHome();
    const [one, other] = [headOf(5), headOf(5)];
    await keepCheckpoint(home, URL, newHead(one));
    expect((await keepCheckpoint(home, URL, newHead(other)))?.checkpoint).toBe(one.note);
    expect(knownLog(home, URL)?.checkpoint).toBe(one.note);
  });

  it("of another log are not replaced", async () => {
    const home = newHome();
    const [one, other] = [headOf(5), makeSigner("other.example")];
    await keepCheckpoint(home, URL, newHead(one));
    const body = { origin: other.origin, size: 9, root: randomBytes(32), time: new Date(NOW) };
    const head = openCheckpoint(other.sign(checkpointText(body)), other.verifier);
    const after = await keepCheckpoint(home, URL, { verifier: other.verifier, head, from: undefined, proved: [] });
    expect(after?.checkpoint).toBe(one.note);
  });

  it("of a log with two addresses must follow each other", async () => {
    const home = newHome();
    const [one, two, three] = [headOf(3), headOf(5), headOf(7)];
    await keepCheckpoint(home, "https://b.example", newHead(one));
    await keepCheckpoint(home, URL, newHead(two));
    await keepCheckpoint(home, URL, newHead(three, two));
    // The one before it follows from that.
    expect(readCheckpoints(home)["https://b.example"]).toMatchObject({
      checkpoint: one.note,
      unproven: [{ checkpoint: three.note, at: URL }],
    });
    expect(knownLog(home, URL)?.unproven).toBeUndefined();
    // The name of a log alone anybody can take.
    const thief = makeSigner(signer.origin);
    const body = { origin: thief.origin, size: 9, root: randomBytes(32), time: new Date(NOW) };
    const head = openCheckpoint(thief.sign(checkpointText(body)), thief.verifier);
    await keepCheckpoint(home, "local", { verifier: thief.verifier, head, from: undefined, proved: [] });
    expect(JSON.stringify(readCheckpoints(home)["https://b.example"])).not.toContain(JSON.stringify(head.note));
  });

  it("say of which log a checkpoint is", async () => {
    const home = newHome();
    await keepCheckpoint(home, URL, newHead(headOf(3)));
    await updateCheckpoints(home, (logs) => ({ ...logs, [URL]: { ...logs[URL]!, replaced: ["old.example"] } }));
    const of = (by: typeof signer): string =>
      by.sign(checkpointText({ origin: by.origin, size: 1, root: randomBytes(32), time: new Date(NOW) }));
    const standing = (note: string): string => standingOf(readCheckpoints(home), note);
    expect(standing(of(signer))).toBe("signed");
    expect(standing(of(makeSigner(signer.origin)))).toBe("unsigned");
    expect(standing("no note")).toBe("unsigned");
    expect(standing(of(makeSigner("old.example")))).toBe("replaced");
    expect(standing(of(makeSigner("new.example")))).toBe("unknown");
  });

  it("are not written for a little more time alone", async () => {
    const home = newHome();
    const root = randomBytes(32);
    const first = headOf(5, 0, root);
    await keepCheckpoint(home, URL, newHead(first));
    expect(isWorthKeeping(undefined, first)).toBe(true);
    expect(isWorthKeeping(first, headOf(5, 9, root))).toBe(false);
    expect(isWorthKeeping(first, headOf(5, 11, root))).toBe(true);
    expect(isWorthKeeping(first, headOf(6))).toBe(true);
    await keepCheckpoint(home, URL, newHead(headOf(5, 5, root), first));
    expect(knownLog(home, URL)?.checkpoint).toBe(first.note);
    const late = headOf(5, 11, root);
    await keepCheckpoint(home, URL, newHead(late));
    expect(knownLog(home, URL)).toMatchObject({ checkpoint: late.note });
    expect(knownLog(home, URL)?.unproven).toBeUndefined();
  });

  it("that stood in records are noted where their log is known", async () => {
    const home = newHome();
    const token = headOf(2).note;
    await noteHeads(home, [{ checkpoint: token, by: "MDEV" }]);
    expect(fs.existsSync(home.path)).toBe(false);
    const first = headOf(3);
    await keepCheckpoint(home, URL, newHead(first));
    const heads = [{ checkpoint: token, by: "MDEV" }];
    await noteHeads(home, [...heads, { checkpoint: "none", by: "MDEV" }]);
    await noteHeads(home, heads);
    expect(readCheckpoints(home)[URL]?.unproven).toEqual(heads);
    // What the log has not signed takes no other's place.
    const forged = Array.from({ length: 20 }, () => {
      const other = makeSigner(signer.origin);
      const body = { origin: other.origin, size: 9, root: randomBytes(32), time: new Date(NOW) };
      return { checkpoint: other.sign(checkpointText(body)), by: "MDEV" };
    });
    await noteHeads(home, forged);
    expect(readCheckpoints(home)[URL]?.unproven).toHaveLength(16);
    expect(readCheckpoints(home)[URL]?.unproven).toContainEqual(heads[0]);
    // No more than some are kept, the newest.
    await noteHeads(
      home,
      Array.from({ length: 20 }, (_, index) => ({ checkpoint: headOf(index).note, by: "MDEV" })),
    );
    expect(readCheckpoints(home)[URL]?.unproven).toHaveLength(16);
  });

  it("stay beside what else is known of a log", async () => {
    const home = newHome();
    const first = headOf(3);
    await keepCheckpoint(home, URL, newHead(first));
    const audited = { [UDF]: { size: 2, newest: { "account x": 1 } } };
    await updateCheckpoints(home, (logs) => ({ ...logs, [URL]: { ...logs[URL]!, audited } }));
    await keepCheckpoint(home, URL, newHead(headOf(7), first));
    expect(knownLog(home, URL)).toMatchObject({ audited, head: { size: 7 } });
  });

  it("that are damaged are an error with a way out", async () => {
    const home = newHome();
    await keepCheckpoint(home, URL, newHead(headOf(3)));
    const text = fs.readFileSync(fileOf(home), "utf8");
    const other = makeSigner(signer.origin);
    for (const damaged of [
      "{",
      text.replace('"version": 1', '"version": "1"'),
      text.replace("time ", "tim "),
      text.replace(/"verifier": ".*"/, `"verifier": ${JSON.stringify(other.verifier)}`),
      text.replace(/"checkpoint": ".*"/, '"checkpoint": "x"'),
    ]) {
      expect(damaged).not.toBe(text);
      fs.writeFileSync(fileOf(home), damaged);
      expect(await errorCode(() => knownLog(home, URL))).toBe("state-corrupt");
    }
    fs.writeFileSync(fileOf(home), text.replace('"version": 1', '"version": 2'));
    expect(await errorCode(() => knownLog(home, URL))).toBe("keystore-version");
    fs.writeFileSync(fileOf(home), text);
    fs.chmodSync(fileOf(home), 0o644);
    expect(await errorCode(() => knownLog(home, URL))).toBe("keystore-permissions");
    fs.rmSync(fileOf(home));
    expect(knownLog(home, URL)).toBeUndefined();
  });
});
