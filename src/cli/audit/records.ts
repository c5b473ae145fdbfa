import * as v from "valibot";
import type { PortalClient } from "../../client/client.js";
import { get } from "../../client/fetch.js";
import { entryLeaf } from "../../client/leaves.js";
import { pagesOf } from "../../client/pages.js";
import type { ExpectedLeaf } from "../../client/proofs.js";
import { isMeshError } from "../../errors.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import { parseStrictJson } from "../../mesh/json.js";
import type { LeafKind } from "../../mesh/log/leaf.js";
import { EntrySchema, type DataItem, type Entry } from "../../mesh/protocol.js";

/** A record that a portal serves, and what its leaf must say. */
export interface ServedRecord {
  readonly entry: Entry;
  readonly leaf: ExpectedLeaf;
  /** When the portal took it, by the portal's clock. */
  readonly added: string;
}

/** The records of one identifier that a portal serves, by kind and hash. */
export type ServedRecords = ReadonlyMap<string, ServedRecord>;

export const recordName = (kind: LeafKind, hash: Uint8Array): string => `${kind} ${encodeBase64url(hash)}`;

const readEntry = ({ Text = "" }: DataItem): Entry | undefined => {
  try {
    const entry = v.safeParse(EntrySchema, parseStrictJson(Text));
    return entry.success ? entry.output : undefined;
  } catch (error) {
    // What cannot be read is no record, and its leaf has none.
    if (!isMeshError(error, "json-invalid")) throw error;
    return undefined;
  }
};

/**
 * Fetches all versions of the records of an identifier, at most `limit`. They are verified, but nothing says yet that they are in the
 * log. Throws the verification error of any that is not valid, `portal-answer`, and what `send` throws.
 */
export const fetchRecords = async (client: PortalClient, identifier: string, limit: number): Promise<ServedRecords> => {
  const records = new Map<string, ServedRecord>();
  const pages = pagesOf(limit, async (pageKey) => {
    const constraints = pageKey === undefined ? {} : { SearchConstraints: { PageKey: pageKey } };
    const response = await get(client, { Identifier: identifier, Multiple: true, ...constraints });
    return { items: response.DataItems ?? [], pageKey: response.PageKey };
  });
  for await (const items of pages) {
    for (const item of items) {
      const entry = readEntry(item);
      if (!entry) continue;
      const leaf = entryLeaf(entry);
      if (leaf.identifier === identifier) {
        records.set(recordName(leaf.kind, leaf.recordHash), { entry, leaf, added: item.Added });
      }
    }
  }
  return records;
};
