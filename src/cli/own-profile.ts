import { MeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { fetchProfile, followProfile, type FetchedProfile, type Followed } from "../client/profiles.js";
import type { SignedRecord } from "../mesh/jose.js";
import { readPersonal } from "../mesh/records/personal.js";
import { checkPin, isNewer, pinOf, type ProfilePin } from "../mesh/succession.js";

/**
 * Fetches the profile of an account and verifies that it is this very profile. Throws `account-not-found`,
 * `fingerprint-mismatch`, and what `fetchProfile` throws.
 */
export const fetchOwn = async (client: PortalClient, account: string, udf: string): Promise<FetchedProfile> => {
  const fetched = await fetchProfile(client, { account, identifier: udf });
  if (fetched) return fetched;
  throw new MeshError("account-not-found", `The portal ${client.url} has no account ${account}.`, {
    hint: "Was it deleted? `meshman account create` makes it again, on this portal or another.",
  });
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
