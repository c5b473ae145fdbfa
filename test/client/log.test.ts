import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openPortal, type OpenOptions, type PortalClient } from "../../src/client/client.js";
import { openLog, shortMemory, type Finding, type KnownHead, type LogMemory } from "../../src/client/log.js";
import {
  completeConnection,
  connectionResult,
  createAccount,
  deleteAccount,
  fetchAccount,
  fetchEscrowEntry,
  fetchHistory,
  fetchProfile,
  publishEntry,
  publishEscrowEntry,
  publishProfile,
  startConnection,
} from "../../src/client/profiles.js";
import type { MeshError } from "../../src/errors.js";
import { createConnectionRequest, createConnectionResult } from "../../src/mesh/connection.js";
import { createEscrowEntry } from "../../src/mesh/escrow.js";
import { checkpointText, readCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { verifyEvidence, buildEvidence } from "../../src/mesh/log/evidence.js";
import { EMPTY_ROOT } from "../../src/mesh/log/tree.js";
import { createRevocation, nextPersonal } from "../../src/mesh/profile.js";
import { encodeGetPage } from "../../src/portal/page.js";
import { errorCode, meshError, temporaryFolder } from "../support/deps.js";
import { makeSigner, type TestSigner } from "../support/log-key.js";
import { altered, answer, openWire, refusal, type Call, type Message, type Wire } from "../support/wire.js";
import { newDevice, newPerson, next, quickDeps, versions, type Person } from "./support.js";

const ACCOUNT = "alice@localhost";
const BOB = "bob@localhost";

/** A memory that can be looked into. */
interface TestMemory extends LogMemory {
  readonly findings: (Finding & { readonly verifier: string })[];
}

const newMemory = (known: Partial<Pick<LogMemory, "verifier" | "newest" | "unproven">> = {}): TestMemory => {
  const findings: TestMemory["findings"] = [];
  return {
    ...shortMemory({ verifier: undefined, newest: undefined }),
    ...known,
    findings,
    report: async (finding) => {
      findings.push(finding);
      return undefined;
    },
  };
};

const clients: PortalClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

const connect = async (wire: Wire, options: Partial<OpenOptions> = {}, deps = quickDeps()): Promise<PortalClient> => {
  const client = await openPortal(deps, { kind: "http", url: wire.url }, { timeout: 5000, ...options });
  clients.push(client);
  return client;
};

/** A portal with Alice's account, and what a client of hers knows of its log. */
const withAlice = async (): Promise<{ wire: Wire; alice: Person; client: PortalClient; memory: TestMemory }> => {
  const wire = await openWire();
  const alice = newPerson();
  const memory = newMemory();
  const client = await connect(wire, { memory });
  await createAccount(client, ACCOUNT, alice.first, alice.signer);
  return { wire, alice, client, memory };
};

/** Puts leaves into the log that are none of Alice's. */
const withBob = async (wire: Wire): Promise<Person> => {
  const bob = newPerson();
  const lies = wire.intercept;
  wire.intercept = undefined;
  await createAccount(await connect(wire), BOB, bob.first, bob.signer);
  wire.intercept = lies;
  return bob;
};

/** Changes the answers to a transaction, or to all but Hello. */
const lying =
  (change: (message: Message, call: Call) => Message, transaction?: string) =>
  async (call: Call): ReturnType<Call["forward"]> => {
    const reply = await call.forward();
    const isMeant =
      transaction === undefined ? !["Hello", "file"].includes(call.transaction) : call.transaction === transaction;
    return isMeant ? altered(reply, (message) => change(message, call)) : reply;
  };

const itemsOf = (message: Message): Message[] => message["DataItems"] as Message[];
const noteOf = (signer: TestSigner, head: { size: number; root: Buffer; time?: Date }): string =>
  signer.sign(checkpointText({ origin: signer.origin, time: new Date(), ...head }));

const evidence = (finding: (Finding & { readonly verifier: string }) | undefined): string => {
  const { code, heads = [], ...rest } = finding!;
  const kind = code as "log-fork";
  return verifyEvidence(buildEvidence({ ...rest, kind, heads, found: new Date(), portal: "http://x" })).verdict;
};

/** A head that the portal never signed, of a key of its own. */
const madeUp = (signer: TestSigner, size: number): KnownHead & { readonly note: string } => {
  const root = randomBytes(32);
  return { size, root, time: new Date(), note: noteOf(signer, { size, root }) };
};

/** A key that counts as one that the log had before: the portal lists the changes in which it is named, and names the present one. */
const earlierKey = (wire: Wire, verifier: string): TestSigner => {
  const signer = makeSigner(verifier.split("+")[0]);
  const changes = [makeSigner(signer.origin).change(signer, 0), signer.change({ ...signer, verifier }, 0)];
  wire.intercept = lying((message) => {
    const log = message["Log"] as Message;
    return { ...message, Log: { ...log, KeyChanges: changes } };
  }, "Hello");
  return signer;
};

describe("what requests carry", () => {
  it("a fresh identifier and the newest head, but in Hello", async () => {
    const wire = await openWire();
    const messages: [string, Message][] = [];
    wire.intercept = (call) => {
      messages.push([call.transaction, call.message]);
      return call.forward();
    };
    const memory = newMemory();
    const client = await connect(wire, { memory });
    await client.send("Status", {});
    const first = memory.newest;
    await client.send("Status", {});
    const [hello, one, two] = messages.map(([, message]) => message);
    expect(Object.keys(hello!)).toEqual(["Portal"]);
    expect(one).toEqual({ Portal: "127.0.0.1", RequestID: expect.stringMatching(/^[\w-]{22}$/) });
    expect(two).toEqual({ ...one, RequestID: expect.stringMatching(/^[\w-]{22}$/), Checkpoint: first?.note });
    expect(two!["RequestID"]).not.toBe(one!["RequestID"]);
    expect(memory.verifier).toBe(client.log?.verifier);
  });

  it("not one member more where no log is announced", async () => {
    const wire = await openWire({ logless: true });
    const alice = newPerson();
    const members = new Set<string>();
    wire.intercept = (call) => {
      for (const name of Object.keys(call.message)) members.add(name);
      return call.forward();
    };
    const client = await connect(wire, { memory: newMemory() });
    expect(client.log).toBeUndefined();
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    await fetchProfile(client, { account: ACCOUNT });
    expect([...members].sort()).toEqual(["Account", "Portal", "Profile"]);
  });
});

describe("every answer", () => {
  it("must be sealed: what a portal could do it must go on doing", async () => {
    const { wire, client } = await withAlice();
    const bare = ({ RequestID: _, Checkpoint: __, Consistency: ___, ...message }: Message): Message => message;
    wire.intercept = lying(bare);
    expect(await errorCode(() => client.send("Status", {}))).toBe("downgrade");
    // Refusals say something too: that there is nothing, for example.
    expect(await errorCode(() => fetchProfile(client, { account: BOB }))).toBe("downgrade");
    wire.intercept = () => refusal(404);
    expect(await errorCode(() => fetchProfile(client, { account: ACCOUNT }))).toBe("downgrade");
    wire.intercept = lying(({ Checkpoint: _, ...message }) => message);
    expect(await errorCode(() => client.send("Status", {}))).toBe("proof-missing");
  });

  it("but for one that comes from no portal, or says that it fails", async () => {
    const { wire, client } = await withAlice();
    for (const [status, code] of [
      [429, "rate-limited"],
      [500, "portal-failed"],
      [503, "portal-busy"],
      [413, "too-large"],
      [400, "refused"],
    ] as const) {
      wire.intercept = () => refusal(status);
      expect([status, await errorCode(() => client.send("Status", {}))]).toEqual([status, code]);
    }
    wire.intercept = () => ({ status: 502, headers: {}, body: Buffer.from("<html>") });
    expect(await errorCode(() => client.send("Status", {}))).toBe("portal-busy");
    wire.intercept = () => ({ status: 404, headers: {}, body: Buffer.from('{"error": "?"}') });
    expect(await errorCode(() => client.send("Status", {}))).toBe("portal-answer");
  });

  it("must be the answer to this request", async () => {
    const { wire, client, memory } = await withAlice();
    for (const id of ["A".repeat(22), undefined, 5]) {
      wire.intercept = lying((message) => ({ ...message, RequestID: id }));
      expect(await errorCode(() => client.send("Status", {}))).toBe("answer-mismatch");
    }
    let old: Message | undefined;
    wire.intercept = lying((message) => (old = message));
    await client.send("Status", {});
    wire.intercept = lying(() => old!);
    expect(await errorCode(() => client.send("Status", {}))).toBe("answer-mismatch");
    // Once the log has gone on, it is an old one.
    wire.intercept = undefined;
    await withBob(wire);
    await client.send("Status", {});
    wire.intercept = lying(() => old!);
    expect(await errorCode(() => client.send("Status", {}))).toBe("answer-stale");
    expect(memory.findings).toEqual([]);
  });

  it("must have a head that is neither too old nor ahead, by this machine's clock", async () => {
    const wire = await openWire();
    for (const [seconds, code] of [
      [1600, "answer-stale"],
      [-400, "answer-stale"],
    ] as const) {
      const deps = quickDeps({ now: () => new Date(Date.now() + seconds * 1000) });
      const client = await connect(wire, {}, deps);
      const error = await meshError(() => client.send("Status", {}));
      expect(error.code).toBe(code);
      // Both times are named.
      expect(Object.keys(error.text.values).sort()).toEqual(["now", "signed", "url"]);
    }
    const late = quickDeps({ now: () => new Date(Date.now() + 1_400_000) });
    await (await connect(wire, {}, late)).send("Status", {});
  });

  it("may have a head of any time from a portal in this process: its disk may be read-only", async () => {
    const signer = makeSigner();
    const note = noteOf(signer, { size: 0, root: EMPTY_ROOT, time: new Date(0) });
    for (const [isEmbedded, outcome] of [
      [true, 0],
      [false, "answer-stale"],
    ] as const) {
      const access = {
        ...{ deps: quickDeps(), url: "local", memory: newMemory(), pinned: [], isEmbedded },
        getStatic: async () => undefined,
        relearn: async () => undefined,
      };
      const log = await openLog(access, { key: signer.verifier, changes: [] });
      const ask = () =>
        log.exchange("Status", async ({ RequestID }) => answer("StatusResponse", { RequestID, Checkpoint: note }));
      expect(outcome === 0 ? (await ask()).head?.size : await errorCode(ask)).toBe(outcome);
    }
  });

  it("must have a head that the log's key has signed", async () => {
    const { wire, client, memory } = await withAlice();
    const other = makeSigner(client.log?.origin);
    wire.intercept = lying((message) => {
      const { size, root } = readCheckpoint(String(message["Checkpoint"]))!;
      return { ...message, Checkpoint: noteOf(other, { size, root }) };
    });
    expect(await errorCode(() => client.send("Status", {}))).toBe("log-signature");
    expect(
      await errorCode(() => client.send("Publish", { Entry: { SignedPersonalProfile: newPerson().first.record } })),
    ).toBe("log-signature");
    wire.intercept = lying((message) => ({ ...message, Checkpoint: "x" }));
    expect(await errorCode(() => client.send("Status", {}))).toBe("log-signature");
    expect(memory.findings).toEqual([]);
  });

  it("must have a head that is not smaller than the known one", async () => {
    const { wire, client, memory } = await withAlice();
    const signer = makeSigner(client.log?.origin);
    const newest = madeUp(signer, 1000);
    const known = newMemory({ verifier: client.log!.verifier, newest });
    expect(await errorCode(async () => (await connect(wire, { memory: known })).send("Status", {}))).toBe(
      "log-rollback",
    );
    expect(known.findings).toMatchObject([{ code: "log-rollback", heads: [newest.note, memory.newest?.note] }]);
    expect(known.newest).toBe(newest);
  });

  it.each([
    ["of the same size", 0],
    ["that is greater", 1],
  ])("must not have a head %s on another history", async (_, less) => {
    const { wire, client, memory } = await withAlice();
    const size = memory.newest!.size - less;
    const newest = madeUp(makeSigner(client.log?.origin), size);
    const known = newMemory({ verifier: client.log!.verifier, newest });
    expect(await errorCode(async () => (await connect(wire, { memory: known })).send("Status", {}))).toBe("log-fork");
    expect(known.findings).toMatchObject([{ code: "log-fork", heads: [newest.note, expect.any(String)] }]);
    // By its own tiles the greater tree shows how it really begins.
    expect(known.findings[0]?.prefix?.length ?? 0).toBe(less === 0 ? 0 : 2);
  });

  it("must prove that its head follows", async () => {
    const { wire, client } = await withAlice();
    await withBob(wire);
    wire.intercept = lying(({ Consistency: _, ...message }) => message);
    expect(await errorCode(() => client.send("Status", {}))).toBe("proof-missing");
    for (const change of [
      ([first, ...others]: string[]) => [`${first![0] === "A" ? "B" : "A"}${first!.slice(1)}`, ...others],
      (all: string[]) => all.slice(1),
      () => [],
      // A second spelling of the same octets.
      ([first, ...others]: string[]) => [`${first!.slice(0, -1)}${first!.endsWith("B") ? "C" : "B"}`, ...others],
      () => "x",
    ]) {
      wire.intercept = lying((message) => ({ ...message, Consistency: change(message["Consistency"] as string[]) }));
      expect(await errorCode(() => client.send("Status", {}))).toBe("log-fork");
    }
    wire.intercept = undefined;
    await client.send("Status", {});
  });
});

describe("answers that come at once", () => {
  /** Alice's client, which knows a head without leaves, of a log that is signed with a key of ours. */
  const withSigner = async (): Promise<{
    wire: Wire;
    client: PortalClient;
    memory: TestMemory;
    signer: TestSigner;
  }> => {
    const { wire, client } = await withAlice();
    const signer = makeSigner(client.log?.origin);
    const empty = noteOf(signer, { size: 0, root: EMPTY_ROOT });
    wire.intercept = async (call) => {
      if (call.transaction === "file") return call.forward();
      return altered(await call.forward(), (message) =>
        call.transaction === "Hello"
          ? { ...message, Log: { Key: signer.verifier } }
          : { ...message, Checkpoint: empty },
      );
    };
    const memory = newMemory();
    const own = await connect(wire, { memory });
    await own.send("Status", {});
    return { wire, client: own, memory, signer };
  };

  it("are those to Gets, which do not wait for each other", async () => {
    const { wire, client } = await withAlice();
    await client.send("Status", {});
    const waiting: (() => void)[] = [];
    wire.intercept = async (call) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 3) for (const go of waiting) go();
      });
      return call.forward();
    };
    const answers = await Promise.all([1, 2, 3].map(() => client.send("Get", { Account: ACCOUNT })));
    expect(answers.map(({ Status }) => Status)).toEqual([201, 201, 201]);
  });

  it("may be older than one that has come first", async () => {
    const { wire, client, memory } = await withAlice();
    const before = memory.newest?.size ?? 0;
    let release = (): void => undefined;
    wire.intercept = async (call) => {
      const reply = await call.forward();
      if (call.index === 0) await new Promise<void>((resolve) => (release = resolve));
      return reply;
    };
    const older = client.send("Get", { Account: ACCOUNT });
    await vi.waitFor(() => expect(wire.seen.at(-1)).toBe("Get"));
    await withBob(wire);
    await client.send("Get", { Account: BOB });
    const newest = memory.newest;
    expect(newest?.size).toBeGreaterThan(before);
    release();
    await older;
    expect(memory.newest).toBe(newest);
    expect(memory.findings).toEqual([]);
  });

  it("may have an older version than one that has come first", async () => {
    const { wire, client, memory, alice } = await withAlice();
    let release = (): void => undefined;
    let count = 0;
    wire.intercept = async (call) => {
      const isFirst = call.transaction === "Get" && count++ === 0;
      const reply = await call.forward();
      if (isFirst) await new Promise<void>((resolve) => (release = resolve));
      return reply;
    };
    const older = fetchProfile(client, { account: ACCOUNT });
    await vi.waitFor(() => expect(wire.seen.at(-1)).toBe("Get"));
    const second = next(alice, alice.first);
    await publishProfile(await connect(wire), second, alice.signer);
    expect((await fetchProfile(client, { account: ACCOUNT }))?.profile.hash).toBe(second.hash);
    release();
    expect((await older)?.profile.hash).toBe(alice.first.hash);
    expect(memory.findings).toEqual([]);
  });

  it.each([
    ["of the same size", 1, 1],
    ["smaller than the other", 2, 1],
    ["greater than the other", 1, 2],
  ])("must not show two histories, with a head %s", async (_, first, second) => {
    const { wire, client, memory, signer } = await withSigner();
    const notes = [first, second].map((size) => noteOf(signer, { size, root: randomBytes(32) }));
    const waiting: (() => void)[] = [];
    wire.intercept = async (call) => {
      if (call.transaction === "file") return call.forward();
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) for (const go of waiting) go();
      });
      return altered(await call.forward(), ({ Consistency: _path, ...message }) => ({
        ...message,
        Checkpoint: notes[call.index],
      }));
    };
    const ended = await Promise.allSettled([1, 2].map(() => client.send("Get", { Account: ACCOUNT })));
    expect(ended.flatMap((end) => (end.status === "rejected" ? [(end.reason as MeshError).code] : []))).toEqual([
      "log-fork",
    ]);
    const sorted = [...notes].sort((a, b) => (readCheckpoint(a)?.size ?? 0) - (readCheckpoint(b)?.size ?? 0));
    expect(memory.findings).toMatchObject([{ code: "log-fork" }]);
    expect(memory.findings[0]?.heads).toEqual(first === second ? expect.arrayContaining(notes) : sorted);
  });
});

describe("the key of the log", () => {
  /** Says in Hello that `before` was the key until the present one. */
  const changed =
    (before: TestSigner, announced = "now", size = 0) =>
    async (call: Call): ReturnType<Call["forward"]> => {
      const reply = await call.forward();
      if (call.transaction !== "Hello") return reply;
      return altered(reply, (message) => {
        const { Key } = message["Log"] as { Key: string };
        const change = before.change({ origin: before.origin, verifier: Key, sign: () => "" }, size);
        return { ...message, Log: announced === "now" ? { Key, KeyChanges: [change] } : { Key: announced } };
      });
    };

  it("is trusted at first, and followed from then on", async () => {
    const { wire, client } = await withAlice();
    const before = makeSigner(client.log?.origin);
    const memory = newMemory({ verifier: before.verifier });
    expect(await errorCode(() => connect(wire, { memory }))).toBe("log-key-changed");
    expect(memory.findings).toMatchObject([{ code: "log-key-changed", announced: client.log?.verifier }]);
    wire.intercept = changed(before);
    const again = await connect(wire, { memory });
    await again.send("Status", {});
    expect(memory.verifier).toBe(client.log?.verifier);
    // The pins count as well.
    const pinned = {
      wrapping: "reference" as const,
      extensions: [],
      log: { verifier: makeSigner(client.log?.origin).verifier, size: 0, root: randomBytes(32).toString("base64url") },
    };
    expect(await errorCode(() => connect(wire, { memory: newMemory(), pinned }))).toBe("log-key-changed");
    expect(await errorCode(() => connect(wire, { pinned }))).toBe("log-key-changed");
  });

  it("may change while a client is connected", async () => {
    const { wire } = await withAlice();
    const plain = await connect(wire);
    const before = makeSigner(plain.log?.origin);
    const memory = newMemory();
    wire.intercept = changed(before, before.verifier);
    const client = await connect(wire, { memory });
    expect(client.log?.verifier).toBe(before.verifier);
    // Heads are signed by another key than was announced, and the Hello goes on saying so.
    expect(await errorCode(() => client.send("Status", {}))).toBe("log-signature");
    wire.intercept = changed(before);
    await client.send("Status", {});
    expect(client.log?.verifier).toBe(plain.log?.verifier);
    expect(memory.verifier).toBe(plain.log?.verifier);
  });

  it("must be announced, and so must the log where there was one", async () => {
    const { wire, client } = await withAlice();
    for (const log of [undefined, { Key: "x" }]) {
      wire.intercept = lying((message) => ({ ...message, Log: log }), "Hello");
      expect(await errorCode(() => connect(wire))).toBe("portal-answer");
    }
    wire.intercept = lying((message) => ({ ...message, Extensions: [] }), "Hello");
    expect(await errorCode(() => connect(wire, { memory: newMemory({ verifier: client.log!.verifier }) }))).toBe(
      "downgrade",
    );
    expect((await connect(wire, { memory: newMemory() })).log).toBeUndefined();
  });
});

describe("what is known without a note, or not proved yet", () => {
  const headOf = ({ newest }: LogMemory): { size: number; root: Buffer } => ({
    size: newest!.size,
    root: newest!.root,
  });

  it("is proved out of the log's tiles", async () => {
    const { wire, client, memory } = await withAlice();
    const known = headOf(memory);
    await withBob(wire);
    const verifier = client.log!.verifier;
    const fine = newMemory({ verifier, newest: known });
    await (await connect(wire, { memory: fine })).send("Status", {});
    expect(fine.newest?.size).toBeGreaterThan(known.size);
    const forked = newMemory({ verifier, newest: { ...known, root: randomBytes(32) } });
    expect(await errorCode(async () => (await connect(wire, { memory: forked })).send("Status", {}))).toBe("log-fork");
    const back = newMemory({ verifier, newest: { ...known, size: 1000 } });
    expect(await errorCode(async () => (await connect(wire, { memory: back })).send("Status", {}))).toBe(
      "log-rollback",
    );
    // A note is missing, so that nobody else could judge.
    expect([...forked.findings, ...back.findings].map(({ heads }) => heads?.length)).toEqual([1, 1]);
    wire.intercept = (call) =>
      call.transaction === "file" ? { status: 404, headers: {}, body: Buffer.alloc(0) } : call.forward();
    const again = newMemory({ verifier, newest: known });
    expect(await errorCode(async () => (await connect(wire, { memory: again })).send("Status", {}))).toBe(
      "proof-missing",
    );
  });

  it("is proved at the next contact", async () => {
    const { wire, client, memory } = await withAlice();
    const before = memory.newest!.note!;
    await withBob(wire);
    await client.send("Status", {});
    const verifier = client.log!.verifier;
    const foreign = madeUp(makeSigner(client.log?.origin), 1).note;
    const signed = madeUp(earlierKey(wire, verifier), 1).note;
    const fresh = (unproven: LogMemory["unproven"]): TestMemory =>
      newMemory({ verifier, newest: memory.newest, unproven });
    const fine = fresh([
      { checkpoint: before },
      { checkpoint: before, by: "MDEV" },
      // Whoever makes a record can write anything into it: what the log has not signed is dropped.
      { checkpoint: foreign, by: "MDEV" },
      { checkpoint: madeUp(makeSigner(client.log?.origin), 1000).note, by: "MDEV" },
    ]);
    await (await connect(wire, { memory: fine })).send("Status", {});
    expect(fine.unproven).toEqual([]);
    for (const [unproven, code] of [
      [{ checkpoint: foreign }, "log-fork"],
      [{ checkpoint: signed, by: "MDEV" }, "log-split"],
      [{ checkpoint: madeUp(makeSigner(client.log?.origin), 1000).note }, "log-rollback"],
    ] as const) {
      const bad = fresh([unproven]);
      const again = await connect(wire, { memory: bad });
      expect(await errorCode(() => again.send("Status", {}))).toBe(code);
      // It is not forgotten.
      expect(await errorCode(() => again.send("Status", {}))).toBe(code);
      expect(bad.findings[0]?.code).toBe(code);
    }
  });

  it("a checkpoint in a record must be on the same history", async () => {
    const { wire, alice, client, memory } = await withAlice();
    const before = memory.newest!.note!;
    await withBob(wire);
    await client.send("Status", {});
    const earlier = earlierKey(wire, client.log!.verifier);
    const log = (await connect(wire, { memory })).log!;
    const record = { SignedDeviceProfile: alice.admin.device.record };
    expect(await log.checkToken(before, "MDEV", record)).toBe("held");
    expect(await log.checkToken(memory.newest!.note!, "MDEV", record)).toBe("held");
    // It says nothing about this log.
    expect(await log.checkToken(madeUp(makeSigner("other.example"), 1).note, "MDEV", record)).toBe("elsewhere");
    expect(await log.checkToken("no note", "MDEV", record)).toBe("elsewhere");
    const sizes = [1, memory.newest!.size, 1000];
    // What the log has not signed says nothing about it: neither a key of the same name, nor the log's own note with another size.
    for (const size of sizes) {
      expect(await log.checkToken(madeUp(makeSigner(log.origin), size).note, "MDEV", record)).toBe("unsigned");
      const [name, , ...rest] = before.split("\n");
      const edited = [name, size + 100, ...rest].join("\n");
      expect(await log.checkToken(edited, "MDEV", record)).toBe("unsigned");
    }
    expect(memory.findings).toEqual([]);
    expect(memory.disputed).toBe(false);
    for (const size of sizes) {
      const token = madeUp(earlier, size).note;
      expect(await errorCode(() => log.checkToken(token, "MDEV", record))).toBe("log-split");
    }
    expect(memory.findings.map(({ code, record: kept }) => [code, kept])).toEqual(
      Array.from({ length: 3 }, () => ["log-split", record]),
    );
  });

  it("clients of one memory take turns", async () => {
    const { wire, memory } = await withAlice();
    const [one, two] = [await connect(wire, { memory }), await connect(wire, { memory })];
    const before = memory.newest!.size;
    await Promise.all([
      one.send("Status", {}),
      withBob(wire).then(() => two.send("Status", {})),
      one.send("Status", {}),
      two.send("Status", {}),
    ]);
    await two.send("Status", {});
    expect(memory.newest?.size).toBeGreaterThan(before);
    expect(memory.findings).toEqual([]);
  });
});

describe("what is served", () => {
  const served = (change: (item: Message) => unknown) =>
    lying((message) => {
      for (const item of itemsOf(message)) change(item);
      return message;
    }, "Get");

  it("must be proved to be in the log", async () => {
    const { wire, alice, client, memory } = await withAlice();
    const query = { account: ACCOUNT, identifier: alice.first.udf };
    wire.intercept = served((item) => delete item["Proof"]);
    expect(await errorCode(() => fetchProfile(client, query))).toBe("proof-missing");
    wire.intercept = served((item) => ((item["Proof"] as Message)["Index"] = 0));
    expect((await fetchProfile(client, query))?.profile.hash).toBe(alice.first.hash);
    for (const change of [
      (proof: Message) => (proof["Index"] = 1),
      (proof: Message) => (proof["Index"] = 1e9),
      (proof: Message) => (proof["Hashes"] = []),
      (proof: Message) => (proof["Leaf"] = String(proof["Leaf"]).slice(4)),
      (proof: Message) => (proof["Leaf"] = `${String(proof["Leaf"])}AAAA`),
    ]) {
      wire.intercept = served((item) => change(item["Proof"] as Message));
      expect(await errorCode(() => fetchProfile(client, query))).toBe("proof-invalid");
      expect(evidence(memory.findings.at(-1))).toBe("unexplained");
    }
    // A proof that holds, but of something else.
    wire.intercept = lying((message) => ({ ...message, AccountProof: itemsOf(message)[0]!["Proof"] }), "Get");
    expect(await errorCode(() => fetchProfile(client, query))).toBe("proof-invalid");
    wire.intercept = lying((message) => {
      itemsOf(message)[0]!["Proof"] = message["AccountProof"];
      return message;
    }, "Get");
    expect(await errorCode(() => fetchProfile(client, query))).toBe("proof-invalid");
  });

  it("an account must belong to the profile, with the status that is said", async () => {
    const { wire, alice, client } = await withAlice();
    const bob = await withBob(wire);
    wire.intercept = lying(({ AccountProof: _, ...message }) => message, "Get");
    expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("proof-missing");
    for (const status of ["Suspended", "Closed"]) {
      wire.intercept = lying((message) => ({ ...message, AccountStatus: status }), "Get");
      expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("proof-invalid");
    }
    wire.intercept = lying(({ AccountStatus: _, ...message }) => message, "Get");
    expect(await fetchAccount(client, ACCOUNT)).toMatchObject({ status: undefined });
    // Bob's profile with its own proof, under the leaf of Alice's account.
    let bobs: Message | undefined;
    wire.intercept = lying((message) => (bobs = message), "Get");
    await fetchProfile(client, { identifier: bob.first.udf });
    wire.intercept = lying((message) => ({ ...message, DataItems: itemsOf(bobs!) }), "Get");
    expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("fingerprint-mismatch");
    expect(await errorCode(() => fetchProfile(client, { account: ACCOUNT, identifier: alice.first.udf }))).toBe(
      "fingerprint-mismatch",
    );
    wire.intercept = lying((message) => ({ ...message, AccountProof: itemsOf(bobs!)[0]!["Proof"] }), "Get");
    expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("proof-invalid");
  });

  it("an account without its profile is an omission, unless it is closed", async () => {
    const { wire, alice, client, memory } = await withAlice();
    for (const items of [[], undefined]) {
      wire.intercept = lying((message) => ({ ...message, DataItems: items }), "Get");
      expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("log-omission");
      expect(evidence(memory.findings.at(-1))).toBe("unexplained");
    }
    // Whose it is must be known to say that it is closed.
    wire.intercept = async (call) => {
      const reply = await call.forward();
      if (call.transaction !== "Get") return reply;
      const lie = altered(reply, ({ DataItems: _, ...message }) => ({
        ...message,
        Status: 404,
        AccountStatus: "Closed",
      }));
      return { ...lie, status: 404 };
    };
    expect(await fetchAccount(client, ACCOUNT)).toEqual({ status: "closed", fetched: undefined });
    expect(await errorCode(() => fetchAccount(client, ACCOUNT, alice.first.udf))).toBe("proof-invalid");
    wire.intercept = undefined;
    await deleteAccount(client, ACCOUNT, alice.first.udf, alice.signer);
    expect(await fetchAccount(client, ACCOUNT, alice.first.udf)).toEqual({ status: "closed", fetched: undefined });
    expect(await fetchProfile(client, { account: ACCOUNT, identifier: alice.first.udf })).toBeUndefined();
    wire.intercept = lying(({ AccountProof: _, ...message }) => message, "Get");
    expect(await errorCode(() => fetchAccount(client, ACCOUNT))).toBe("proof-missing");
    wire.intercept = undefined;
    expect(await fetchAccount(client, BOB)).toEqual({ status: undefined, fetched: undefined });
  });

  it("an older version is one where a newer one was shown before", async () => {
    const { wire, alice, client, memory } = await withAlice();
    await publishProfile(client, next(alice, alice.first), alice.signer);
    wire.intercept = async (call) => {
      const reply = await call.forward();
      return call.transaction !== "Get" || call.message["Multiple"] === true
        ? reply
        : altered(reply, (message) => ({ ...message, DataItems: history.slice(-1) }));
    };
    const history: Message[] = [];
    const collect = wire.intercept;
    wire.intercept = lying((message) => {
      history.push(...itemsOf(message));
      return message;
    }, "Get");
    await fetchHistory(client, alice.first.udf);
    wire.intercept = collect;
    expect(await errorCode(() => fetchProfile(client, { identifier: alice.first.udf }))).toBe("log-omission");
    expect(evidence(memory.findings.at(-1))).toBe("unexplained");
  });

  it("results and escrow entries, too", async () => {
    const { wire, alice, client } = await withAlice();
    const phone = newDevice("phone");
    const request = createConnectionRequest(phone.device, alice.first.udf, phone.keys.signature);
    await startConnection(client, ACCOUNT, request);
    const result = createConnectionResult(phone.device.record, alice.first.udf, "Refused", alice.admin.keys.online);
    const status = (): Promise<unknown> => connectionResult(client, ACCOUNT, phone.device.udf);
    expect(await status()).toBeUndefined();
    wire.intercept = lying(({ Proofs: _, ...message }) => message, "ConnectComplete");
    expect(await errorCode(() => completeConnection(client, ACCOUNT, result, alice.signer))).toBe("proof-missing");
    wire.intercept = undefined;
    // Done already, and proved all the same.
    await completeConnection(client, ACCOUNT, result, alice.signer);
    expect(await status()).toEqual(result);
    wire.intercept = lying(({ Proofs: _, ...message }) => message, "ConnectStatus");
    expect(await errorCode(status)).toBe("proof-missing");
    const other = createConnectionResult(phone.device.record, alice.first.udf, "Accepted", alice.admin.keys.online);
    wire.intercept = lying((message) => ({ ...message, Result: other }), "ConnectStatus");
    expect(await errorCode(status)).toBe("proof-invalid");
    // What is no result needs no proof; the reader of results refuses it.
    wire.intercept = lying((message) => ({ ...message, Result: "x" }), "ConnectStatus");
    expect(await status()).toBe("x");
    wire.intercept = undefined;

    const entry = await createEscrowEntry(
      randomBytes(16),
      [alice.master.signature, alice.master.escrow],
      alice.first.master,
      [],
    );
    await publishEscrowEntry(client, entry, alice.signer);
    expect(await fetchEscrowEntry(client, entry.Identifier)).toEqual([entry]);
    wire.intercept = served((item) => delete item["Proof"]);
    expect(await errorCode(() => fetchEscrowEntry(client, entry.Identifier))).toBe("proof-missing");
    wire.intercept = served((item) => {
      const value = JSON.parse(String(item["Text"])) as { OfflineEscrowEntry: { EncryptedData: { tag: string } } };
      value.OfflineEscrowEntry.EncryptedData.tag = "A".repeat(22);
      item["Text"] = JSON.stringify(value);
    });
    expect(await errorCode(() => fetchEscrowEntry(client, entry.Identifier))).toBe("proof-invalid");
    // An item that is none is passed over, as an entry of another type is.
    wire.intercept = served((item) => (item["Text"] = "{"));
    expect(await fetchEscrowEntry(client, entry.Identifier)).toEqual([]);
  });

  it("a revocation note, too", async () => {
    const { wire, alice, client } = await withAlice();
    const note = createRevocation(alice.master.signature, new Date());
    await publishEntry(client, { SignedMasterProfile: note.record });
    expect((await fetchProfile(client, { account: ACCOUNT }))?.revocation?.hash).toBe(note.hash);
    wire.intercept = lying((message) => {
      delete itemsOf(message).at(-1)!["Proof"];
      return message;
    }, "Get");
    expect(await errorCode(() => fetchProfile(client, { account: ACCOUNT }))).toBe("proof-missing");
  });
});

describe("a change", () => {
  it("is done once its leaf is proved", async () => {
    const { wire, alice, client } = await withAlice();
    const second = next(alice, alice.first);
    const publish = (): Promise<void> => publishProfile(client, second, alice.signer);
    for (const [change, code] of [
      [({ Proofs: _, ...message }: Message) => message, "proof-missing"],
      [(message: Message) => ({ ...message, Proofs: [] }), "proof-missing"],
      [
        (message: Message) => ({ ...message, Proofs: [{ ...(message["Proofs"] as Message[])[0], Index: 0 }] }),
        "proof-invalid",
      ],
    ] as const) {
      wire.intercept = lying(change, "Publish");
      expect(await errorCode(publish)).toBe(code);
    }
    // The leaf of another version.
    let proofs: unknown;
    wire.intercept = lying((message) => {
      proofs = message["Proofs"];
      return message;
    }, "Publish");
    await publish();
    wire.intercept = lying((message) => ({ ...message, Proofs: proofs }), "Publish");
    // Its path is of a smaller tree.
    expect(await errorCode(() => publishProfile(client, next(alice, second), alice.signer))).toBe("proof-invalid");
    wire.intercept = undefined;
    await publish();
  });

  it("an account is made, and deleted, with two leaves and one", async () => {
    const wire = await openWire();
    const alice = newPerson();
    const client = await connect(wire);
    const create = (): Promise<void> => createAccount(client, ACCOUNT, alice.first, alice.signer);
    for (const index of [0, 1]) {
      wire.intercept = lying(
        (message) => ({ ...message, Proofs: (message["Proofs"] as Message[]).toSpliced(index, 1) }),
        "CreateAccount",
      );
      expect(await errorCode(create)).toBe("proof-invalid");
    }
    wire.intercept = undefined;
    await create();
    wire.intercept = lying(({ Proofs: _, ...message }) => message, "DeleteAccount");
    expect(await errorCode(() => deleteAccount(client, ACCOUNT, alice.first.udf, alice.signer))).toBe("proof-missing");
    wire.intercept = undefined;
    expect(await fetchAccount(client, ACCOUNT)).toMatchObject({ status: "closed" });
  });

  it("another person's deletion proves nothing", async () => {
    const { wire, client, alice } = await withAlice();
    const bob = newPerson();
    wire.intercept = undefined;
    expect(await errorCode(() => deleteAccount(client, ACCOUNT, bob.first.udf, alice.signer))).toBe("proof-invalid");
  });

  it("shows a version that the portal has kept to itself", async () => {
    const { wire, alice, client, memory } = await withAlice();
    await fetchProfile(client, { account: ACCOUNT });
    // What another device has published is kept from this one, up to a version that this one has been given in some other way.
    const hidden = nextPersonal(alice.admin.keys.online, alice.first, { names: [] }, new Date(0));
    const other = await connect(wire);
    await publishProfile(other, hidden, alice.signer);
    const third = next(alice, hidden);
    await publishProfile(other, third, alice.signer);
    const publish = (): Promise<void> => publishEntry(client, { SignedPersonalProfile: third.record }, alice.signer);
    expect(await errorCode(publish)).toBe("log-omission");
    expect(evidence(memory.findings.at(-1))).toBe("unexplained");
  });
});

describe("the versions of a profile", () => {
  const history = async (): Promise<{ wire: Wire; client: PortalClient; memory: TestMemory; udf: string }> => {
    const { wire, alice, client, memory } = await withAlice();
    for (const version of versions(alice, 5).slice(1)) await publishProfile(client, version, alice.signer);
    return { wire, client, memory, udf: alice.first.udf };
  };

  it("are whole and in order", async () => {
    const { client, udf } = await history();
    expect((await fetchHistory(client, udf)).map(({ sequence }) => sequence)).toEqual([5, 4, 3, 2, 1]);
  });

  it.each([
    ["in another order", (items: Message[]) => items.toSpliced(1, 2, items[2]!, items[1]!), "log-order"],
    ["one twice", (items: Message[]) => items.toSpliced(1, 0, items[0]!), "log-order"],
    ["one missing", (items: Message[]) => items.toSpliced(2, 1), "log-omission"],
    ["cut off", (items: Message[]) => items.slice(0, 3), "page-truncated"],
    ["one without proof", (items: Message[]) => items.with(3, { ...items[3]!, Proof: undefined }), "proof-missing"],
    [
      "one with the proof of another",
      (items: Message[]) => items.with(3, { ...items[3]!, Proof: items[2]!["Proof"] }),
      "proof-invalid",
    ],
  ])("%s: %s", async (_, change, code) => {
    const { wire, client, memory, udf } = await history();
    wire.intercept = lying((message) => ({ ...message, DataItems: change(itemsOf(message)) }), "Get");
    expect(await errorCode(() => fetchHistory(client, udf))).toBe(code);
    if (code === "log-omission") expect(evidence(memory.findings.at(-1))).toBe("unexplained");
  });

  it("without the newest", async () => {
    const { wire, client, udf } = await history();
    await fetchProfile(client, { identifier: udf });
    wire.intercept = lying((message) => ({ ...message, DataItems: itemsOf(message).slice(1) }), "Get");
    expect(await errorCode(() => fetchHistory(client, udf))).toBe("log-omission");
  });

  it("come by pages, and each page goes on where the one before ended", async () => {
    const { wire, client, udf } = await history();
    const all: Message[] = [];
    wire.intercept = lying((message) => {
      all.push(...itemsOf(message));
      return message;
    }, "Get");
    await fetchHistory(client, udf);
    const paged = (pages: Message[][]) => {
      let page = 0;
      return lying((message) => {
        const items = pages[page++]!;
        const query = { identifier: udf, allVersions: true, below: 1000 - page };
        const PageKey = page < pages.length ? encodeGetPage({ query, full: true }) : undefined;
        return { ...message, DataItems: items, PageKey };
      }, "Get");
    };
    wire.intercept = paged([all.slice(0, 2), all.slice(2)]);
    expect((await fetchHistory(client, udf)).map(({ sequence }) => sequence)).toEqual([5, 4, 3, 2, 1]);
    wire.intercept = paged([all.slice(0, 2), all.slice(3)]);
    expect(await errorCode(() => fetchHistory(client, udf))).toBe("log-omission");
    wire.intercept = paged([all.slice(2), all.slice(0, 2)]);
    expect(await errorCode(() => fetchHistory(client, udf))).toMatch(/^log-(order|omission)$/);
    wire.intercept = paged([all.slice(0, 2), all.slice(2, 4)]);
    expect(await errorCode(() => fetchHistory(client, udf))).toBe("page-truncated");
  });
});

describe("static files", () => {
  it("are read over http and from the embedded portal", async () => {
    const { wire, client, memory } = await withAlice();
    const note = (await client.getStatic("checkpoint"))?.toString("utf8");
    expect(readCheckpoint(note!)?.size).toBe(memory.newest?.size);
    expect((await client.getStatic(`tile/0/000.p/${memory.newest?.size}`))?.length).toBe(32 * memory.newest!.size);
    expect(await client.getStatic("tile/0/999")).toBeUndefined();
    wire.intercept = () => ({ status: 503, headers: {}, body: Buffer.alloc(0) });
    expect(await errorCode(() => client.getStatic("checkpoint"))).toBe("portal-busy");
    const path = `${temporaryFolder()}/store`;
    const embedded = await openPortal(quickDeps(), { kind: "embedded", url: `file:${path}`, path }, { timeout: 5000 });
    clients.push(embedded);
    const alice = newPerson();
    await createAccount(embedded, ACCOUNT, alice.first, alice.signer);
    expect(readCheckpoint((await embedded.getStatic("checkpoint"))!.toString("utf8"))?.size).toBe(2);
    expect((await embedded.getStatic("tile/0/000.p/2"))?.length).toBe(64);
    expect(await embedded.getStatic("tile/0/000.p/3")).toBeUndefined();
  });
});
