import { hkdfSync } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { utf8 } from "../bytes.js";
import { decryptDirect, encryptDirect, signRecord } from "../jose.js";
import { parseStrictJsonOctets } from "../json.js";
import type { PrivateKey } from "../keys.js";
import { readSegment, type Segment } from "../records/segment.js";
import { recordTime, UdfSchema } from "../schema.js";
import { MAX_ENTRIES, MAX_ENTRY, entrySize, StoredEntrySchema, type StoredEntry } from "./entry.js";
import type { ReadHead } from "./head.js";
import { SEGMENT_TYPE } from "./kind.js";

export { readSegment, type Segment } from "../records/segment.js";

/** The most octets that the JSON of a segment's private part may have; any more and its record would be too large. */
export const MAX_SEGMENT = 128 * 1024;

/** Which application a segment belongs to. */
export type SegmentOf = Pick<ReadHead, "type" | "identifier" | "owner">;

const PRIVATE = `${SEGMENT_TYPE}Private`;
const INFO = utf8("mmm/application/segment");

/** ours; docs/protocol.md, application profiles */
const SegmentPrivateSchema = v.strictObject({
  [PRIVATE]: v.looseObject({
    Type: v.string(),
    Identifier: UdfSchema,
    Owner: UdfSchema,
    Head: UdfSchema,
    Entries: v.pipe(v.array(StoredEntrySchema), v.minLength(1), v.maxLength(MAX_ENTRIES)),
  }),
});

const segmentKey = (applicationKey: Uint8Array, identifier: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha512", applicationKey, utf8(identifier), INFO, 32));

/** One error for everything, and without what caused it, which could quote a secret. */
const invalid = (): MeshError =>
  new MeshError("application-segment", msg("mesh.application-segment"), {
    hint: msg("mesh.application-segment.hint"),
  });

/**
 * Makes and signs a segment of an application under a new `identifier` (`newIdentifier`), encrypted under the application key.
 * Throws `too-large` for more than a segment holds.
 */
export const createSegment = async (
  key: PrivateKey,
  of: SegmentOf,
  identifier: string,
  entries: readonly StoredEntry[],
  applicationKey: Uint8Array,
  now: Date,
): Promise<Segment> => {
  const content = { Type: of.type, Identifier: identifier, Owner: of.owner, Head: of.identifier, Entries: entries };
  const plaintext = utf8(JSON.stringify({ [PRIVATE]: content }));
  const encryptionKey = segmentKey(applicationKey, identifier);
  try {
    if (plaintext.length > MAX_SEGMENT || entries.some((entry) => entrySize(entry) > MAX_ENTRY)) {
      throw new MeshError("too-large", msg("mesh.segment-large", { maximum: MAX_SEGMENT }));
    }
    const record = signRecord(
      identifier,
      SEGMENT_TYPE,
      {
        Identifier: identifier,
        Owner: of.owner,
        Updated: recordTime(now),
        Sequence: 1,
        Head: of.identifier,
        EncryptedData: await encryptDirect(plaintext, encryptionKey),
      },
      key,
    );
    return readSegment(record);
  } finally {
    for (const octets of [plaintext, encryptionKey]) octets.fill(0);
  }
};

/**
 * The entries of a segment. Its record must be the very one that the head names, so that neither its signature nor its age has to be
 * looked at. Throws `application-segment` for any other, and for whatever is wrong with what is in it.
 */
export const openSegment = async (
  value: unknown,
  head: Pick<ReadHead, "type" | "identifier" | "owner" | "segments">,
  applicationKey: Uint8Array,
): Promise<readonly StoredEntry[]> => {
  try {
    const segment = readSegment(value);
    const named = head.segments.some(
      ({ identifier, hash }) => identifier === segment.identifier && hash === segment.hash,
    );
    if (!named || segment.head !== head.identifier || segment.owner !== head.owner) throw invalid();
    const encryptionKey = segmentKey(applicationKey, segment.identifier);
    const plaintext = await decryptDirect(segment.data, encryptionKey);
    encryptionKey.fill(0);
    if (plaintext.length > MAX_SEGMENT) throw invalid();
    const content = v.parse(SegmentPrivateSchema, parseStrictJsonOctets(plaintext))[PRIVATE];
    plaintext.fill(0);
    if (
      content.Type !== head.type ||
      content.Identifier !== segment.identifier ||
      content.Owner !== head.owner ||
      content.Head !== head.identifier ||
      content.Entries.some((entry) => entrySize(entry) > MAX_ENTRY)
    ) {
      throw invalid();
    }
    return content.Entries;
  } catch {
    throw invalid();
  }
};

/**
 * Throws `application-segment` unless no entry stands in two segments, or twice in one, and there are no more of them than an
 * application may have, and as many as the head says where `count` is given. Give the identifiers of every segment's entries.
 */
export const checkEntries = (segments: Iterable<Iterable<string>>, count?: number): void => {
  const seen = new Set<string>();
  for (const entries of segments) {
    for (const id of entries) {
      if (seen.has(id) || seen.size >= MAX_ENTRIES) throw invalid();
      seen.add(id);
    }
  }
  if (count !== undefined && seen.size !== count) throw invalid();
};
