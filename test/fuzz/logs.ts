import { checkpointText, openCheckpoint, readCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { buildEvidence, parseEvidence, verifyEvidence } from "../../src/mesh/log/evidence.js";
import { keyChangeText, openKeyChange } from "../../src/mesh/log/key-change.js";
import { decodeLeaf, encodeLeaf, identifierHash } from "../../src/mesh/log/leaf.js";
import { openNote, parseVerifierKey, signNote, verifierKey } from "../../src/mesh/log/note.js";
import { decodeEntries, encodeEntries, parseTilePath, tilePath } from "../../src/mesh/log/tiles.js";
import { noteKey, sampleLog } from "../mesh/log/support.js";
import { ensure, textTarget, type Target } from "./engine.js";
import { mutateOctets, mutateText, mutateValue } from "./mutate.js";
import { NOW } from "./person.js";

const log = sampleLog("log.example", noteKey("fuzz"));
const other = sampleLog("log.example", noteKey("fuzz"));
const next = verifierKey("log.example", noteKey("fuzz next").publicKey);
const leaf = (sequence: number, previous?: { index: number; hash: Buffer }): Buffer =>
  encodeLeaf({
    kind: "personal",
    identifierHash: identifierHash("MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"),
    masterSequence: 1,
    sequence,
    previous,
    recordHash: Buffer.alloc(32, sequence),
  });
log.append(leaf(1), leaf(2, { index: 0, hash: Buffer.alloc(32) }), leaf(9));
other.append(leaf(1), leaf(3), leaf(4), leaf(5));

const CHECKPOINTS = [log.checkpoint(NOW), other.checkpoint(NOW), log.checkpoint(NOW, 1)];
const NOTES = [...CHECKPOINTS, signNote("one\n\ntwo\n", "log.example", noteKey("fuzz"))];
const CHANGE = signNote(
  keyChangeText({ origin: "log.example", verifier: next, size: 3 }),
  "log.example",
  noteKey("fuzz"),
);
const PATHS = ["tile/0/000", "tile/0/x001/234.p/17", "tile/entries/x001/x234/067", "tile/63/999.p/255"];
const LEAVES = log.leaves;
const ENTRIES = [encodeEntries(LEAVES), encodeEntries([]), encodeEntries([Buffer.alloc(0), Buffer.alloc(300)])];
const proof = (index: number) => ({
  head: 0 as const,
  proof: {
    Index: index,
    Leaf: log.leaves[index]!.toString("base64url"),
    Hashes: log.inclusion(index).map((hash) => hash.toString("base64url")),
  },
});
const facts = { found: NOW, portal: "https://portal.example", verifier: log.verifier } as const;
const EVIDENCE = [
  buildEvidence({
    ...facts,
    kind: "log-fork",
    heads: [CHECKPOINTS[0]!, CHECKPOINTS[1]!],
    consistency: other.consistency(3).map((hash) => hash.toString("base64url")),
  }),
  buildEvidence({ ...facts, kind: "log-order", heads: [CHECKPOINTS[0]!], proofs: [proof(1), proof(0)] }),
  buildEvidence({ ...facts, kind: "log-key-changed", heads: [], announced: next }),
];

/** What portals say of their logs, and what others say of portals. */
export const logTargets: readonly Target[] = [
  textTarget("note", 30_000, [], NOTES, (input) => {
    const opened = openNote(input, log.verifier);
    ensure(opened === undefined || NOTES.some((note) => note.startsWith(opened)), "A text that nobody has signed.");
  }),
  textTarget("checkpoint", 20_000, ["log-signature"], CHECKPOINTS, (input) => {
    const opened = checkpointText(openCheckpoint(input, log.verifier));
    ensure(
      CHECKPOINTS.some((note) => note.startsWith(`${opened}\n`)),
      "A head that nobody has signed.",
    );
  }),
  textTarget("checkpoint-unsigned", 20_000, [], CHECKPOINTS, (input) => {
    const read = readCheckpoint(input);
    ensure(read === undefined || input.startsWith(`${checkpointText(read)}\n`), "It is not what it says.");
  }),
  textTarget("verifier-key", 20_000, [], [log.verifier, next], (input) => {
    const key = parseVerifierKey(input);
    ensure(key === undefined || verifierKey(key.name, key.publicKey) === input, "It has another spelling.");
  }),
  textTarget("key-change", 10_000, ["log-key-changed"], [CHANGE], (input) => {
    ensure(openKeyChange(input, log.verifier).verifier === next, "A key that nobody has named.");
  }),
  textTarget("tile-path", 30_000, [], PATHS, (input) => {
    const tile = parseTilePath(input);
    ensure(tile === undefined || tilePath(tile.level, tile.index, tile.width) === input, "It has another spelling.");
  }),
  {
    name: "leaf",
    weight: 20_000,
    codes: ["proof-invalid"],
    make: (random) => mutateOctets(random, random.pick(LEAVES)),
    read: (input) => {
      ensure(encodeLeaf(decodeLeaf(input as Buffer)).equals(input as Buffer), "It does not encode back.");
    },
  },
  {
    name: "entry-bundle",
    weight: 20_000,
    codes: [],
    make: (random) => mutateOctets(random, random.pick(ENTRIES)),
    read: (input) => {
      const entries = decodeEntries(input as Buffer);
      ensure(entries === undefined || encodeEntries(entries).equals(input as Buffer), "It does not encode back.");
    },
  },
  {
    name: "evidence",
    weight: 10_000,
    codes: ["evidence-invalid"],
    make: (random) => {
      const seed = random.pick(EVIDENCE);
      return random.chance(0.2) ? mutateText(random, JSON.stringify(seed)) : mutateValue(random, seed);
    },
    read: (input) => {
      const evidence = typeof input === "string" ? parseEvidence(input) : input;
      const { verdict, contradiction } = verifyEvidence(evidence);
      ensure((verdict === "proven") === (contradiction !== undefined), "A verdict without a reason.");
    },
  },
];
