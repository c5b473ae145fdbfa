import * as v from "valibot";
import { MeshError } from "../errors.js";
import { canonicalJson } from "../mesh/json.js";
import type { PrivateKey } from "../mesh/keys.js";
import { EXTENSIONS, OfflineEscrowEntrySchema, type OfflineEscrowEntry } from "../mesh/protocol.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { get, servedOf } from "./fetch.js";
import { escrowLeaf } from "./leaves.js";
import { publishEntry } from "./publish.js";

const MAX_ENTRIES = 64;

/**
 * The escrow entries under an identifier (architecture-02 section 8.6): those of the right form, none where there are none.
 * Whether one can be opened only the key shows. Of a portal that keeps a log throws `proof-missing` and `proof-invalid`.
 */
export const fetchEscrowEntry = async (client: PortalClient, identifier: string): Promise<OfflineEscrowEntry[]> => {
  const all = client.info.extensions.has(EXTENSIONS.history);
  const response = await get(client, { Identifier: identifier, ...(all && { Multiple: true as const }) });
  const entries: OfflineEscrowEntry[] = [];
  for (const { value, proof } of servedOf(response, "OfflineEscrowEntry").slice(0, MAX_ENTRIES)) {
    const result = v.safeParse(OfflineEscrowEntrySchema, value);
    if (!result.success || result.output.Identifier !== identifier) continue;
    await client.log?.checkLeaf(response, proof, escrowLeaf(result.output));
    entries.push(result.output);
  }
  return entries;
};

/**
 * Publishes an escrow entry, unless it is there already, and makes sure that the portal serves it. Throws `conflict` where
 * there is another one under its identifier, and what `publishEntry` throws.
 */
export const publishEscrowEntry = async (
  client: PortalClient,
  entry: OfflineEscrowEntry,
  signer: PrivateKey,
): Promise<void> => {
  const isThere = async (): Promise<boolean> =>
    (await fetchEscrowEntry(client, entry.Identifier)).some((stored) => canonicalJson(stored) === canonicalJson(entry));
  if (await isThere()) return;
  await publishEntry(client, { OfflineEscrowEntry: entry }, signer);
  if (!(await isThere())) {
    throw new MeshError("conflict", msg("client.escrow-unseen", { url: client.url }), {
      hint: msg("client.escrow-unseen.hint"),
    });
  }
};
