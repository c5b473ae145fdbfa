import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeBase64url, sha256, utf8 } from "../../../src/mesh/bytes.js";
import { checkpointText, openCheckpoint } from "../../../src/mesh/log/checkpoint.js";
import { keyChangeText, openKeyChange } from "../../../src/mesh/log/key-change.js";
import {
  accountLeafHash,
  accountUdf,
  decodeLeaf,
  encodeLeaf,
  identifierHash,
  type Leaf,
} from "../../../src/mesh/log/leaf.js";
import { signNote, verifierKey } from "../../../src/mesh/log/note.js";
import { encodeEntries, tilePath } from "../../../src/mesh/log/tiles.js";
import { leafHash, verifyConsistency, verifyInclusion } from "../../../src/mesh/log/tree.js";
import { noteKey, sampleLog } from "./support.js";

// test/vectors/log.json is for other programs: what it says is made here and compared. After a change of format,
// `MESHMAN_WRITE_VECTORS=1 npx vitest run test/mesh/log/vectors.test.ts` writes it anew.
const FILE = new URL("../../vectors/log.json", import.meta.url);
const ORIGIN = "00112233445566778899aabbccddeeff.mmm.invalid";
const PROFILE = "MAYC-AQNL-44A5-JM3Z-RXRC-CSLL-YFRQ";
const ACCOUNT = accountUdf("alice@example.com");
const TIME = new Date("2026-01-02T03:04:05.678Z");

const content: (Pick<Leaf, "kind" | "masterSequence" | "sequence" | "recordHash"> & { identifier: string })[] = [
  { kind: "personal", identifier: PROFILE, masterSequence: 1, sequence: 1, recordHash: sha256(utf8("record 1")) },
  {
    kind: "account",
    identifier: ACCOUNT,
    masterSequence: 0,
    sequence: 1,
    recordHash: accountLeafHash(ACCOUNT, PROFILE, "Open"),
  },
  { kind: "personal", identifier: PROFILE, masterSequence: 1, sequence: 2, recordHash: sha256(utf8("record 2")) },
  { kind: "personal", identifier: PROFILE, masterSequence: 2, sequence: 1, recordHash: sha256(utf8("record 3")) },
  {
    kind: "account",
    identifier: ACCOUNT,
    masterSequence: 0,
    sequence: 2,
    recordHash: accountLeafHash(ACCOUNT, PROFILE, "Closed"),
  },
];

const made = () => {
  const [key, next] = [noteKey("vectors"), noteKey("vectors next")];
  const log = sampleLog(ORIGIN, key);
  const newest = new Map<string, { index: number; hash: Buffer }>();
  for (const [index, { identifier, ...leaf }] of content.entries()) {
    const name = `${leaf.kind} ${identifier}`;
    const data = encodeLeaf({ ...leaf, identifierHash: identifierHash(identifier), previous: newest.get(name) });
    newest.set(name, { index, hash: leafHash(data) });
    log.append(data);
  }
  const nextKey = verifierKey(ORIGIN, next.publicKey);
  return {
    about: "A log of five leaves: its key, heads, proofs, tile and entry bundle, and a change of its key.",
    verifier: log.verifier,
    leaves: content.map(({ identifier, kind, masterSequence, sequence }, index) => ({
      kind,
      identifier,
      masterSequence,
      sequence,
      octets: log.leaves[index]!.toString("hex"),
      hash: leafHash(log.leaves[index]!).toString("hex"),
    })),
    checkpoint3: log.checkpoint(TIME, 3),
    checkpoint5: log.checkpoint(TIME, 5),
    inclusion: {
      Index: 2,
      Leaf: encodeBase64url(log.leaves[2]!),
      Hashes: log.inclusion(2, 5).map(encodeBase64url),
    },
    consistency: log.consistency(3, 5).map(encodeBase64url),
    tile: { path: tilePath(0, 0, 5), octets: log.tile(0, 0)!.toString("hex") },
    entries: { path: tilePath("entries", 0, 5), octets: encodeEntries(log.leaves).toString("hex") },
    keyChange: signNote(keyChangeText({ origin: ORIGIN, verifier: nextKey, size: 5 }), ORIGIN, key),
    nextVerifier: nextKey,
    notCheckpoints: [
      checkpointText({ origin: ORIGIN, size: 3, root: log.root(3), time: TIME }).replace("\n3\n", "\n03\n"),
      checkpointText({ origin: ORIGIN, size: 3, root: log.root(3), time: TIME }).replace(".678Z", "Z"),
      checkpointText({ origin: "other.example", size: 3, root: log.root(3), time: TIME }),
    ].map((text) => signNote(text, ORIGIN, key)),
  };
};

test("what the vectors of the log say", () => {
  const expected = made();
  if (process.env["MESHMAN_WRITE_VECTORS"] === "1") writeFileSync(FILE, `${JSON.stringify(expected, null, 1)}\n`);
  const read = JSON.parse(readFileSync(FILE, "utf8")) as typeof expected;
  expect(read).toEqual(expected);
  const [from, to] = [read.checkpoint3, read.checkpoint5].map((note) => openCheckpoint(note, read.verifier));
  const octets = (hashes: readonly string[]) => hashes.map((hash) => Buffer.from(hash, "base64url"));
  expect(verifyConsistency(from!, to!, octets(read.consistency))).toBe(true);
  const data = Buffer.from(read.inclusion.Leaf, "base64url");
  expect(decodeLeaf(data)).toMatchObject({ kind: "personal", masterSequence: 1, sequence: 2, previous: { index: 0 } });
  const leaf = { index: read.inclusion.Index, hash: leafHash(data) };
  expect(verifyInclusion(leaf, to!, octets(read.inclusion.Hashes))).toBe(true);
  expect(openKeyChange(read.keyChange, read.verifier)).toMatchObject({ verifier: read.nextVerifier, size: 5 });
  for (const note of read.notCheckpoints) expect(() => openCheckpoint(note, read.verifier)).toThrow();
});
