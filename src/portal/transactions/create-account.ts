import type { Request } from "../../mesh/protocol.js";
import { readPersonal } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { transactSigned, type ResolveKey } from "../authenticate.js";
import { done, refuse, type Answer } from "../answer.js";
import { keepRate, readAddress, servesDomain, type Context } from "../context.js";
import { currentProfile, refuseRevoked, signingKey } from "../standing.js";
import { leafOfVersion, publishPersonal } from "./publish/personal.js";

/**
 * Gives an account to the profile enclosed, and publishes that (reference-10 section 12.7). Signed by the authentication key
 * of any of its devices. The same account for the same profile again is done already. Refuses with 409 what is taken, deleted
 * or reserved, and a profile that is not what the portal has or its direct successor; with 403 a revoked profile, a suspended
 * account and a domain that is not served; with 429 above the rate.
 */
export const createAccount = async (context: Context, request: Request<"CreateAccount">): Promise<Answer> => {
  keepRate(context, "create-account");
  const { account, domain } = readAddress(context, request.Account);
  if (!servesDomain(context, domain)) refuse(403, msg("portal.account-domain"));
  if (!("SignedPersonalProfile" in request.Profile)) {
    return refuse(400, msg("portal.account-profile-type"));
  }
  const profile = readPersonal(request.Profile.SignedPersonalProfile);
  const resolveKey: ResolveKey = (_, udf, now) => Promise.resolve(signingKey(profile, udf, now));
  return transactSigned(context, { resolveKey }, async (tx, key) => {
    if (!signingKey(profile, key.udf, context.now)) {
      refuse(403, msg("portal.signature-foreign"));
    }
    await refuseRevoked(tx, profile.udf);
    const known = await tx.account(account);
    const current = await currentProfile(tx, profile.udf);
    if (known) {
      if (known.profile !== profile.udf) refuse(409, msg("portal.account-taken"));
      if (known.status === "Closed") refuse(409, msg("portal.account-gone"));
      if (known.status === "Suspended") refuse(403, msg("portal.account-suspended"));
      const leaf = (await leafOfVersion(tx, profile)) ?? (await publishPersonal(tx, context, profile, current));
      return done({}, { leaves: [leaf, known.leaf] });
    }
    const reservation = await tx.reservation(account);
    if (reservation && reservation.expires > context.now && reservation.key !== key.udf) {
      refuse(409, msg("portal.account-reserved"));
    }
    const accounts = await tx.accountsOf(profile.udf);
    if (accounts.length >= context.quota.accounts) {
      refuse(403, msg("portal.account-quota", { count: context.quota.accounts }));
    }
    if (accounts.some(({ status }) => status === "Suspended")) {
      refuse(403, msg("portal.account-other-suspended"));
    }
    // Not an older version: a device that has been removed since could still show that one.
    const leaf = await publishPersonal(tx, context, profile, current);
    const accountLeaf = await tx.createAccount(account, profile.udf, context.now);
    await tx.removeReservation(account);
    return done({}, { leaves: [leaf, accountLeaf] });
  });
};
