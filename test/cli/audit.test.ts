import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { openLogView } from "../../src/cli/audit/log-view.js";
import type { PortalClient } from "../../src/client/client.js";
import { en } from "../../src/messages/en/index.js";
import { formatEvidence, buildEvidence } from "../../src/mesh/log/evidence.js";
import { accountLeafHash, accountUdf } from "../../src/mesh/log/leaf.js";
import type { FileSystem } from "../../src/deps.js";
import { connected, filePortal, machine, put, TIME, UDF, udfOf, withAccount, type Machine } from "../support/cli.js";
import { forgeLog, type ForgedLeaf } from "../support/log-forge.js";
import { startLyingPortal } from "../support/lying-portal.js";
import { openReferencePortal } from "../support/reference-portal.js";
import { openTestStore } from "../support/portal.js";
import { temporaryFolder, testDeps } from "../support/deps.js";
import { openWire } from "../support/wire.js";
import { noteKey, sampleLog } from "../mesh/log/support.js";

const ACCOUNT = "alice@example.com";
const fileOf = (portal: string): string => portal.slice("file:".length);

const evidenceOf = (of: Machine): string[] => {
  const folder = path.join(of.home, "evidence");
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => path.join(folder, name)) : [];
};

/** What the only file of evidence of a home says, by the command that needs neither home nor portal. */
const verdictOf = async (of: Machine) => {
  const files = evidenceOf(of);
  expect(files.length).toBe(1);
  return (await machine().ok("audit evidence", files[0] ?? "")).json;
};

interface Portals {
  readonly portals: readonly {
    readonly from: number;
    readonly size: number;
    readonly leaves: number;
    readonly reports: readonly Record<string, unknown>[];
  }[];
}
const audited = async (of: Machine, line = "audit self") => {
  const { json } = await of.ok(line);
  const [portal] = (json as Portals).portals;
  if (!portal) throw new Error("No portal was looked at.");
  return portal;
};
/** What is reported, as far as it is of interest. */
const reported = async (of: Machine, line?: string) =>
  (await audited(of, line)).reports.map(({ kind, masterSequence, sequence, device, status }) => [
    kind,
    status ?? `${String(masterSequence)}.${String(sequence)}`,
    (device as { name: string } | null)?.name ?? null,
  ]);

/** Every change of the disk fails, as on a file system that is mounted read-only. */
const readOnly = (): FileSystem => {
  const refuse = (): never => {
    throw Object.assign(new Error("read-only"), { code: "EROFS", syscall: "open" });
  };
  return { ...testDeps().fs, create: refuse, mkdir: refuse, rename: refuse, unlink: refuse };
};

describe("audit status", () => {
  test("shows the head of each portal that was verified last", async () => {
    const [portal, other] = [filePortal(), filePortal()];
    const laptop = await withAccount(portal);
    await laptop.ok("account create alice@example.org --portal", other);
    const { json } = await laptop.ok("audit status");
    expect(json).toEqual({
      portals: [portal, other].map((url, index) => ({
        portal: url,
        origin: expect.stringMatching(/^[0-9a-f]{32}\.mmm\.invalid$/) as string,
        key: expect.stringMatching(/^[0-9a-f]{32}\.mmm\.invalid\+[0-9a-f]{8}\+/) as string,
        size: index === 0 ? 3 : 2,
        root: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) as string,
        time: TIME,
        checked: true,
        consistent: true,
      })),
    });
    const one = await laptop.ok(`audit status --account ${ACCOUNT}`);
    expect((one.json as { portals: unknown[] }).portals.length).toBe(1);
    expect((await laptop.text("audit status")).stdout).toContain(portal);
  });

  test("a portal that cannot be reached may be consistent", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const [{ size }] = ((await laptop.ok("audit status")).json as { portals: [{ size: number }] }).portals;
    const away = await laptop.run("audit status --portal http://127.0.0.1:1");
    expect(away).toMatchObject({
      status: 6,
      json: { portals: [{ origin: null, size: null, checked: false, consistent: null, reason: "portal-unreachable" }] },
    });
    portal.lie = { answer: () => ({ Status: 503 }) };
    const busy = await laptop.run("audit status");
    expect(busy).toMatchObject({
      status: 6,
      json: { portals: [{ size, checked: false, consistent: null, reason: "portal-busy" }] },
    });
    expect((await laptop.text("audit status")).stderr).not.toBe("");
    // One that answers is enough.
    portal.lie = {};
    const other = filePortal();
    await laptop.ok("account create alice@example.org --portal", other);
    portal.lie = { answer: () => ({ Status: 503 }) };
    expect((await laptop.ok("audit status")).json).toMatchObject({ portals: [{ checked: false }, { checked: true }] });
  });

  test("a portal that shows another history is not, and the exit status says so", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = other;
    const outcome = await laptop.run("audit status");
    expect(outcome).toMatchObject({
      status: 7,
      json: { portals: [{ size: 3, checked: true, consistent: false, reason: "log-rollback" }] },
    });
    expect(evidenceOf(laptop).length).toBe(1);
  });

  test("a head of another time is said to be that, not another history", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const off = laptop.with({ deps: { now: () => new Date(Date.now() + 3_600_000) } });
    expect(await off.run("audit status")).toMatchObject({
      status: 7,
      json: { portals: [{ checked: true, consistent: false, reason: "answer-stale" }] },
    });
    const { status, stdout } = await off.text("audit status");
    expect(status).toBe(7);
    expect(stdout).toContain(en["audit.not-current"]);
    expect(stdout).not.toContain(en["audit.inconsistent"]);
  });

  test("a portal that keeps no log has nothing to be consistent with", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    expect((await laptop.ok("audit status")).json).toEqual({
      portals: [
        {
          portal: portal.url,
          origin: null,
          key: null,
          size: null,
          root: null,
          time: null,
          checked: true,
          consistent: null,
        },
      ],
    });
    expect(await laptop.run("audit log")).toMatchObject({ status: 5, code: "not-supported" });
    expect(await laptop.run("audit self")).toMatchObject({ status: 5, code: "not-supported" });
  });

  test("needs a profile with an account", async () => {
    const nobody = machine();
    for (const verb of ["status", "self", "log"]) {
      expect(await nobody.run(`audit ${verb}`)).toMatchObject({ status: 3, code: "profile-not-found" });
    }
    await nobody.ok("profile create --no-passphrase");
    for (const verb of ["status", "self", "log"]) {
      expect(await nobody.run(`audit ${verb}`)).toMatchObject({ status: 3, code: "account-not-found" });
    }
  });
});

describe("audit self", () => {
  test("what this device made is no news, what others made is", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop, "phone", ["--admin"]);
    expect(await reported(laptop)).toEqual([]);
    const first = await audited(phone);
    expect(first.reports).toContainEqual({
      portal: expect.any(String) as string,
      kind: "personal",
      identifier: UDF,
      index: expect.any(Number) as number,
      masterSequence: 1,
      sequence: 2,
      time: TIME,
      device: { udf: UDF, name: "laptop" },
    });
    expect(first.reports.map(({ kind }) => kind)).toContain("result");
    expect(first.reports.map(({ device }) => (device as { name: string }).name)).not.toContain("phone");
    expect(await audited(phone)).toMatchObject({ from: first.size, size: first.size, leaves: 0, reports: [] });
    await phone.ok("device rename laptop desk");
    expect(await reported(phone)).toEqual([]);
    expect(await reported(laptop)).toEqual([["personal", "2.2", "phone"]]);
    expect(await reported(laptop)).toEqual([]);
    expect(await reported(laptop, "audit self --all")).toEqual([["personal", "2.2", "phone"]]);
    const text = await phone.text("audit self --all");
    expect(text.stdout).toContain("desk");
    expect(text.stderr).not.toBe("");
  });

  test("the keys that a device had before are its own", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("device rotate");
    const phone = await connected(laptop);
    await laptop.ok("device rotate");
    expect(await reported(laptop, "audit self --all")).toEqual([]);
    const names = (await audited(phone)).reports.map(({ device }) => (device as { name: string } | null)?.name);
    expect(new Set(names)).toEqual(new Set(["laptop"]));
  });

  test("what became of an account is told", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    await audited(laptop);
    const store = await openTestStore(fileOf(portal));
    await store.transact((tx) => tx.setAccountStatus(ACCOUNT, "Suspended", Date.now()));
    await store.transact((tx) => tx.setAccountStatus(ACCOUNT, "Open", Date.now()));
    await store.close();
    expect(await reported(laptop)).toEqual([
      ["account", "suspended", null],
      ["account", "open", null],
    ]);
    const text = await laptop.text("audit self --all");
    expect(text.stdout).toContain(ACCOUNT);
    // No device can do that, so none is to be removed.
    expect(text.stdout.match(/^.*alice@.*$/gm)?.filter((row) => row.includes("the portal"))).toHaveLength(2);
    expect(text.stderr).toBe("");
  });

  test("shares and a revocation note", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const phone = await connected(laptop);
    await laptop.ok("escrow split --shares 3 --threshold 2 --out shares");
    expect(await reported(laptop)).toEqual([]);
    await laptop.ok("profile revocation --out note.json");
    await laptop.ok("profile revoke note.json --yes");
    expect(await reported(laptop)).toEqual([]);
    const found = await reported(phone);
    expect(found.at(-1)).toEqual(["master", `${Number.MAX_SAFE_INTEGER}.0`, null]);
  });

  test("on a read-only home the log is looked through each time anew", async () => {
    const { url } = await startLyingPortal();
    const laptop = await withAccount(url);
    const phone = await connected(laptop);
    await audited(phone);
    await laptop.ok("device rename laptop desk");
    const fixed = phone.with({ deps: { fs: readOnly() } });
    for (let time = 0; time < 2; time++) expect(await reported(fixed)).toEqual([["personal", "1.4", "desk"]]);
    expect(await reported(phone)).toEqual([["personal", "1.4", "desk"]]);
    expect(await reported(phone)).toEqual([]);
    expect((await fixed.ok("audit log")).json).toMatchObject({ verified: true });
  });

  describe("finds what a portal forges", () => {
    const forging = async (...leaves: ((udf: string, forge: ReturnType<typeof forgeLog>) => ForgedLeaf | Buffer)[]) => {
      const portal = filePortal();
      const laptop = await withAccount(portal);
      const udf = await udfOf(laptop);
      await laptop.ok("device rename laptop desk");
      await laptop.ok("audit self");
      const forge = forgeLog(fileOf(portal));
      await forge.append(...leaves.map((leaf) => leaf(udf, forge)));
      return laptop;
    };
    /** The version that would come next. */
    const next: (udf: string, forge: ReturnType<typeof forgeLog>) => ForgedLeaf = (identifier, forge) => ({
      kind: "personal",
      identifier,
      masterSequence: 1,
      sequence: 4,
      previous: forge.newest("personal", identifier),
    });

    test("a version that it does not serve", async () => {
      const laptop = await forging(next);
      expect(await laptop.run("audit self")).toMatchObject({ status: 7, code: "log-omission" });
      expect(await verdictOf(laptop)).toMatchObject({ verdict: "unexplained", kind: "log-omission" });
      // What was not in order is looked at again.
      expect(await laptop.run("audit self")).toMatchObject({ status: 7, code: "log-omission" });
    });

    test.each<[string, (udf: string, forge: ReturnType<typeof forgeLog>) => Partial<ForgedLeaf>, string]>([
      ["a version that does not rise", () => ({ sequence: 3 }), "sequences"],
      ["a version without one before it", () => ({ previous: undefined }), "links"],
      [
        "a version that passes over another",
        (udf, forge) => ({ previous: { ...forge.newest("personal", udf), index: 0 } }),
        "links",
      ],
      [
        "a version that names itself",
        (udf, forge) => ({ previous: { ...forge.newest("personal", udf), index: 3 } }),
        "links",
      ],
      ["a version that names another thing", () => ({ previous: { index: 1, hash: Buffer.alloc(32) } }), "links"],
    ])("%s", async (_, change, contradiction) => {
      const laptop = await forging((udf, forge) => ({ ...next(udf, forge), ...change(udf, forge) }));
      expect(await laptop.run("audit self")).toMatchObject({ status: 7, code: "log-order" });
      expect(evidenceOf(laptop).length).toBeGreaterThan(0);
      for (const file of evidenceOf(laptop)) {
        expect((await machine().ok("audit evidence", file)).json).toMatchObject({
          verdict: "proven",
          kind: "log-order",
          contradiction,
        });
      }
      expect(await laptop.run("audit self --all")).toMatchObject({ status: 7, code: "log-order" });
      expect(await laptop.run("audit log")).toMatchObject({ status: 7, code: "log-order" });
    });

    test("an account that is given to another profile", async () => {
      const identifier = accountUdf(ACCOUNT);
      const laptop = await forging((_, forge) => ({
        kind: "account",
        identifier,
        sequence: 2,
        previous: forge.newest("account", identifier),
        recordHash: accountLeafHash(identifier, "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", "Open"),
      }));
      expect(await laptop.run("audit self")).toMatchObject({ status: 7, code: "fingerprint-mismatch" });
    });

    test("an entry that is none", async () => {
      const laptop = await forging(() => Buffer.alloc(137, 1));
      expect(await laptop.run("audit self")).toMatchObject({ status: 7, code: "proof-invalid" });
      expect(await laptop.run("audit log")).toMatchObject({ status: 7, code: "proof-invalid" });
    });
  });
});

describe("audit log", () => {
  /** Leaves of strangers, each about something of its own. */
  const strangers = (count: number, from = 0): ForgedLeaf[] =>
    Array.from({ length: count }, (_, index) => ({ kind: "device", identifier: `stranger ${from + index}` }));

  test("recomputes the tree, and goes on from there next time", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const first = await laptop.ok("audit log");
    expect(first.json).toEqual({
      portal,
      origin: expect.stringMatching(/^[0-9a-f]{32}\.mmm\.invalid$/) as string,
      size: 2,
      root: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) as string,
      verified: true,
      resumedAt: 0,
    });
    const forge = forgeLog(fileOf(portal));
    await forge.append(...strangers(1000));
    expect((await laptop.ok("audit log")).json).toMatchObject({ size: 1002, resumedAt: 0 });
    await forge.append(...strangers(30, 1000));
    expect((await laptop.ok("audit log")).json).toMatchObject({ size: 1032, resumedAt: 768 });
    expect((await laptop.ok("audit log --all")).json).toMatchObject({ size: 1032, resumedAt: 0 });
    expect((await laptop.ok(`audit log --portal ${portal}`)).json).toMatchObject({ resumedAt: 1024 });
    expect((await laptop.text("audit log")).stdout).toContain("1024");
    expect((await laptop.ok("audit self")).json).toMatchObject({ portals: [{ from: 0, size: 1032, leaves: 2 }] });
  });

  test("needs no home, and makes none", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const nobody = machine();
    expect((await nobody.ok(`audit log --portal ${portal}`)).json).toMatchObject({ size: 2, verified: true });
    expect(fs.existsSync(nobody.home)).toBe(false);
  });

  test("interrupted, it goes on where it was, and tells how far it is", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    await forgeLog(fileOf(portal)).append(...strangers(20 * 256));
    const stop = new AbortController();
    let time = Date.now();
    const said: string[] = [];
    const interrupted = await laptop
      .with({
        deps: {
          signal: stop.signal,
          now: () => new Date((time += 500)),
          stderr: {
            isTTY: false,
            write: async (text) => {
              said.push(text);
              stop.abort();
            },
          },
        },
      })
      .run("audit log");
    expect(interrupted).toMatchObject({ status: 130, code: "interrupted" });
    expect(said.length).toBeGreaterThan(0);
    const resumed = (await laptop.ok("audit log")).json as { size: number; resumedAt: number };
    expect(resumed.size).toBe(20 * 256 + 2);
    expect(resumed.resumedAt).toBeGreaterThan(0);
    expect(resumed.resumedAt).toBeLessThan(20 * 256);
    expect(resumed.resumedAt % 256).toBe(0);
  });

  test("an order that is wrong is found across an interruption, and kept as evidence", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const forge = forgeLog(fileOf(portal));
    await forge.append(...strangers(600));
    await laptop.ok("audit log");
    await forge.append({ kind: "device", identifier: "stranger 5" });
    expect(await laptop.run("audit log")).toMatchObject({ status: 7, code: "log-order" });
    expect(await verdictOf(laptop)).toMatchObject({ verdict: "proven", kind: "log-order", contradiction: "links" });
  });

  test("begins again where what it kept is damaged or of another log", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    await forgeLog(fileOf(portal)).append(...strangers(600));
    await laptop.ok("audit log");
    expect((await laptop.ok("audit log")).json).toMatchObject({ resumedAt: 512 });
    const name = fs.readdirSync(laptop.home).find((file) => file.endsWith(".state")) ?? "";
    const file = path.join(laptop.home, name);
    const whole = fs.readFileSync(file);
    const damages: Buffer[] = [
      Buffer.alloc(0),
      Buffer.from("x"),
      Buffer.from("{}\n"),
      whole.subarray(0, -1),
      Buffer.from(whole.map((octet, at) => (at === whole.length - 5 ? octet ^ 1 : octet))),
      Buffer.from(whole.toString("latin1").replace('"bundles":2', '"bundles":1'), "latin1"),
      Buffer.from(whole.toString("latin1").replace('"bundles":2', '"bundles":9'), "latin1"),
    ];
    for (const damaged of damages) {
      fs.writeFileSync(file, damaged);
      expect((await laptop.ok("audit log")).json).toMatchObject({ size: 602, resumedAt: 0 });
    }
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    fs.chmodSync(file, 0o644);
    expect(await laptop.run("audit log")).toMatchObject({ code: "keystore-permissions" });
  });

  test("another history is a fork, also where all else that was known of the log is gone", async () => {
    const portal = await startLyingPortal();
    await withAccount(portal.url);
    const other = await portal.split();
    const [mine, theirs] = [portal.shown, other].map(({ folder }) => forgeLog(path.join(folder, "portal.sqlite")));
    await mine?.append(...strangers(300));
    await theirs?.append(...strangers(400, 1));
    const auditor = machine();
    await auditor.ok("profile create --no-passphrase");
    await auditor.ok(`audit log --portal ${portal.url}`);
    fs.rmSync(path.join(auditor.home, "checkpoints.json"));
    portal.shown = other;
    expect(await auditor.run(`audit log --portal ${portal.url}`)).toMatchObject({ status: 7, code: "log-fork" });
    expect(await verdictOf(auditor)).toMatchObject({ kind: "log-fork" });
  });

  describe("files that are not what the head says", () => {
    const served = async (change: (file: string, octets: Buffer) => Buffer | undefined) => {
      const portal = await startLyingPortal();
      const laptop = await withAccount(portal.url);
      await portal.split();
      await forgeLog(path.join(portal.shown.folder, "portal.sqlite")).append(...strangers(600));
      await laptop.ok("audit log");
      portal.file = change;
      return laptop;
    };
    const flip = (octets: Buffer): Buffer => Buffer.from(octets.map((octet, at) => (at === 40 ? octet ^ 1 : octet)));

    test.each(["tile/1/000.p/2", "tile/0/000", "tile/0/002.p/90", "tile/entries/000", "tile/entries/002.p/90"])(
      "%s: a bit is flipped, it is cut, or it is not there",
      async (name) => {
        const at = (change: (octets: Buffer) => Buffer | undefined) =>
          served((file, octets) => (file === name || file === name.replace(/\.p.*/, "") ? change(octets) : octets));
        const flipped = await at(flip);
        expect(await flipped.run("audit log --all")).toMatchObject({ status: 7, code: "proof-invalid" });
        const cut = await at((octets) => octets.subarray(0, -1));
        expect(await cut.run("audit log --all")).toMatchObject({ status: 7, code: "proof-invalid" });
        const gone = await at(() => undefined);
        expect(await gone.run("audit log --all")).toMatchObject({ status: 7, code: "proof-missing" });
      },
    );

    test("no more is read than shows that they are not, and not of a log that is too great", async () => {
      let files = 0;
      const client = {
        url: "https://portal.example/",
        getStatic: (file: string) => {
          files++;
          const width = /\.p\/(\d+)$/.exec(file)?.[1] ?? "256";
          return Promise.resolve(randomBytes(Number(width) * 32));
        },
      } as unknown as PortalClient;
      const head = (size: number) => ({
        origin: "log.example",
        size,
        root: randomBytes(32),
        time: new Date(),
        note: "",
      });
      await expect(openLogView(client, head(2 ** 29 + 1000))).rejects.toMatchObject({ code: "proof-invalid" });
      expect(files).toBeLessThan(10);
      files = 0;
      await expect(openLogView(client, head(2 ** 50))).rejects.toMatchObject({ code: "too-large" });
      expect(files).toBe(0);
    });

    test("a full tile in place of its part is one", async () => {
      const laptop = await served((file, octets) => (/\.p\/\d+$/.test(file) ? undefined : octets));
      // This portal has no full one yet.
      expect(await laptop.run("audit log --all")).toMatchObject({ status: 7, code: "proof-missing" });
    });
  });
});

describe("audit evidence", () => {
  const log = sampleLog("log.example", noteKey("cli evidence"));
  const other = sampleLog("log.example", noteKey("cli evidence"));
  log.append(Buffer.from("a"));
  other.append(Buffer.from("b"), Buffer.from("c"));
  const now = new Date("2026-05-01T12:00:00.000Z");
  const facts = { found: now, portal: "https://portal.example/", verifier: log.verifier } as const;
  const proven = buildEvidence({ ...facts, kind: "log-fork", heads: [log.checkpoint(now), other.checkpoint(now, 1)] });
  const unexplained = buildEvidence({
    ...facts,
    kind: "log-fork",
    heads: [log.checkpoint(now), other.checkpoint(now, 2)],
  });

  test("says what is proven, and against which key", async () => {
    const reader = machine();
    const file = put(reader, "proven.json", formatEvidence(proven));
    expect((await reader.ok("audit evidence", file)).json).toEqual({
      verdict: "proven",
      kind: "log-fork",
      contradiction: "two-roots",
      portal: "https://portal.example/",
      origin: "log.example",
      key: log.verifier,
      found: "2026-05-01T12:00:00.000Z",
      heads: [log, other].map((one) => ({
        size: 1,
        root: one.root(1).toString("base64"),
        time: "2026-05-01T12:00:00.000Z",
      })),
    });
    expect((await reader.text("audit evidence", file)).stdout).toContain(log.verifier);
    expect(fs.existsSync(reader.home)).toBe(false);
  });

  test("says what is not", async () => {
    const reader = machine();
    const file = put(reader, "unexplained.json", formatEvidence(unexplained));
    expect((await reader.ok("audit evidence", file)).json).toMatchObject({
      verdict: "unexplained",
      contradiction: null,
    });
    expect((await reader.text("audit evidence", file)).status).toBe(0);
  });

  test("every kind and every contradiction has words", async () => {
    const reader = machine();
    const two = [log.checkpoint(now), other.checkpoint(now, 2)];
    const older = other.checkpoint(new Date(now.getTime() - 1000), 2);
    const rollback = buildEvidence({ ...facts, kind: "log-rollback", heads: [older, log.checkpoint(now)] });
    const split = buildEvidence({ ...facts, kind: "log-split", heads: two });
    for (const evidence of [rollback, split]) {
      const file = put(reader, `${evidence.kind}.json`, formatEvidence(evidence));
      expect((await reader.text("audit evidence", file)).stdout).not.toBe("");
    }
  });

  test("refuses what does not hold, and what is no evidence", async () => {
    const reader = machine();
    const wrong = formatEvidence(proven).replace(log.checkpoint(now).slice(20, 30), "0123456789");
    const texts = [wrong, "", "{}", "[]", "\u0000", formatEvidence(unexplained).replace("log-fork", "log-rollback")];
    for (const [index, text] of texts.entries()) {
      const file = put(reader, `${index}.json`, text);
      expect(await reader.run("audit evidence", file)).toMatchObject({ status: 7, code: "evidence-invalid" });
    }
    fs.writeFileSync(path.join(reader.folder, "latin1.json"), Buffer.from([0x22, 0xff, 0x22]));
    expect(await reader.run("audit evidence latin1.json")).toMatchObject({ status: 7, code: "evidence-invalid" });
    expect(await reader.run("audit evidence none.json")).toMatchObject({ status: 2, code: "file-unreadable" });
    expect(await reader.run("audit evidence", temporaryFolder())).toMatchObject({ code: "file-unreadable" });
    put(reader, "long.json", " ".repeat(1024 * 1024 + 1));
    expect(await reader.run("audit evidence long.json")).toMatchObject({ status: 5, code: "too-large" });
    expect(await reader.run("audit evidence")).toMatchObject({ status: 2, code: "usage" });
  });
});
