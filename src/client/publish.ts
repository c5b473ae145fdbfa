import { MeshError } from "../errors.js";
import type { PrivateKey } from "../mesh/keys.js";
import { EXTENSIONS, type Entry } from "../mesh/protocol.js";
import type { PersonalProfile } from "../mesh/records/personal.js";
import { compareVersions, isSuccessor } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { fetchProfile } from "./fetch.js";
import { entryLeaf } from "./leaves.js";

/** True where the portal itself sees to it that every version follows the one before. */
export const keepsSuccession = (client: PortalClient): boolean => client.info.extensions.has(EXTENSIONS.succession);

/**
 * Publishes one record (reference-10 section 12.5). Throws `not-supported` for a revocation note where the portal does not
 * announce that it takes them, what `send` throws, and what `checkChange` throws unless the portal proves that it is in its log.
 */
export const publishEntry = async (client: PortalClient, entry: Entry, signer?: PrivateKey): Promise<void> => {
  if ("SignedMasterProfile" in entry && !client.info.extensions.has(EXTENSIONS.revocation)) {
    throw new MeshError("not-supported", msg("client.no-revocation-notes", { url: client.url }), {
      hint: msg("client.no-revocation-notes.hint"),
    });
  }
  const response = await client.send("Publish", { Entry: entry }, { signer });
  await client.log?.checkChange(response, [entryLeaf(entry)]);
};

/** The error for a version that lost against another. */
export const conflict = (client: PortalClient): MeshError =>
  new MeshError("conflict", msg("client.version-conflict", { url: client.url }), {
    hint: msg("client.conflict.hint"),
  });

/**
 * Publishes the next version of a profile. Where the portal keeps succession, it decides; elsewhere the stored version is
 * looked at first and read back afterwards. Nothing happens where the version is there already.
 * Throws `conflict` where another version won, and what `fetchProfile` and `send` throw.
 */
export const publishProfile = async (
  client: PortalClient,
  profile: PersonalProfile,
  signer: PrivateKey,
): Promise<void> => {
  if (!keepsSuccession(client)) {
    const stored = (await fetchProfile(client, { identifier: profile.udf }))?.profile;
    if (stored?.hash === profile.hash) return;
    if (stored && !isSuccessor(stored, profile)) throw conflict(client);
  }
  await publishChecked(client, profile, signer);
};

/** Publishes a version and, where the portal takes anything from anyone, makes sure that it is there. */
const publishChecked = async (client: PortalClient, profile: PersonalProfile, signer: PrivateKey): Promise<void> => {
  await publishEntry(client, { SignedPersonalProfile: profile.record }, signer);
  if (!keepsSuccession(client)) await checkStored(client, profile);
};

/** Throws `conflict` unless the portal now serves this version, or one that another device has made on top of it since. */
const checkStored = async (client: PortalClient, profile: PersonalProfile): Promise<void> => {
  const stored = (await fetchProfile(client, { identifier: profile.udf }))?.profile;
  if (!stored || (stored.hash !== profile.hash && !isSuccessor(profile, stored))) throw conflict(client);
};

/**
 * Brings the portal of a further account up to `profile`, by publishing what it lacks in order, oldest first, out of
 * `history` in any order. A portal that does not keep succession is given the profile itself where the way to it is unknown.
 * Throws `conflict` where the portal's version is newer or does not lead to the profile, and what `publishProfile` throws.
 */
export const bringUp = async (
  client: PortalClient,
  profile: PersonalProfile,
  history: readonly PersonalProfile[],
  signer: PrivateKey,
): Promise<void> => {
  const stored = (await fetchProfile(client, { identifier: profile.udf }))?.profile;
  if (stored?.hash === profile.hash) return;
  if (!stored) return publishChecked(client, profile, signer);
  const missing = wayFrom(stored, profile, history);
  if (missing && keepsSuccession(client)) {
    for (const version of missing) await publishChecked(client, version, signer);
    return;
  }
  // Without succession what lies between is lost on the next Publish anyway.
  if (keepsSuccession(client) || compareVersions(stored, profile) >= 0) throw conflict(client);
  await publishChecked(client, profile, signer);
};

/** The versions from behind `stored` up to `profile`, each the successor of the one before; undefined where there is no way. */
export const wayFrom = (
  stored: PersonalProfile,
  profile: PersonalProfile,
  history: readonly PersonalProfile[],
): PersonalProfile[] | undefined => {
  const way = [profile];
  let first = profile;
  while (!isSuccessor(stored, first)) {
    const next = first;
    // A new epoch may follow any version of the one before; the earliest leaves the least to publish.
    const [before] = history
      .filter((version) => compareVersions(version, stored) > 0 && isSuccessor(version, next))
      .sort(compareVersions);
    if (!before) return undefined;
    way.unshift(before);
    first = before;
  }
  return way;
};
