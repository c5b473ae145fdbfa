import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../../src/mesh/bytes.js";
import {
  buildEvidence,
  coversEvidence,
  EVIDENCE_KINDS,
  EVIDENCE_LIMIT,
  formatEvidence,
  parseEvidence,
  verifyEvidence,
  type Evidence,
  type EvidenceFacts,
} from "../../../src/mesh/log/evidence.js";
import { checkpointText } from "../../../src/mesh/log/checkpoint.js";
import { keyChangeText } from "../../../src/mesh/log/key-change.js";
import { encodeLeaf, identifierHash, type Leaf, type LeafKind } from "../../../src/mesh/log/leaf.js";
import { signNote, verifierKey } from "../../../src/mesh/log/note.js";
import { tileReader } from "../../../src/mesh/log/tiles.js";
import { leafHash, prefixProof } from "../../../src/mesh/log/tree.js";
import type { Proof } from "../../../src/mesh/protocol.js";
import { altered, newPerson, NOW, refusal } from "../support.js";
import { flipped, noteKey, sampleLog, type SampleLog } from "./support.js";

const origin = "log.example";
const key = noteKey("evidence");
const at = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000);

/** The leaf of a version of some personal profile. */
const leafOf = (identifier: string, sequence: number, change: Partial<Leaf> = {}): Buffer =>
  encodeLeaf({
    kind: "personal",
    identifierHash: identifierHash(identifier),
    masterSequence: 1,
    sequence,
    previous: undefined,
    recordHash: Buffer.alloc(32, sequence),
    ...change,
  });

/** A log of strangers' leaves. */
const logOf = (size: number, different?: number): SampleLog => {
  const log = sampleLog(origin, key);
  const leaves = Array.from({ length: size }, (_, index) =>
    leafOf(`${index}${index === different ? " other" : ""}`, 1),
  );
  log.append(...leaves);
  return log;
};

const texts = (hashes: readonly Uint8Array[]): string[] => hashes.map(encodeBase64url);
const proofOf = (log: SampleLog, index: number, size?: number): Proof => ({
  Index: index,
  Leaf: encodeBase64url(log.leaves[index]!),
  Hashes: texts(log.inclusion(index, size)),
});

const honest = logOf(20);
const forked = logOf(20, 3);
const source = { found: NOW, portal: "https://portal.example/", verifier: honest.verifier };
const evidence = (facts: Omit<EvidenceFacts, keyof typeof source> & Partial<EvidenceFacts>): Evidence =>
  buildEvidence({ ...source, ...facts });
const verdict = (facts: Parameters<typeof evidence>[0]) => {
  const { verdict, contradiction } = verifyEvidence(evidence(facts));
  return contradiction ? [verdict, contradiction] : [verdict];
};
const invalid = (facts: Parameters<typeof evidence>[0]) => refusal(() => verifyEvidence(evidence(facts)));

describe("a fork", () => {
  const ours = honest.checkpoint(at(0), 7);
  const theirs = forked.checkpoint(at(1));

  test("two heads of one size with different roots are proof", () => {
    const heads = [honest.checkpoint(at(0), 7), forked.checkpoint(at(1), 7)];
    expect(verdict({ kind: "log-fork", heads })).toEqual(["proven", "two-roots"]);
    expect(verdict({ kind: "log-fork", heads: heads.toReversed() })).toEqual(["proven", "two-roots"]);
  });

  test("the report says whose head, and by which key", () => {
    const report = verifyEvidence(evidence({ kind: "log-fork", heads: [ours, theirs] }));
    expect(report).toMatchObject({
      verdict: "unexplained",
      kind: "log-fork",
      origin,
      key: honest.verifier,
      portal: "https://portal.example/",
      found: NOW.toISOString(),
    });
    expect(report.heads.map(({ size }) => size)).toEqual([7, 20]);
  });

  test("a head that is not proved to follow is unexplained", () => {
    expect(verdict({ kind: "log-fork", heads: [ours, theirs] })).toEqual(["unexplained"]);
    const wrong = texts(honest.consistency(7));
    expect(verdict({ kind: "log-fork", heads: [ours, theirs], consistency: wrong })).toEqual(["unexplained"]);
    const short = texts(forked.consistency(7)).slice(1);
    expect(verdict({ kind: "log-fork", heads: [ours, theirs], consistency: short })).toEqual(["unexplained"]);
  });

  test("the portal's own proof that its tree begins otherwise is proof", () => {
    const consistency = texts(forked.consistency(7));
    expect(verdict({ kind: "log-fork", heads: [ours, theirs], consistency })).toEqual(["proven", "other-prefix"]);
    // Of a complete tree it leaves out what would show it, unless it is made from the tiles.
    const complete = [honest.checkpoint(at(0), 8), theirs];
    const eight = texts(forked.consistency(8));
    expect(verdict({ kind: "log-fork", heads: complete, consistency: eight })).toEqual(["unexplained"]);
    const prefix = prefixProof(8, 20, tileReader(forked.tile));
    expect(verdict({ kind: "log-fork", heads: complete, consistency: eight, prefix })).toEqual([
      "proven",
      "other-prefix",
    ]);
  });

  test("two leaves at one place are proof", () => {
    const proofs = [
      { head: 0 as const, proof: proofOf(honest, 3, 7) },
      { head: 1 as const, proof: proofOf(forked, 3) },
    ];
    expect(verdict({ kind: "log-fork", heads: [ours, theirs], proofs })).toEqual(["proven", "two-leaves"]);
    const same = [proofs[0]!, { head: 1 as const, proof: proofOf(forked, 4) }];
    expect(verdict({ kind: "log-fork", heads: [ours, theirs], proofs: same })).toEqual(["unexplained"]);
  });

  test("is none where the heads are of one history", () => {
    const later = honest.checkpoint(at(1));
    const consistency = texts(honest.consistency(7));
    expect(invalid({ kind: "log-fork", heads: [ours, later], consistency })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-fork", heads: [ours, honest.checkpoint(at(1), 7)] })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-fork", heads: [ours, ours] })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-fork", heads: [honest.checkpoint(at(0), 0), later] })).toBe("evidence-invalid");
  });

  test("a greater head that was signed by a clock put right is none by that", () => {
    const heads = [honest.checkpoint(at(6), 7), honest.checkpoint(at(0))];
    const consistency = texts(honest.consistency(7));
    expect(invalid({ kind: "log-fork", heads, consistency })).toBe("evidence-invalid");
    expect(verdict({ kind: "log-fork", heads })).toEqual(["unexplained"]);
    const other = [heads[0] ?? "", forked.checkpoint(at(0))];
    expect(verdict({ kind: "log-fork", heads: other, consistency: texts(forked.consistency(7)) })).toEqual([
      "proven",
      "other-prefix",
    ]);
  });

  test("needs two heads", () => {
    expect(invalid({ kind: "log-fork", heads: [ours] })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-fork", heads: [] })).toBe("evidence-invalid");
  });
});

describe("a rollback", () => {
  test("a smaller head is unexplained, whenever it was signed: clocks are put right", () => {
    for (const minutes of [-1, 0, 1, 1000]) {
      const heads = [honest.checkpoint(at(0)), honest.checkpoint(at(minutes), 7)];
      expect(verdict({ kind: "log-rollback", heads })).toEqual(["unexplained"]);
    }
  });

  test("is none where the log has not shrunk", () => {
    const heads = [honest.checkpoint(at(0), 7), honest.checkpoint(at(1))];
    expect(invalid({ kind: "log-rollback", heads })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-rollback", heads: heads.slice(0, 1) })).toBe("evidence-invalid");
  });
});

describe("a split", () => {
  const { keys, admin, personal } = newPerson("evidence");
  const carried = honest.checkpoint(at(0), 7);
  const withToken = (payload: Record<string, unknown>) => ({ ...payload, NotaryToken: carried });
  const profile = { SignedPersonalProfile: altered(personal.record, "PersonalProfile", admin.keys.online, withToken) };
  const device = {
    SignedDeviceProfile: altered(admin.device.record, "DeviceProfile", admin.keys.signature, withToken),
  };
  const theirs = forked.checkpoint(at(1), 12);

  test.each([
    ["personal profile", profile],
    ["device profile", device],
  ])("is shown by the %s that carries a head", (_, record) => {
    expect(verdict({ kind: "log-split", heads: [carried, theirs], record })).toEqual(["unexplained"]);
    const consistency = texts(forked.consistency(7, 12));
    const proven = ["proven", "other-prefix"];
    expect(verdict({ kind: "log-split", heads: [carried, theirs], record, consistency })).toEqual(proven);
    const twoRoots = { kind: "log-split", heads: [carried, forked.checkpoint(at(1), 7)], record } as const;
    expect(verdict(twoRoots)).toEqual(["proven", "two-roots"]);
    const smaller = { kind: "log-split", heads: [carried, forked.checkpoint(at(1), 5)], record } as const;
    expect(verdict(smaller)).toEqual(["unexplained"]);
  });

  test("is none where the heads are of one history", () => {
    const consistency = texts(honest.consistency(7, 12));
    const heads = [carried, honest.checkpoint(at(1), 12)];
    expect(invalid({ kind: "log-split", heads, record: profile, consistency })).toBe("evidence-invalid");
  });

  test("a record in it carries the first head and is signed", () => {
    const heads = [carried, theirs];
    expect(verdict({ kind: "log-split", heads })).toEqual(["unexplained"]);
    expect(invalid({ kind: "log-split", heads: [carried] })).toBe("evidence-invalid");
    expect(invalid({ kind: "log-split", heads: heads.toReversed(), record: profile })).toBe("evidence-invalid");
    const bare = { SignedPersonalProfile: personal.record };
    expect(invalid({ kind: "log-split", heads, record: bare })).toBe("evidence-invalid");
    const stranger = newPerson("stranger").admin.keys.online;
    const forged = altered(personal.record, "PersonalProfile", stranger, withToken);
    expect(invalid({ kind: "log-split", heads, record: { SignedPersonalProfile: forged } })).toBe("evidence-invalid");
    const misnamed = { SignedDeviceProfile: profile.SignedPersonalProfile };
    expect(invalid({ kind: "log-split", heads, record: misnamed })).toBe("evidence-invalid");
    const byMaster = altered(personal.record, "PersonalProfile", keys.signature, withToken);
    expect(invalid({ kind: "log-split", heads, record: { SignedPersonalProfile: byMaster } })).toBe("evidence-invalid");
  });
});

describe("the order of leaves", () => {
  const subject = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
  /** A log in which the second leaf is about the subject, and another leaf after it. */
  const withLeaf = (second: (first: { index: number; hash: Buffer }) => Buffer): SampleLog => {
    const log = logOf(1);
    log.append(leafOf(subject, 4));
    log.append(second({ index: 1, hash: leafHash(log.leaves[1]!) }));
    return log;
  };
  const shown = (log: SampleLog, indexes = [1, 2]) => ({
    kind: "log-order" as const,
    heads: [log.checkpoint(at(0))],
    proofs: indexes.map((index) => ({ head: 0 as const, proof: proofOf(log, index) })),
    about: { kind: "personal" as LeafKind, identifier: subject },
  });

  test.each<[string, (first: { index: number; hash: Buffer }) => Buffer, string]>([
    ["an equal sequence", (previous) => leafOf(subject, 4, { previous }), "sequences"],
    ["a lower sequence", (previous) => leafOf(subject, 3, { previous }), "sequences"],
    ["no leaf before it", () => leafOf(subject, 5), "links"],
    ["an earlier leaf", (first) => leafOf(subject, 5, { previous: { ...first, index: 0 } }), "links"],
    ["another hash", () => leafOf(subject, 5, { previous: { index: 1, hash: Buffer.alloc(32) } }), "links"],
    ["a leaf about another", (previous) => leafOf("another", 5, { previous }), "links"],
    ["itself", ({ hash }) => leafOf(subject, 5, { previous: { index: 2, hash } }), "links"],
  ])("%s is proof", (_, second, contradiction) => {
    const log = withLeaf(second);
    expect(verdict(shown(log))).toEqual(["proven", contradiction]);
    expect(verdict(shown(log, [2, 1]))).toEqual(["proven", contradiction]);
  });

  test("is not wrong where the leaves follow each other and are served newest first", () => {
    const log = withLeaf((previous) => leafOf(subject, 5, { previous }));
    expect(verdict(shown(log))).toEqual(["unexplained"]);
    expect(verdict(shown(log, [1, 1]))).toEqual(["unexplained"]);
    expect(invalid(shown(log, [2, 1]))).toBe("evidence-invalid");
    expect(invalid({ ...shown(log, [0, 2]), about: undefined })).toBe("evidence-invalid");
    expect(invalid(shown(log, [1]))).toBe("evidence-invalid");
    expect(invalid({ kind: "log-order", heads: [log.checkpoint(at(0))] })).toBe("evidence-invalid");
  });

  test("is not shown by leaves that are not in the tree", () => {
    const log = withLeaf((previous) => leafOf(subject, 4, { previous }));
    const facts = shown(log);
    const [first, second] = facts.proofs;
    const elsewhere = { head: 0 as const, proof: { ...second!.proof, Index: 0 } };
    expect(invalid({ ...facts, proofs: [first!, elsewhere] })).toBe("evidence-invalid");
    const otherHead = { ...facts, heads: [withLeaf(() => leafOf("x", 1)).checkpoint(at(0))] };
    expect(invalid(otherHead)).toBe("evidence-invalid");
    expect(invalid({ ...facts, heads: [] })).toBe("evidence-invalid");
    expect(invalid({ ...facts, proofs: [first!, { ...second!, head: 1 }] })).toBe("evidence-invalid");
  });

  test("is about what it says", () => {
    const facts = shown(withLeaf((previous) => leafOf(subject, 4, { previous })));
    expect(invalid({ ...facts, about: { kind: "personal", identifier: "another" } })).toBe("evidence-invalid");
    expect(invalid({ ...facts, about: { kind: "device", identifier: subject } })).toBe("evidence-invalid");
    expect(verdict({ ...facts, about: undefined })).toEqual(["proven", "sequences"]);
  });
});

describe("an omission", () => {
  const facts = {
    kind: "log-omission" as const,
    heads: [honest.checkpoint(at(0))],
    proofs: [{ head: 0 as const, proof: proofOf(honest, 5) }],
    about: { kind: "personal" as const, identifier: "5" },
  };

  test("is never proved, since a portal can still serve what it has", () => {
    expect(verdict(facts)).toEqual(["unexplained"]);
  });

  test("needs a leaf that is in the tree, and its identifier", () => {
    expect(invalid({ ...facts, about: undefined })).toBe("evidence-invalid");
    expect(invalid({ ...facts, about: { kind: "personal", identifier: "6" } })).toBe("evidence-invalid");
    expect(invalid({ ...facts, proofs: undefined })).toBe("evidence-invalid");
    expect(invalid({ ...facts, heads: [forked.checkpoint(at(0))] })).toBe("evidence-invalid");
  });
});

describe("a cut page", () => {
  const subject = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
  const log = logOf(1);
  log.append(leafOf(subject, 4));
  log.append(leafOf(subject, 5, { previous: { index: 1, hash: leafHash(log.leaves[1]!) } }));
  const served = (...indexes: number[]) => ({
    kind: "page-truncated" as const,
    heads: [log.checkpoint(at(0))],
    proofs: indexes.map((index) => ({ head: 0 as const, proof: proofOf(log, index) })),
  });

  test("ends with a leaf that names one before it", () => {
    expect(verdict(served(2))).toEqual(["unexplained"]);
    expect(invalid(served(2, 1))).toBe("evidence-invalid");
    expect(invalid({ ...served(), proofs: undefined })).toBe("evidence-invalid");
  });
});

describe("an invalid proof", () => {
  const wrong: Proof = { ...proofOf(honest, 5), Index: 6 };
  const facts = (proof: Proof) => ({
    kind: "proof-invalid" as const,
    heads: [honest.checkpoint(at(0))],
    proofs: [{ head: 0 as const, proof }],
  });

  test("is unexplained, and none where the proof holds", () => {
    expect(verdict(facts(wrong))).toEqual(["unexplained"]);
    expect(verdict(facts({ ...proofOf(honest, 5), Leaf: "AAAA" }))).toEqual(["unexplained"]);
    expect(invalid(facts(proofOf(honest, 5)))).toBe("evidence-invalid");
    expect(invalid({ kind: "proof-invalid", heads: [honest.checkpoint(at(0))] })).toBe("evidence-invalid");
  });
});

describe("keys", () => {
  const next = noteKey("evidence next");
  const third = noteKey("evidence third");
  const verifiers = [key, next, third].map(({ publicKey }) => verifierKey(origin, publicKey));
  const change = (from: typeof key, to: number, size = 10): string =>
    signNote(keyChangeText({ origin, verifier: verifiers[to]!, size }), origin, from);
  const laterLog = (): SampleLog => {
    const log = sampleLog(origin, next);
    log.append(...forked.leaves);
    return log;
  };

  test("a head by the next key counts where the change is shown", () => {
    const heads = [honest.checkpoint(at(0), 7), laterLog().checkpoint(at(1), 7)];
    const facts = { kind: "log-fork", heads } as const;
    expect(verdict({ ...facts, keyChanges: [change(key, 1)] })).toEqual(["proven", "two-roots"]);
    expect(invalid(facts)).toBe("evidence-invalid");
    expect(invalid({ ...facts, keyChanges: [change(next, 1)] })).toBe("evidence-invalid");
    expect(invalid({ ...facts, keyChanges: [change(third, 1)] })).toBe("evidence-invalid");
  });

  test("a note signed by any other key is no proof", () => {
    const stranger = sampleLog(origin, third);
    stranger.append(...forked.leaves);
    const heads = [honest.checkpoint(at(0), 7), stranger.checkpoint(at(1), 7)];
    expect(invalid({ kind: "log-fork", heads })).toBe("evidence-invalid");
    const foreign = sampleLog("other.example", key);
    foreign.append(...forked.leaves);
    expect(invalid({ kind: "log-fork", heads: [heads[0]!, foreign.checkpoint(at(1), 7)] })).toBe("evidence-invalid");
  });

  test("another key without a change is unexplained, with one it is none", () => {
    const facts = { kind: "log-key-changed", heads: [honest.checkpoint(at(0))], announced: verifiers[1]! } as const;
    expect(verdict(facts)).toEqual(["unexplained"]);
    expect(verdict({ ...facts, heads: [] })).toEqual(["unexplained"]);
    expect(verdict({ ...facts, keyChanges: [change(next, 1), "nonsense"] })).toEqual(["unexplained"]);
    expect(invalid({ ...facts, keyChanges: [change(key, 1)] })).toBe("evidence-invalid");
    expect(invalid({ ...facts, announced: honest.verifier })).toBe("evidence-invalid");
    expect(invalid({ ...facts, announced: undefined })).toBe("evidence-invalid");
  });

  test("one key that names two others is proof", () => {
    const facts = { kind: "log-key-changed", heads: [], announced: verifiers[2]! } as const;
    const keyChanges = [change(key, 1), change(key, 2)];
    expect(verdict({ ...facts, keyChanges })).toEqual(["proven", "two-keys"]);
    const again = [change(key, 1), change(key, 1, 11)];
    expect(verdict({ ...facts, keyChanges: again })).toEqual(["unexplained"]);
  });

  test("the pinned key is one", () => {
    expect(invalid({ kind: "log-key-changed", heads: [], announced: verifiers[1]!, verifier: "no key" })).toBe(
      "evidence-invalid",
    );
  });
});

describe("the file", () => {
  const good = evidence({
    kind: "log-fork",
    heads: [honest.checkpoint(at(0), 7), forked.checkpoint(at(1))],
    consistency: texts(forked.consistency(7)),
    proofs: [
      { head: 0, proof: proofOf(honest, 3, 7) },
      { head: 1, proof: proofOf(forked, 3) },
    ],
  });

  test("is read back", () => {
    expect(parseEvidence(formatEvidence(good))).toEqual(good);
    expect(formatEvidence(good).length).toBeLessThan(EVIDENCE_LIMIT);
    expect(verifyEvidence(JSON.parse(formatEvidence(good)))).toMatchObject({ verdict: "proven" });
  });

  test("has exactly its members", () => {
    const wrong: unknown[] = [
      undefined,
      null,
      [],
      "text",
      {},
      { ...good, more: 1 },
      { ...good, version: 2 },
      { ...good, meshman: "profile-backup" },
      { ...good, kind: "rollback" },
      { ...good, found: "yesterday" },
      { ...good, heads: [good.heads[0], good.heads[1], good.heads[1]] },
      { ...good, heads: ["x".repeat(5000)] },
      { ...good, consistency: ["short"] },
      { ...good, consistency: Array.from({ length: 65 }, () => good.consistency![0]) },
      { ...good, proofs: [] },
      { ...good, proofs: Array.from({ length: 17 }, () => good.proofs![0]) },
      { ...good, proofs: [{ ...good.proofs![0], head: 2 }] },
      { ...good, record: { SignedMasterProfile: {} } },
    ];
    for (const value of wrong) expect(refusal(() => verifyEvidence(value))).toBe("evidence-invalid");
    for (const text of ["", "{", '{"kind":1,"kind":1}', formatEvidence(good).slice(1)]) {
      expect(refusal(() => parseEvidence(text))).toBe("evidence-invalid");
    }
  });

  test("is refused where any bit of what is signed or proved is turned over", () => {
    const turned = (text: string, bit: number): string => flipped(Buffer.from(text), bit).toString("utf8");
    for (let bit = 0; bit < 300; bit++) {
      const at = bit * 7;
      const heads = [good.heads[0]!, turned(good.heads[1]!, at)];
      expect(refusal(() => verifyEvidence({ ...good, heads }))).toBe("evidence-invalid");
      const leaf = encodeBase64url(flipped(forked.leaves[3]!, at));
      const proofs = [good.proofs![0], { head: 1, proof: { ...good.proofs![1]!.proof, Leaf: leaf } }];
      expect(refusal(() => verifyEvidence({ ...good, proofs }))).toBe("evidence-invalid");
    }
  });

  test("binary values in it have one spelling", () => {
    const proof = good.proofs![0]!.proof;
    for (const Leaf of [`${proof.Leaf}A`, `${proof.Leaf.slice(0, -1)}-`]) {
      const proofs = [{ head: 0, proof: { ...proof, Leaf } }];
      expect(refusal(() => verifyEvidence({ ...good, proofs }))).toBe("evidence-invalid");
    }
  });

  test("is not written where it could not be read", () => {
    expect(refusal(() => evidence({ kind: "log-fork", heads: ["a", "b", "c"] }))).toBe("evidence-invalid");
    expect(refusal(() => evidence({ kind: "log-fork", heads: [], portal: "x".repeat(3000) }))).toBe("evidence-invalid");
  });

  test("every kind shows nothing where there is nothing in it", () => {
    for (const kind of EVIDENCE_KINDS) expect(invalid({ kind, heads: [] })).toBe("evidence-invalid");
  });

  test("a checkpoint of another form is none", () => {
    const odd = signNote(
      checkpointText({ origin, size: 7, root: Buffer.alloc(32), time: NOW }) + "more\n",
      origin,
      key,
    );
    expect(invalid({ kind: "log-fork", heads: [good.heads[0]!, odd] })).toBe("evidence-invalid");
  });
});

describe("evidence that was kept", () => {
  const heads = [honest.checkpoint(at(0), 10), forked.checkpoint(at(1))];
  const prefix = prefixProof(10, 20, tileReader(forked.tile));
  const bare = { kind: "log-fork", heads } as const;

  test("covers what was found again, whenever the heads were signed", () => {
    const found = { ...bare, found: at(30), heads: [honest.checkpoint(at(0), 10), forked.checkpoint(at(11))] };
    expect(coversEvidence(evidence(bare), evidence(found))).toBe(true);
    expect(coversEvidence(evidence({ ...bare, prefix }), evidence(found))).toBe(true);
    const read = parseEvidence(formatEvidence(evidence({ ...bare, prefix })));
    expect(coversEvidence(read, evidence({ ...bare, prefix }))).toBe(true);
  });

  test("does not cover what proves more, or something else", () => {
    expect(coversEvidence(evidence(bare), evidence({ ...bare, prefix }))).toBe(false);
    const consistency = texts(honest.consistency(10));
    expect(coversEvidence(evidence({ ...bare, prefix }), evidence({ ...bare, consistency }))).toBe(false);
    for (const other of [
      { heads: [honest.checkpoint(at(0), 9), forked.checkpoint(at(1))] },
      { heads: [honest.checkpoint(at(0), 10), forked.checkpoint(at(1), 19)] },
      { kind: "log-split" },
      { portal: "https://other.example/" },
    ] as const) {
      expect(coversEvidence(evidence(bare), evidence({ ...bare, ...other }))).toBe(false);
    }
  });
});
