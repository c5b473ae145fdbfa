import * as v from "valibot";
import { MeshError } from "../errors.js";
import { readHead, type ReadHead, type SegmentReference } from "../mesh/application/head.js";
import type { Segment } from "../mesh/application/segment.js";
import type { PrivateKey } from "../mesh/keys.js";
import type { PlacedLeaf } from "../mesh/log/leaf.js";
import type { RecordLeaf } from "../mesh/log/record-leaf.js";
import { EXTENSIONS } from "../mesh/protocol.js";
import { recordHash, SignedRecordSchema } from "../mesh/signed-record.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { get, servedOf } from "./fetch.js";
import { pagesOf } from "./pages.js";
import { conflict, keepsSuccession, publishEntry } from "./publish.js";

const TYPE = "SignedApplicationProfile";

/** So many versions of a head are fetched, the newest: a portal must not keep its client busy for ever. */
const MAX_VERSIONS = 1000;

/** How many requests are under way at once. */
export const PARALLEL = 8;

/** Works through items, some at a time. Gives what came of them in their order, or throws what the first one throws. */
export const inParallel = async <Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  limit = PARALLEL,
): Promise<Result[]> => {
  const results: Result[] = [];
  let next = 0;
  let failed = false;
  const run = async (): Promise<void> => {
    for (let index = next++; index < items.length && !failed; index = next++) {
      try {
        results[index] = await work(items[index] as Item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  return results;
};

const leafOf = ({ identifier, sequence, hash }: Pick<ReadHead, "identifier" | "sequence" | "hash">): RecordLeaf => ({
  kind: "application",
  identifier,
  masterSequence: 0,
  sequence,
  recordHash: Buffer.from(hash, "base64url"),
});

const anotherApplication = (url: string): MeshError =>
  new MeshError("fingerprint-mismatch", msg("app.another", { url }), { hint: msg("app.another.hint") });

/** The error for two different heads of one age. */
export const headFork = (url: string): MeshError =>
  new MeshError("fork", msg("app.head-fork", { url }), { hint: msg("client.versions-fork.hint") });

/**
 * Fetches the newest head of an application. Its form is checked, and where the portal keeps a log that it is in it; who signed it and
 * whether it follows what was seen before is for the caller. Undefined where the portal has none. Throws `record-invalid`,
 * `fingerprint-mismatch` for that of another application, `fork`, `proof-missing`, `proof-invalid`, `log-omission`, and what `send`
 * throws.
 */
export const fetchHead = async (client: PortalClient, identifier: string): Promise<ReadHead | undefined> => {
  const { log, url } = client;
  const response = await get(client, { Identifier: identifier });
  const served = servedOf(response, TYPE).map(({ value, proof }) => ({ head: readHead(value), proof }));
  if (served.some(({ head }) => head.identifier !== identifier)) throw anotherApplication(url);
  const [newest, ...others] = served.map(({ head }) => head).sort((a, b) => b.sequence - a.sequence);
  if (newest && others.some(({ sequence, hash }) => sequence === newest.sequence && hash !== newest.hash)) {
    throw headFork(url);
  }
  if (log) {
    for (const { head, proof } of served) {
      const found = await log.checkLeaf(response, proof, leafOf(head));
      if (head === newest) await log.checkNewest(found);
    }
  }
  return newest;
};

/**
 * The versions of a head that a portal keeps, newest first, page by page: the newest thousand or so; none where it does not announce
 * `history`. Their form is checked, and where the portal keeps a log that they are in it, in this order, with none between them.
 * Throws as `fetchHead` does, and `log-order`, `page-truncated`, `portal-answer`.
 */
export async function* headPages(client: PortalClient, identifier: string): AsyncGenerator<ReadHead[]> {
  const { info, log, url } = client;
  if (!info.extensions.has(EXTENSIONS.history)) return;
  const chain = log?.openChain();
  let count = 0;
  let page: ReadHead[] = [];
  const pages = pagesOf<unknown>(Number.POSITIVE_INFINITY, async (pageKey) => {
    const response = await get(client, {
      Identifier: identifier,
      Multiple: true,
      ...(pageKey !== undefined && { SearchConstraints: { PageKey: pageKey } }),
    });
    const served = servedOf(response, TYPE).map(({ value, proof }) => ({ head: readHead(value), proof }));
    if (served.some(({ head }) => head.identifier !== identifier)) throw anotherApplication(url);
    if (log && chain) {
      const leaves: PlacedLeaf[] = [];
      for (const { head, proof } of served) leaves.push(await log.checkLeaf(response, proof, leafOf(head)));
      const [first] = leaves;
      if (pageKey === undefined && first) await log.checkNewest(first);
      await chain.add(leaves);
      if (response.PageKey === undefined) await chain.end();
    }
    page = served.map(({ head }) => head);
    return { items: response.Entries ?? response.DataItems ?? [], pageKey: response.PageKey };
  });
  for await (const items of pages) {
    yield page;
    count += items.length;
    if (count >= MAX_VERSIONS) return;
  }
}

/** The same as one list. */
export const fetchHeads = async (client: PortalClient, identifier: string): Promise<ReadHead[]> => {
  const heads: ReadHead[] = [];
  for await (const page of headPages(client, identifier)) heads.push(...page);
  return heads;
};

/**
 * The versions from behind a head that was seen up to `head`, oldest first, each of which names the one before it. Undefined where the
 * portal does not show them all. Throws `fork` where the line does not lead to what was seen, and as `headPages` does.
 */
export const headsBetween = async (
  client: PortalClient,
  seen: Pick<ReadHead, "sequence" | "payloadHash">,
  head: ReadHead,
): Promise<ReadHead[] | undefined> => {
  const line = [head];
  const reaches = (first: ReadHead): boolean => {
    if (first.sequence > seen.sequence + 1) return false;
    if (first.previous !== seen.payloadHash) throw headFork(client.url);
    return true;
  };
  if (reaches(head)) return line;
  for await (const page of headPages(client, head.identifier)) {
    for (const version of page) {
      const [first = head] = line;
      if (version.sequence >= first.sequence) continue;
      if (version.sequence !== first.sequence - 1 || version.payloadHash !== first.previous) return undefined;
      line.unshift(version);
      if (reaches(version)) return line;
    }
  }
  return undefined;
};

/**
 * Fetches the very record that a head names as one of its segments: the newest under that identifier, or else an older one that the
 * portal has kept. Nothing but its hash has been checked, and where the portal keeps a log that it is in it. Throws
 * `application-segment` where the portal does not have it, `proof-missing`, `proof-invalid`, and what `send` throws.
 */
export const fetchSegment = async (client: PortalClient, wanted: SegmentReference): Promise<unknown> => {
  const { log, info, url } = client;
  const { identifier, hash } = wanted;
  const find = async (response: Awaited<ReturnType<typeof get>>): Promise<unknown> => {
    const found = servedOf(response, TYPE).find(({ value }) => hashOf(value) === hash);
    if (found) await log?.checkLeaf(response, found.proof, leafOf({ identifier, sequence: 1, hash }));
    return found?.value;
  };
  const newest = await find(await get(client, { Identifier: identifier }));
  if (newest !== undefined) return newest;
  if (info.extensions.has(EXTENSIONS.history)) {
    let found: unknown;
    let count = 0;
    const pages = pagesOf<unknown>(MAX_VERSIONS, async (pageKey) => {
      const response = await get(client, {
        Identifier: identifier,
        Multiple: true,
        ...(pageKey !== undefined && { SearchConstraints: { PageKey: pageKey } }),
      });
      found = await find(response);
      return { items: response.Entries ?? response.DataItems ?? [], pageKey: response.PageKey };
    });
    for await (const items of pages) {
      count += items.length;
      if (found !== undefined) return found;
      if (count >= MAX_VERSIONS) break;
    }
  }
  throw new MeshError("application-segment", msg("app.segment-missing", { url }), {
    hint: msg("app.segment-missing.hint"),
  });
};

/** The hash of a record, or undefined for what is none. */
const hashOf = (value: unknown): string | undefined =>
  v.is(SignedRecordSchema, value) ? recordHash(value) : undefined;

/** Publishes segments, some at a time. Throws what `publishEntry` throws. */
export const publishSegments = async (
  client: PortalClient,
  segments: readonly Pick<Segment, "record">[],
  signer: PrivateKey,
): Promise<void> => {
  await inParallel(segments, ({ record }) => publishEntry(client, { [TYPE]: record }, signer));
};

const follows = (before: Pick<ReadHead, "sequence" | "payloadHash">, head: ReadHead): boolean =>
  head.sequence === before.sequence + 1 && head.previous === before.payloadHash;

/**
 * Publishes the next version of a head. Where the portal keeps succession, it decides; elsewhere the stored version is looked at first
 * and read back afterwards. Nothing happens where the version is there already. Throws `conflict` where another version won, and what
 * `fetchHead` and `publishEntry` throw.
 */
export const publishHead = async (client: PortalClient, head: ReadHead, signer: PrivateKey): Promise<void> => {
  if (!keepsSuccession(client)) {
    const stored = await fetchHead(client, head.identifier);
    if (stored?.hash === head.hash) return;
    if (stored && !follows(stored, head)) throw conflict(client);
  }
  await publishEntry(client, { [TYPE]: head.record }, signer);
  if (keepsSuccession(client)) return;
  const stored = await fetchHead(client, head.identifier);
  if (!stored || (stored.hash !== head.hash && !follows(head, stored))) throw conflict(client);
};

/**
 * Brings the portal of a further account up to `head`, out of what the portal `source` has: first the segments that it may lack, then
 * the heads in order. A portal that does not keep succession is given the head itself. Throws `conflict` where that portal has another
 * line, or a newer head, and what fetching and publishing throw.
 */
export const bringUpHead = async (
  client: PortalClient,
  source: PortalClient,
  head: ReadHead,
  signer: PrivateKey,
): Promise<void> => {
  const stored = await fetchHead(client, head.identifier);
  if (stored?.hash === head.hash) return;
  if (stored && stored.sequence >= head.sequence) throw conflict(client);
  let missing: readonly ReadHead[] = [head];
  if (stored && keepsSuccession(client)) {
    const line = await headsBetween(source, stored, head);
    if (!line) throw conflict(client);
    missing = line;
  }
  // What its own head lists was there before that head was.
  const there = new Set(stored?.segments.map(({ hash }) => hash));
  const lacking = head.segments.filter(({ hash }) => !there.has(hash));
  await inParallel(lacking, async (segment) => {
    const record = await fetchSegment(source, segment);
    await publishEntry(client, { [TYPE]: v.parse(SignedRecordSchema, record) }, signer);
  });
  for (const version of missing) await publishEntry(client, { [TYPE]: version.record }, signer);
  if (keepsSuccession(client)) return;
  const now = await fetchHead(client, head.identifier);
  if (now?.hash !== head.hash) throw conflict(client);
};
