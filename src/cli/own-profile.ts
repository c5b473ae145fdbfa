import { isMeshError, MeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { fetchProfile, followProfile, type FetchedProfile, type Followed } from "../client/profiles.js";
import { updateProfile, type ProfileState } from "../keystore/state.js";
import type { SignedRecord } from "../mesh/jose.js";
import { readPersonal } from "../mesh/records/personal.js";
import { recordHash } from "../mesh/signed-record.js";
import { checkPin, isNewer, pinOf, type ProfilePin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";
import { withSeen } from "./seen.js";

/** Throws `profile-revoked` where this home has seen that the profile's owner has ended it: there is no way back from that. */
export const refuseRevoked = ({ revoked, udf }: ProfileState): void => {
  if (revoked === undefined) return;
  throw new MeshError("profile-revoked", msg("profile.was-revoked", { profile: udf, time: revoked }), {
    hint: msg("profile.was-revoked.hint"),
  });
};

/** Keeps what a command that unlocks nothing has learnt. On a read-only home the next command that writes does it. */
const keep = async (context: Context, udf: string, change: (state: ProfileState) => ProfileState): Promise<void> => {
  try {
    await updateProfile(context.home, udf, (state) => {
      if (!state) throw new MeshError("profile-not-found", msg("profile.deleted-meanwhile"));
      return change(state);
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy", "profile-not-found")) throw error;
  }
};

/**
 * Fetches the profile of an account and verifies that it is this very profile. That it is revoked is remembered, so that a
 * portal cannot take it back. Throws `profile-revoked`, `account-not-found`, `fingerprint-mismatch`, and what `fetchProfile`
 * throws.
 */
export const fetchOwn = async (
  context: Context,
  client: PortalClient,
  account: string,
  state: ProfileState,
): Promise<FetchedProfile> => {
  refuseRevoked(state);
  const fetched = await fetchProfile(client, { account, identifier: state.udf });
  if (!fetched) {
    throw new MeshError("account-not-found", msg("account.not-at-portal", { portal: client.url, account }), {
      hint: msg("account.not-at-portal.hint"),
    });
  }
  const revoked = fetched.revocation?.revoked;
  if (revoked !== undefined) await keep(context, state.udf, (current) => ({ ...current, revoked }));
  return fetched;
};

/**
 * Holds a fetched profile against all that this home has seen: the pin, and the kept record, which is ahead of the pin where a
 * command that unlocks nothing has seen it. `changed` is about the pin. Throws as `followProfile` does.
 */
export const followOwn = async (
  client: PortalClient,
  fetched: FetchedProfile,
  pin: ProfilePin | undefined,
  record: SignedRecord | undefined,
  acceptGap: boolean,
): Promise<Followed> => {
  const kept = record && readPersonal(record);
  if (!pin || kept?.udf !== fetched.profile.udf || !isNewer(kept, pin)) {
    return followProfile(client, fetched, pin, acceptGap);
  }
  // Nothing older than the kept record is accepted. As a proof of what comes after the pin it serves only where it proves itself,
  // since it is kept without a MAC.
  checkPin(fetched.profile, pinOf(kept));
  const base = checkPin(kept, pin) === "successor" ? pinOf(kept, pin.gap === true) : pin;
  return { ...(await followProfile(client, fetched, base, acceptGap)), changed: true };
};

/**
 * Looks at the profile as the portal of an account shows it, and keeps what is new, so that the commands that ask no portal
 * say the same. The pin stays behind, since moving it needs the keys. Throws as `fetchOwn` and `followOwn` do.
 */
export const lookAtOwn = async (
  context: Context,
  client: PortalClient,
  account: string,
  state: ProfileState,
  pin: ProfilePin | undefined,
): Promise<Followed> => {
  const fetched = await fetchOwn(context, client, account, state);
  const followed = await followOwn(client, fetched, pin, state.record, context.globals.acceptGap);
  if (!state.record || recordHash(state.record) !== followed.profile.hash) {
    await keep(context, state.udf, (current) => withSeen(current, followed.profile));
  }
  return followed;
};
