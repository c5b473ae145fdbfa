import type { Request } from "../../mesh/protocol.js";
import { readPersonal } from "../../mesh/records/personal.js";
import { transactSigned } from "../authenticate.js";
import { done, refuse, type Answer } from "../answer.js";
import { keepRate, readAddress, servesDomain, type Context } from "../context.js";
import { authenticationKey, refuseRevoked } from "../standing.js";
import { isKnownVersion, publishPersonal } from "./publish/personal.js";

/**
 * Gives an account to the profile enclosed, and publishes that (reference-10 section 12.7). Signed by the authentication key
 * of any of its devices. The same account for the same profile again is done already. Refuses with 409 what is taken, deleted
 * or reserved, and a profile that is not what the portal has or its direct successor; with 403 a revoked profile, a suspended
 * account and a domain that is not served; with 429 above the rate.
 */
export const createAccount = async (context: Context, request: Request<"CreateAccount">): Promise<Answer> => {
  keepRate(context, "createAccount");
  const { account, domain } = readAddress(context, request.Account);
  if (!servesDomain(context, domain)) refuse(403, "This portal does not serve the domain of that account.");
  if (!("SignedPersonalProfile" in request.Profile)) {
    return refuse(400, "An account is created for a SignedPersonalProfile.");
  }
  const profile = readPersonal(request.Profile.SignedPersonalProfile);
  const resolveKey = (_: unknown, udf: string) => Promise.resolve(authenticationKey(profile, udf));
  return transactSigned(context, { resolveKey }, async (tx, key) => {
    if (!authenticationKey(profile, key.udf)) {
      refuse(403, "The request is not signed by a device of the profile enclosed.");
    }
    await refuseRevoked(tx, profile.udf);
    const known = await tx.account(account);
    if (known) {
      if (known.profile !== profile.udf) refuse(409, "The account name is taken.");
      if (known.status === "Closed") refuse(409, "The account has been deleted, and its name is not given out again.");
      if (known.status === "Suspended") refuse(403, "The account is suspended. Ask whoever runs the portal.");
      if (!(await isKnownVersion(tx, profile))) await publishPersonal(tx, context, profile);
      return done();
    }
    const reservation = await tx.reservation(account);
    if (reservation && reservation.expires > context.now && reservation.key !== key.udf) {
      refuse(409, "The account name is reserved for somebody else. Try again in ten minutes.");
    }
    const accounts = await tx.accountsOf(profile.udf);
    if (accounts.length >= context.quota.accounts) {
      refuse(403, `A profile has at most ${context.quota.accounts} accounts at this portal, deleted ones among them.`);
    }
    if (accounts.some(({ status }) => status === "Suspended")) {
      refuse(403, "Another account of the profile is suspended. Ask whoever runs the portal.");
    }
    // Not an older version: a device that has been removed since could still show that one.
    await publishPersonal(tx, context, profile);
    await tx.createAccount(account, profile.udf, context.now);
    await tx.removeReservation(account);
    return done();
  });
};
