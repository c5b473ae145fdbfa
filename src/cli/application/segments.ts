import type { PortalClient } from "../../client/client.js";
import { MeshError } from "../../errors.js";
import { keepSegment, MARKS, readSegment, type IndexRow, type KnownSegment } from "../../keystore/application-store.js";
import { entrySize, type StoredEntry } from "../../mesh/application/entry.js";
import type { ReadHead, SegmentReference } from "../../mesh/application/head.js";
import type { ApplicationKind } from "../../mesh/application/kind.js";
import { msg } from "../../messages/message.js";
import type { Session } from "../session.js";

/** Reads the entries of segments, each once: from this home, or else from the portal. */
export interface Segments {
  load(segment: SegmentReference): Promise<readonly StoredEntry[]>;
  /** What a segment holds that has just been made. */
  set(segment: SegmentReference, entries: readonly StoredEntry[]): void;
}

/** Which application the segments are of, and under which key. */
export interface SegmentOwner extends Pick<ReadHead, "type" | "identifier" | "owner"> {
  readonly key: Uint8Array;
}

/** How a portal is reached, once it is needed; it gives undefined where none is to be asked. */
export type Reach = () => Promise<PortalClient | undefined>;

export const openSegments = ({ context, keystore, state }: Session, owner: SegmentOwner, reach: Reach): Segments => {
  const { home } = context;
  const loaded = new Map<string, Promise<readonly StoredEntry[]>>();
  const fetch = async (segment: SegmentReference): Promise<readonly StoredEntry[]> => {
    const client = await reach();
    if (!client) {
      throw new MeshError("record-not-found", msg("app.segment-not-here"), { hint: msg("app.segment-not-here.hint") });
    }
    const [{ fetchSegment }, { openSegment }] = await Promise.all([
      import("../../client/application.js"),
      import("../../mesh/application/segment.js"),
    ]);
    const record = await fetchSegment(client, segment);
    const entries = await openSegment(record, { ...owner, segments: [segment] }, owner.key);
    keepSegment(home, keystore, state.udf, segment, entries);
    return entries;
  };
  return {
    load: (segment) => {
      const known = loaded.get(segment.identifier);
      if (known) return known;
      const kept = readSegment(home, keystore, state.udf, segment);
      const loading = kept ? Promise.resolve(kept) : fetch(segment);
      loaded.set(segment.identifier, loading);
      // What has failed may be tried again.
      loading.catch(() => loaded.delete(segment.identifier));
      return loading;
    },
    set: (segment, entries) => void loaded.set(segment.identifier, Promise.resolve(entries)),
  };
};

/** The texts by which an entry is found, those of its versions in conflict too. What is not understood has none. */
const labelsOf = ({ label }: ApplicationKind<object>, { Value, Others = [] }: StoredEntry): readonly string[] => {
  const labels = [Value, ...Others.map((other) => other.Value)].flatMap((value) => {
    try {
      return value === undefined ? [] : label(value).filter((text) => typeof text === "string");
    } catch {
      return [];
    }
  });
  return Others.length === 0 ? labels : [...new Set(labels)];
};

/** A label without the letter in front by which its kind tells one from the other. */
export const readableLabel = (label: string): string => label.replace(/^[a-z]:/, "");

/** What the index says of an entry. */
export const rowOf = (kind: ApplicationKind<object>, entry: StoredEntry): IndexRow => [
  entry.Id,
  entry.Stamp,
  (entry.Others ? MARKS.conflict : 0) + (entry.Exposed ? MARKS.exposed : 0),
  ...labelsOf(kind, entry),
];

/** A segment with its index. */
export const indexed = (
  kind: ApplicationKind<object>,
  { identifier, hash }: SegmentReference,
  entries: readonly StoredEntry[],
): KnownSegment => ({
  identifier,
  hash,
  size: entries.reduce((size, entry) => size + entrySize(entry), 0),
  rows: entries.map((entry) => rowOf(kind, entry)),
});

/** The same where an index is there already. */
export const isConflict = ([, , marks]: IndexRow): boolean => (marks & MARKS.conflict) !== 0;
