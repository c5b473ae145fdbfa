import { MeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { fetchProfile, type FetchedProfile } from "../client/profiles.js";

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
