import { isMeshError, MeshError } from "../../errors.js";
import { fetchAccount, type FetchedAccount } from "../../client/profiles.js";
import { readPins } from "../../keystore/pins.js";
import { listProfiles } from "../../keystore/state.js";
import { parseAddress } from "../../mesh/address.js";
import { msg, type Message } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { findAccountPortal } from "../find-portal.js";
import { lookAtOwn } from "../own-profile.js";
import { fields, readableTime } from "../output.js";
import { canonicalAccount, isBehind, requireProfile } from "../select.js";
import { accountOf, openTarget, portalTarget } from "../session.js";
import type { PortalTarget } from "../../client/target.js";

const STATUS_WORDS: Readonly<Record<NonNullable<FetchedAccount["status"]> | "unknown", Message>> = {
  open: msg("account.status-open"),
  closed: msg("account.status-closed"),
  suspended: msg("account.status-suspended"),
  unknown: msg("account.status-unknown"),
};

const place = async (
  context: Context,
  text: string | undefined,
): Promise<{ account: string; target: PortalTarget }> => {
  if (text === undefined) {
    const known = accountOf(context, await requireProfile(context));
    return { account: known.account, target: portalTarget(context, context.globals.portal ?? known.portal) };
  }
  if (text.includes("@")) {
    const address = parseAddress(text);
    return { account: address.account, target: await findAccountPortal(context, address) };
  }
  const account = canonicalAccount(text, await requireProfile(context));
  return { account, target: await findAccountPortal(context, parseAddress(account)) };
};

export const run: Run = async (context, input) => {
  const { account, target } = await place(context, input.argument(0) ?? context.globals.account);
  return withClient(openTarget(context, target), async (client) => {
    const mine = listProfiles(context.home).find((state) => state.accounts.some((known) => known.account === account));
    const { status, fetched } = await fetchAccount(client, account, mine?.udf);
    if (!fetched && status === undefined) {
      throw new MeshError("account-not-found", msg("account.not-at-portal", { portal: client.url, account }));
    }
    const own = fetched && mine;
    if (own && fetched.revocation === undefined) {
      const looking = lookAtOwn(context, client, account, own, readPins(context.home).profiles[own.udf]);
      await looking.catch((error: unknown) => {
        if (!isMeshError(error, "rollback") || !isBehind(own, account)) throw error;
      });
    }
    const profile = fetched?.profile;
    const revoked = fetched?.revocation?.revoked;
    const known = status ?? "unknown";
    const value = {
      account,
      portal: client.url,
      status: known,
      profile: profile ? { udf: profile.udf } : null,
      masterSequence: profile?.master.sequence ?? null,
      sequence: profile?.sequence ?? null,
      ...(revoked === undefined ? {} : { revoked }),
    };
    return {
      value,
      text: fields([
        [msg("label.account"), account],
        [msg("label.portal"), client.url],
        [msg("label.status"), STATUS_WORDS[known]],
        [msg("label.udf"), profile?.udf],
        [msg("label.version"), profile && `${profile.master.sequence}.${profile.sequence}`],
        [msg("label.revoked"), revoked && readableTime(revoked)],
      ]),
    };
  });
};
