import { isMeshError, MeshError } from "../../errors.js";
import { fetchProfile } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import type { PortalTarget } from "../../client/target.js";
import { parseAddress } from "../../mesh/address.js";
import { msg } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { findAccountPortal } from "../find-portal.js";
import { listProfiles } from "../../keystore/state.js";
import { openTarget, portalTarget } from "../session.js";

/**
 * The portals that the options name for finding an escrow entry, and those of the accounts that this home knows. Throws
 * `input-required` where there are none and no entry file either, before any share is asked for.
 */
export const escrowPortals = async (context: Context, input: Input): Promise<PortalTarget[]> => {
  const { portal, account } = context.globals;
  if (portal !== undefined) return [portalTarget(context, portal)];
  if (account !== undefined) return [await findAccountPortal(context, parseAddress(account))];
  if (input.list("entryFile").length > 0) return [];
  const known = listProfiles(context.home).flatMap((state) => state.accounts.map((place) => place.portal));
  if (known.length === 0) {
    throw new MeshError("input-required", msg("input.required", { what: msg("escrow.place-needed") }), {
      hint: msg("escrow.place-needed.hint"),
    });
  }
  return [...new Set(known)].map((text) => portalTarget(context, text));
};

/** Opens portals, runs work with those that answer, and closes them. Throws only where all fail and `needed` says so. */
export const withPortals = async <T>(
  context: Context,
  portals: readonly (PortalTarget | string)[],
  needed: boolean,
  work: (clients: readonly PortalClient[]) => Promise<T>,
): Promise<T> => {
  const clients: PortalClient[] = [];
  let failure: { readonly reason: unknown } | undefined;
  try {
    for (const portal of portals) {
      try {
        const target = typeof portal === "string" ? portalTarget(context, portal) : portal;
        clients.push(await openTarget(context, target));
      } catch (error) {
        failure = { reason: error };
        if (isMeshError(error)) await context.note(msg("escrow.portal-away", { reason: error.text }));
      }
    }
    if (clients.length === 0 && needed && failure) throw failure.reason;
    return await work(clients);
  } finally {
    for (const client of clients) await client.close();
  }
};

/**
 * Makes sure that the account which `--account` names belongs to the profile that the shares bring back. Throws
 * `fingerprint-mismatch`.
 */
export const checkNamedAccount = async (
  context: Context,
  clients: readonly PortalClient[],
  udf: string,
): Promise<void> => {
  if (context.globals.account === undefined) return;
  const { account } = parseAddress(context.globals.account);
  for (const client of clients) {
    const fetched = await fetchProfile(client, { account });
    if (fetched && fetched.profile.udf !== udf) {
      throw new MeshError("fingerprint-mismatch", msg("escrow.other-account", { account }), {
        hint: msg("escrow.other-account.hint"),
      });
    }
  }
};
