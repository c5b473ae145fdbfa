import { MeshError } from "../errors.js";
import type { PersonalProfile } from "../mesh/records/personal.js";
import { checkPin, pinOf, provesLine, type ProfilePin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { historyPages, profileRevoked, type FetchedProfile } from "./fetch.js";

/** A profile that has been held against the pin. `pin` is what to keep from now on. */
export interface Followed {
  readonly profile: PersonalProfile;
  readonly pin: ProfilePin;
  /** True where `pin` is another than before. */
  readonly changed: boolean;
}

/**
 * Holds a fetched profile against what has been seen before; without a pin, it is taken as it is and pinned. The versions of
 * a gap are fetched and must form one line; where they do not, `acceptGap` takes the profile all the same and remembers it.
 * A pin does not say whose it is: the caller has compared the profile's fingerprint, or had `fetchProfile` do it.
 * Throws `profile-revoked`, `rollback`, `fork` or `gap`, and what `fetchHistory` throws.
 */
export const followProfile = async (
  client: PortalClient,
  fetched: FetchedProfile,
  pin: ProfilePin | undefined,
  acceptGap: boolean,
): Promise<Followed> => {
  const { profile, revocation } = fetched;
  if (revocation?.udf === profile.udf) throw profileRevoked(revocation);
  if (!pin) return { profile, pin: pinOf(profile), changed: true };
  // What was never proved before is not proved by what comes after it.
  const hadGap = pin.gap === true;
  const check = checkPin(profile, pin);
  if (check === "same") return { profile, pin, changed: false };
  if (check === "successor" || (await isProved(client, profile, pin))) {
    return { profile, pin: pinOf(profile, hadGap), changed: true };
  }
  if (acceptGap) return { profile, pin: pinOf(profile, true), changed: true };
  const version = `${profile.master.sequence}.${profile.sequence}`;
  const seen = `${pin.masterSequence}.${pin.sequence}`;
  throw new MeshError("gap", msg("client.gap", { url: client.url, version, seen }), { hint: msg("client.gap.hint") });
};

/** True where the portal's history joins the pinned version to the profile; no more of it is fetched than that takes. */
const isProved = async (client: PortalClient, profile: PersonalProfile, pin: ProfilePin): Promise<boolean> => {
  const versions: PersonalProfile[] = [];
  for await (const page of historyPages(client, profile.udf)) {
    versions.push(...page);
    if (provesLine(profile, pin, versions)) return true;
  }
  return false;
};
