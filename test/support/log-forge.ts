import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { checkpointText } from "../../src/mesh/log/checkpoint.js";
import { buildEvidence, formatEvidence } from "../../src/mesh/log/evidence.js";
import { encodeLeaf, identifierHash, KINDS, type Leaf, type LeafKind } from "../../src/mesh/log/leaf.js";
import { appendLeaves, tileReader } from "../../src/mesh/log/tiles.js";
import { leafHash, treeRoot } from "../../src/mesh/log/tree.js";
import { logKeyFileOf, openLogKey } from "../../src/portal/log/key-file.js";
import { makeSigner } from "./log-key.js";

/** A leaf as it is forged: what is left out is nothing in particular. */
export type ForgedLeaf = Partial<Omit<Leaf, "identifierHash">> & {
  readonly kind: LeafKind;
  readonly identifier: string;
};

/** Where a leaf stands, and its leaf hash. */
export interface Place {
  readonly index: number;
  readonly hash: Buffer;
}

/** The log in the file of a portal, opened by somebody who has its key and no scruples. */
export interface LogForge {
  /** The newest leaf of a kind and identifier. */
  newest(kind: LeafKind, identifier: string): Place;
  /** Appends leaves as they are given, and signs the head over them. */
  append(...leaves: readonly (ForgedLeaf | Buffer)[]): Promise<void>;
}

const octetsOf = (leaf: ForgedLeaf | Buffer): Buffer =>
  Buffer.isBuffer(leaf)
    ? leaf
    : encodeLeaf({
        masterSequence: 0,
        sequence: 0,
        previous: undefined,
        recordHash: randomBytes(32),
        ...leaf,
        identifierHash: identifierHash(leaf.identifier),
      });

/** Opens the log of the portal in a SQLite file, which nobody else may have open meanwhile. */
export const forgeLog = (file: string): LogForge => {
  const inside = <T>(work: (db: Database.Database) => T): T => {
    const db = new Database(file);
    try {
      return db.transaction(() => work(db))();
    } finally {
      db.close();
    }
  };
  const keyOf = (kind: LeafKind, identifier: string): Buffer =>
    Buffer.concat([Buffer.of(KINDS.indexOf(kind) + 1), identifierHash(identifier)]);

  return {
    newest: (kind, identifier) =>
      inside((db) => {
        const row = db
          .prepare("SELECT idx, data FROM leaf WHERE key = ? ORDER BY idx DESC LIMIT 1")
          .get(keyOf(kind, identifier)) as { idx: number; data: Buffer };
        return { index: row.idx, hash: leafHash(row.data) };
      }),
    append: async (...leaves) => {
      const signer = await openLogKey(logKeyFileOf(file), { random: randomBytes });
      inside((db) => {
        const { size } = db.prepare("SELECT size FROM head").get() as { size: number };
        const tile = (level: number, index: number): Buffer | undefined =>
          db.prepare("SELECT hashes FROM tile WHERE level = ? AND idx = ?").pluck().get(level, index) as
            Buffer | undefined;
        const octets = leaves.map(octetsOf);
        for (const [at, data] of octets.entries()) {
          // Kind and identifier stand behind the domain.
          db.prepare("INSERT INTO leaf (idx, key, data) VALUES (?, ?, ?)").run(size + at, data.subarray(16, 49), data);
        }
        const write = db.prepare("INSERT OR REPLACE INTO tile (level, idx, hashes) VALUES (?, ?, ?)");
        for (const { level, index, hashes } of appendLeaves(size, octets.map(leafHash), tile)) {
          write.run(level, index, hashes);
        }
        const after = size + octets.length;
        const root = treeRoot(after, tileReader(tile));
        const time = new Date();
        const checkpoint = signer.sign(checkpointText({ origin: signer.origin, size: after, root, time }));
        db.prepare("UPDATE head SET size = ?, root = ?, checkpoint = ?, time = ?").run(
          after,
          root,
          checkpoint,
          time.getTime(),
        );
      });
    },
  };
};

/** A file of evidence against a portal that has signed two heads of one size. */
export const sampleEvidence = (): string => {
  const { origin, verifier, sign } = makeSigner();
  const time = new Date("2026-05-01T12:00:00.000Z");
  const heads = [1, 2].map((octet) => sign(checkpointText({ origin, size: 7, root: Buffer.alloc(32, octet), time })));
  return formatEvidence(
    buildEvidence({ kind: "log-fork", found: time, portal: "https://portal.example", verifier, heads }),
  );
};
