import { MeshError } from "../../errors.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import { openCheckpoint, readCheckpoint, type CheckpointBody } from "../../mesh/log/checkpoint.js";
import { parseVerifierKey } from "../../mesh/log/note.js";
import { tilesFor } from "../../mesh/log/tiles.js";
import {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
  rootNodes,
  treeRoot,
  verifyConsistency,
  type EdgeHashes,
  type ReadHash,
  type TreeNode,
} from "../../mesh/log/tree.js";
import { CHECKPOINT_INTERVAL, type Proof } from "../../mesh/protocol.js";
import { remembered, type Remembered } from "../../mesh/remembered.js";
import { msg } from "../../messages/message.js";
import { Refusal, type Answer } from "../answer.js";
import { asciiJson, rendered, withMember, type Rendered } from "../rendered.js";
import type { Head, Reader, Store, StoredLogKey, Time } from "../store/store.js";
import { createTreeCache, Lacking, type TilePlace } from "./tree-cache.js";

/** What a request asks to be told about the log. */
export interface Asked {
  /** Repeated in the answer. */
  readonly id: string;
  /** The head that the client holds. */
  readonly checkpoint: string | undefined;
}

/** How the log is announced in Hello. */
export interface Announcement {
  readonly Key: string;
  readonly KeyChanges?: readonly string[];
}

/** An answer with all that it says of the log. */
export interface SealedAnswer {
  readonly answer: Answer;
  /** The client showed a head that this portal signed and has no more: its store may have been restored from an old backup. */
  readonly aheadOfUs: boolean;
}

/** The log as the portal shows it. It keeps in memory what it needs for proofs, within bounds. */
export interface PortalLog {
  /** The key that signs heads, and the changes that led to it. */
  announce(now: Time): Promise<Announcement>;
  /** Has the head signed anew where that was long ago. What goes wrong with it is no reason not to answer. */
  freshen(now: Time): Promise<void>;
  /** Answers from one view of the store, and says so by the head of that very view. A refusal is given back like any answer. */
  view(asked: Asked, now: Time, work: (tx: Reader) => Promise<Answer>): Promise<SealedAnswer>;
  /** The same for an answer that is known to be the one by that head. */
  sealAt(asked: Asked, now: Time, head: Head, answer: Answer): Promise<SealedAnswer>;
  /** Adds to an answer the newest head, which covers all that has been acknowledged, and the proofs that it needs. */
  seal(asked: Asked, now: Time, answer: Answer): Promise<SealedAnswer>;
  /** The newest head. */
  head(): Promise<Head>;
  /** The first `width` hashes of a tile, where the head covers them. */
  tile(place: TilePlace, width: number): Promise<Buffer | undefined>;
  /** So many leaves from one on, where the head covers them. */
  leaves(from: number, count: number): Promise<readonly Buffer[] | undefined>;
}

/** Where what is not in memory comes from. */
interface Source {
  leaves(indices: readonly number[]): Promise<void>;
  tiles(places: readonly TilePlace[], size: number): Promise<void>;
  logKeys(): Promise<readonly StoredLogKey[]>;
}

/** A head beside the one that a client holds. */
interface Comparison {
  /** From the older to the newer one. */
  readonly path?: Rendered;
  readonly aheadOfUs: boolean;
}

interface Edge {
  readonly root: Buffer;
  readonly hashes: EdgeHashes;
  /** By the leaves' indices. */
  readonly proofs: Remembered<number, Rendered>;
  /** Consistency with heads that clients hold, by their notes. */
  readonly paths: Remembered<string, Rendered>;
}

/** Proofs that are remembered for one head. They take up about a kilobyte each. */
const MAX_PROOFS = 4096;
/** How long the keys of the log are taken for what they were, in milliseconds. */
const KEYS_LIFETIME = 100;
/** A head that is further ahead of the clock is refused by clients. */
const CLOCK_TOLERANCE = 300_000;
/** How long nobody waits for another attempt where the head could not be signed, in milliseconds. */
const REFRESH_PAUSE = 10_000;
/** What a client reads of changes of the key. */
const MAX_CHANGES = 64;
/** Leaves that lie no further apart are read together. */
const MAX_GAP = 16;
const MAX_RUN = 512;

const LASTING = { lasting: true } as const;

const damaged = (): MeshError => new MeshError("state-corrupt", msg("portal.tree-damaged"));

/** Runs of indices, each with the first one and how many there are. */
const runsOf = (indices: readonly number[]): { readonly from: number; readonly count: number }[] => {
  const runs: { from: number; count: number }[] = [];
  for (const index of [...indices].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && index - (last.from + last.count) < MAX_GAP && index - last.from < MAX_RUN) {
      last.count = Math.max(last.count, index - last.from + 1);
    } else {
      runs.push({ from: index, count: 1 });
    }
  }
  return runs;
};

/** True where a note has a signature that says it is by that key. It has not been verified. */
const namesKey = (note: string, verifier: string): boolean => {
  const key = parseVerifierKey(verifier);
  return note.split("\n").some((line) => {
    const [dash, name, signature = ""] = line.split(" ");
    const id = Buffer.from(signature.slice(0, 8), "base64").subarray(0, 4);
    return dash === "—" && key !== undefined && name === key.name && id.equals(key.id);
  });
};

const leavesOf = ({ leaves = [], accountLeaf, itemLeaves = [] }: Answer): readonly number[] => [
  ...leaves,
  ...(accountLeaf === undefined ? [] : [accountLeaf]),
  ...itemLeaves,
];

/** Hears why an old head could not be signed anew, and whether it is so for the first time since one could. */
export type OnUnsigned = (error: unknown, isFirst: boolean) => void;

export const createPortalLog = (store: Store, onUnsigned?: OnUnsigned): PortalLog => {
  const cache = createTreeCache();
  /** Roots of heads that the tree in the cache has been found to have. */
  const roots = remembered<string, true>(1024);
  /** Heads that this log has signed and still goes on from, by their notes. */
  const notes = remembered<string, CheckpointBody>(4096);
  /** What every proof by the tree that was asked about last needs of its right edge, and what was proved by it already. */
  let edge: Edge | undefined;
  /** Members of lasting answers, with what is said of them by a head. */
  const sealed = new WeakMap<Answer["members"], { readonly head: Head; readonly members: Answer["members"] }>();
  let announced: Announcement | undefined;
  /** The note that was answered with last. */
  let shown: { readonly note: string; readonly text: Rendered } | undefined;
  let latest: Head | undefined;
  /** The head that was found to be good last. */
  let accepted: Head | undefined;
  let keys: { readonly list: readonly StoredLogKey[]; readonly at: Time } | undefined;
  let refreshing: Promise<void> | undefined;
  let refreshFailed: Time | undefined;

  const readKeys = async (source: Pick<Source, "logKeys">, now: Time): Promise<readonly StoredLogKey[]> => {
    if (keys && now >= keys.at && now < keys.at + KEYS_LIFETIME) return keys.list;
    const list = await source.logKeys();
    keys = { list, at: now };
    return list;
  };

  const readLeaves = async (tx: Reader, indices: readonly number[]): Promise<void> => {
    for (const { from, count } of runsOf(indices.filter((index) => !cache.leaf(index)))) {
      for (const { index, data } of await tx.leaves(from, count)) cache.putLeaf(index, data);
    }
  };

  const readTiles = async (tx: Reader, places: readonly TilePlace[], size: number): Promise<void> => {
    for (const place of places) {
      if (!cache.has(place, size)) cache.put(place, await tx.tile(place.level, place.index), size);
    }
  };

  const viewSource = (tx: Reader): Source => ({
    leaves: (indices) => readLeaves(tx, indices),
    tiles: (places, size) => readTiles(tx, places, size),
    logKeys: () => tx.logKeys(),
  });

  /** Computes something from the tree, once all that it needs has been read. */
  const compute = async <Result>(
    source: Source,
    size: number,
    nodes: () => readonly TreeNode[],
    work: (read: ReadHash) => Result,
  ): Promise<Result> => {
    for (;;) {
      try {
        return work(cache.reader(size));
      } catch (error) {
        if (!(error instanceof Lacking)) throw error;
      }
      await source.tiles(tilesFor(nodes(), size), size);
    }
  };

  const hasRoot = async (source: Source, { size, root }: Head): Promise<boolean> =>
    (
      await compute(
        source,
        size,
        () => rootNodes(size),
        (read) => treeRoot(size, read),
      )
    ).equals(root);

  /** Makes sure that the tree in memory is the one that a head is of, before anything is proved by it. */
  const accept = async (source: Source, head: Head): Promise<void> => {
    const name = `${head.size} ${head.root.toString("base64")}`;
    if (roots.get(name)) return;
    const current = keys?.list.at(-1);
    // Another process has changed the key.
    if (current && !namesKey(head.checkpoint, current.verifier)) keys = undefined;
    if (!(await hasRoot(source, head))) {
      // The store was replaced by another one, or put back, while this process ran.
      cache.clear();
      roots.clear();
      notes.clear();
      accepted = undefined;
      edge = undefined;
      if (!(await hasRoot(source, head))) throw damaged();
    }
    roots.set(name, true);
    accepted = head;
  };

  /** A head's note, with the one character of it that is none of ASCII escaped: texts of one octet a character are sent much quicker. */
  const renderedNote = (note: string): Rendered => {
    if (shown?.note !== note) shown = { note, text: rendered(asciiJson(note)) };
    return shown.text;
  };

  const edgeOf = ({ root }: Head): Edge => {
    if (edge?.root !== root && !edge?.root.equals(root)) {
      edge = { root, hashes: new Map(), proofs: remembered(MAX_PROOFS), paths: remembered(MAX_PROOFS) };
    }
    return edge;
  };

  const encode = (hashes: readonly Uint8Array[]): string[] => hashes.map(encodeBase64url);

  /** The proofs of leaves by a head that covers them. */
  const prove = async (source: Source, head: Head, indices: readonly number[]): Promise<readonly Rendered[]> => {
    const { hashes, proofs } = edgeOf(head);
    const known = indices.flatMap((index) => proofs.get(index) ?? []);
    if (known.length === indices.length) return known;
    const leaves = await readProofs(source, indices);
    const made = await compute(
      source,
      head.size,
      () => indices.flatMap((index) => inclusionNodes(index, head.size)),
      (read) =>
        leaves.map((leaf) => ({ ...leaf, Hashes: encode(inclusionProof(leaf.Index, head.size, read, hashes)) })),
    );
    return made.map((proof) => {
      const proved = rendered(JSON.stringify(proof));
      proofs.set(proof.Index, proved);
      return proved;
    });
  };

  /** The proofs of leaves without their paths. */
  const readProofs = async (source: Source, indices: readonly number[]): Promise<readonly Proof[]> => {
    const missing = indices.filter((index) => !cache.leaf(index));
    if (missing.length > 0) await source.leaves(missing);
    return indices.map((index) => {
      const data = cache.leaf(index);
      if (!data) throw damaged();
      return { Index: index, Leaf: encodeBase64url(data), Hashes: [] };
    });
  };

  /** What a note says where one of the log's keys has signed it. */
  const openOwn = async (source: Source, now: Time, note: string): Promise<CheckpointBody | undefined> => {
    for (const { verifier } of [...(await readKeys(source, now))].reverse()) {
      if (!namesKey(note, verifier)) continue;
      try {
        return openCheckpoint(note, verifier);
      } catch {
        // Not by this one: the client has it from elsewhere, and judges by itself.
      }
    }
    return undefined;
  };

  /** What is known already of the way from the head that a client holds to another. */
  const compareKnown = (head: Head, note: string | undefined): Comparison | undefined => {
    if (note === undefined || note === head.checkpoint) return { aheadOfUs: false };
    const path = edgeOf(head).paths.get(note);
    return path && { path, aheadOfUs: false };
  };

  /** The proof that a head goes on from the one that a client holds, where that is one of ours. */
  const compare = async (source: Source, now: Time, head: Head, note = ""): Promise<Comparison> => {
    const { hashes, paths } = edgeOf(head);
    const known = notes.get(note);
    const held = known ?? (readCheckpoint(note) && (await openOwn(source, now, note)));
    if (!held) return { aheadOfUs: false };
    if (held.size > head.size) return { aheadOfUs: true };
    if (held.size === head.size) {
      const isSame = held.root.equals(head.root);
      if (isSame) notes.set(note, held);
      return { aheadOfUs: !isSame };
    }
    const path = await compute(
      source,
      head.size,
      () => consistencyNodes(held.size, head.size),
      (read) => consistencyProof(held.size, head.size, read, hashes),
    );
    const follows = known !== undefined || verifyConsistency(held, head, path);
    const text = rendered(JSON.stringify(encode(path)));
    if (follows) notes.set(note, held);
    if (follows && path.length > 0) paths.set(note, text);
    return { ...(path.length > 0 && { path: text }), aheadOfUs: !follows };
  };

  const sealBy = async (source: Source, asked: Asked, now: Time, head: Head, answer: Answer): Promise<SealedAnswer> => {
    const { leaves = [], accountLeaf, itemLeaves = [], withoutPaths } = answer;
    // Both are known of most requests.
    if (accepted !== head) await accept(source, head);
    const { path, aheadOfUs } =
      compareKnown(head, asked.checkpoint) ?? (await compare(source, now, head, asked.checkpoint));
    const own = path ? { RequestID: asked.id, Consistency: path } : { RequestID: asked.id };
    const sealedWith = (members: Answer["members"]): SealedAnswer => ({
      answer: {
        status: answer.status,
        description: answer.description,
        members,
        own,
        ...(answer.lasting && LASTING),
        ...(answer.headers && { headers: answer.headers }),
      },
      aheadOfUs,
    });
    const before = answer.lasting && sealed.get(answer.members);
    if (before && before.head === head) return sealedWith(before.members);
    if (!notes.get(head.checkpoint)) {
      notes.set(head.checkpoint, { origin: "", size: head.size, root: head.root, time: new Date(head.time) });
    }
    const fixed = accountLeaf === undefined ? leaves : [...leaves, accountLeaf];
    const proofs = await prove(source, head, fixed);
    const itemProofs = await (withoutPaths ? readProofs(source, itemLeaves) : prove(source, head, itemLeaves));
    const items = answer.members["DataItems"] as readonly unknown[] | undefined;
    const members = {
      ...answer.members,
      ...(itemLeaves.length > 0 && {
        DataItems: (items ?? []).map((item, index) => withMember(item, "Proof", itemProofs[index])),
      }),
      Checkpoint: renderedNote(head.checkpoint),
      ...(leaves.length > 0 && { Proofs: proofs.slice(0, leaves.length) }),
      ...(accountLeaf !== undefined && { AccountProof: proofs.at(-1) }),
    };
    if (answer.lasting) sealed.set(answer.members, { head, members });
    return sealedWith(members);
  };

  const see = (head: Head): Head => {
    latest = head;
    return head;
  };

  // What answers that are under way at the same time lack is read together, in one view.
  let waiting: { readonly leaves: Set<number>; readonly result: Promise<Head> } | undefined;

  /** The newest head, once these leaves and the right edge of its tree are in memory. */
  const load = (indices: readonly number[]): Promise<Head> => {
    if (!waiting) {
      const leaves = new Set<number>();
      const result = new Promise<void>((resolve) => {
        setImmediate(resolve);
      }).then(() => {
        waiting = undefined;
        return store.read(async (tx) => {
          const head = see(await tx.head());
          await readLeaves(tx, [...leaves]);
          await accept(viewSource(tx), head);
          return head;
        });
      });
      waiting = { leaves, result };
    }
    for (const index of indices) waiting.leaves.add(index);
    return waiting.result;
  };

  const storeSource: Source = {
    leaves: async (indices) => {
      await load(indices);
    },
    tiles: (places, size) => store.read((tx) => readTiles(tx, places, size)),
    logKeys: () => store.read((tx) => tx.logKeys()),
  };

  const isFresh = (now: Time, { time }: Head): boolean =>
    time >= now - CHECKPOINT_INTERVAL * 1000 && time <= now + CLOCK_TOLERANCE;

  const refresh = async (now: Time): Promise<void> => {
    const head = see(await store.read((tx) => tx.head()));
    // A clock that was put right since has signed for a time to come.
    const before = head.time > now ? head.time + 1 : now - CHECKPOINT_INTERVAL * 1000;
    if (!isFresh(now, head)) see(await store.refreshHead(now, before));
  };

  /** A head that covers so many leaves, where there is one. */
  const covering = async (size: number): Promise<Head | undefined> => {
    const head = latest && latest.size >= size ? latest : see(await store.read((tx) => tx.head()));
    return head.size >= size ? head : undefined;
  };

  return {
    announce: async (now) => {
      const list = await readKeys(storeSource, now);
      const changes = list.flatMap(({ change }) => change ?? []).slice(-MAX_CHANGES);
      const Key = list.at(-1)?.verifier ?? "";
      // The same object for as long as nothing has changed.
      if (announced?.Key !== Key || announced.KeyChanges?.length !== (changes.length || undefined)) {
        announced = { Key, ...(changes.length > 0 && { KeyChanges: changes }) };
      }
      return announced;
    },
    freshen: async (now) => {
      if (latest && isFresh(now, latest)) {
        // A change has had it signed.
        refreshFailed = undefined;
        return;
      }
      if (refreshFailed !== undefined && Math.abs(now - refreshFailed) < REFRESH_PAUSE) return;
      refreshing ??= refresh(now)
        .then(
          () => {
            refreshFailed = undefined;
          },
          (error: unknown) => {
            onUnsigned?.(error, refreshFailed === undefined);
            refreshFailed = now;
          },
        )
        .finally(() => {
          refreshing = undefined;
        });
      await refreshing;
    },
    view: (asked, now, work) =>
      store.read(async (tx) => {
        const head = see(await tx.head());
        let answer: Answer;
        try {
          answer = await work(tx);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          ({ answer } = error);
        }
        return sealBy(viewSource(tx), asked, now, head, answer);
      }),
    sealAt: (asked, now, head, answer) => sealBy(storeSource, asked, now, see(head), answer),
    seal: async (asked, now, answer) => {
      const indices = leavesOf(answer);
      const head = await load(indices);
      if (indices.some((index) => index >= head.size)) throw damaged();
      return sealBy(storeSource, asked, now, head, answer);
    },
    head: () => store.read(async (tx) => see(await tx.head())),
    tile: async (place, width) => {
      const end = (place.index * 256 + width) * 256 ** place.level;
      const head = Number.isSafeInteger(end) ? await covering(end) : undefined;
      if (!head) return undefined;
      if (!cache.hashes(place, width)) await store.read((tx) => readTiles(tx, [place], head.size));
      return cache.hashes(place, width);
    },
    leaves: async (from, count) => {
      if (!Number.isSafeInteger(from + count) || !(await covering(from + count))) return undefined;
      const leaves = await store.read((tx) => tx.leaves(from, count));
      if (leaves.length !== count) throw damaged();
      return leaves.map(({ data }) => data);
    },
  };
};
