import { MeshError } from "../errors.js";
import type { Address } from "../mesh/address.js";
import { sha256OfText } from "../mesh/bytes.js";
import type { Entry } from "../mesh/protocol.js";
import { isAdministrator, isLapsed, readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import type { PublicKey } from "../mesh/keys.js";
import { remembered } from "../mesh/remembered.js";
import { recordHash } from "../mesh/signed-record.js";
import { msg } from "../messages/message.js";
import { Refusal, refuse } from "./answer.js";
import type { ResolveKey, SignedOptions, SigningKey } from "./authenticate.js";
import { keepRate, type Context } from "./context.js";
import { rendered, type Rendered } from "./rendered.js";
import type { Account, NewRecord, Reader, Store, StoredRecord } from "./store/store.js";

/**
 * In how many profiles a device is looked for: anyone may list another's, and nothing may take longer by that. The store names those
 * first that listed it first, and nobody can list a device before its own profile has.
 */
export const MAX_PROFILES = 64;

const hashOf = (entry: Entry): string | undefined => {
  if (!("OfflineEscrowEntry" in entry)) {
    const [record] = Object.values(entry);
    return record && recordHash(record);
  }
  const { protected: header, iv, ciphertext, tag } = entry.OfflineEscrowEntry.EncryptedData;
  return sha256OfText([header, iv, ciphertext, tag].join("."));
};

/** A stored record under the name of its type. Throws `state-corrupt` where it is no more what was accepted. */
export const entryOf = ({ type, hash, text }: StoredRecord): Entry => {
  const damaged = (cause?: unknown): MeshError =>
    new MeshError("state-corrupt", msg("portal.stored-record"), cause === undefined ? {} : { cause });
  let entry: Entry;
  try {
    entry = JSON.parse(text) as Entry;
    if (type in entry && hashOf(entry) === hash) return entry;
  } catch (cause) {
    throw damaged(cause);
  }
  throw damaged();
};

/** Octets of the texts of records that have been found to be what was accepted lately. */
const MAX_KNOWN = 8 * 1024 * 1024;
const known = remembered<string, { readonly type: string; readonly text: string; readonly entry: Rendered }>(
  MAX_KNOWN,
  ({ text }) => text.length,
);

/** The same to be answered with as it is. A text that is still the one that was looked at needs no other look. */
export const renderedEntry = (record: StoredRecord): Rendered => {
  const { type, hash, text } = record;
  const before = known.get(hash);
  if (before?.text === text && before.type === type) return before.entry;
  const json = JSON.stringify(entryOf(record));
  const entry = rendered(json === text ? text : json);
  known.set(hash, { type, text, entry });
  return entry;
};

const PERSONAL = "SignedPersonalProfile";

/** The profile of which that is the newest version. Throws `state-corrupt` where it no longer verifies. */
const readVersion = async (
  tx: Reader,
  udf: string,
  version: Pick<StoredRecord, "hash"> | undefined,
): Promise<PersonalProfile | undefined> => {
  const seen = version && readPersonal.seen(udf, version.hash);
  if (!version || seen) return seen;
  const stored = await tx.newest(PERSONAL, udf);
  if (!stored) return undefined;
  try {
    return readPersonal((entryOf(stored) as Record<string, unknown>)[PERSONAL]);
  } catch (cause) {
    throw new MeshError("state-corrupt", msg("portal.stored-profile", { udf }), { cause });
  }
};

/** The newest version of a profile, where the portal has any. Throws `state-corrupt` where it no longer verifies. */
export const currentProfile = async (tx: Reader, udf: string): Promise<PersonalProfile | undefined> =>
  readVersion(tx, udf, await tx.newestVersion(PERSONAL, udf));

const refuseNote = (note: unknown): void => {
  if (note !== undefined) refuse(403, msg("portal.profile-revoked"));
};

/** Refuses whatever concerns a profile that its owner ended for good (reference-10 section 3.1). */
export const refuseRevoked = async (tx: Reader, udf: string): Promise<void> => {
  refuseNote(await tx.newestVersion("SignedMasterProfile", udf));
};

/** The account, open or suspended. Refuses an unknown and a closed one with 404. */
export const liveAccount = async (tx: Reader, { account }: Address): Promise<Account> => {
  const found = await tx.account(account);
  if (!found) return refuse(404, msg("portal.account-unknown"));
  if (found.status === "Closed") {
    const { status, leaf } = found;
    return refuse(404, msg("portal.account-deleted"), { members: { AccountStatus: status }, accountLeaf: leaf });
  }
  return found;
};

/** An account that may be written to, and its profile. Refuses suspended accounts and revoked profiles with 403. */
export const writableAccount = async (
  tx: Reader,
  address: Address,
): Promise<{ account: Account; profile: PersonalProfile }> => {
  const account = await liveAccount(tx, address);
  if (account.status === "Suspended") refuse(403, msg("portal.account-suspended"));
  await refuseRevoked(tx, account.profile);
  const profile = await currentProfile(tx, account.profile);
  if (!profile) throw new MeshError("state-corrupt", msg("portal.stored-account"));
  return { account, profile };
};

/** The current version of a profile that has an open account here and is not revoked; else refuses with 403. */
export const writableProfile = async (tx: Reader, udf: string): Promise<PersonalProfile> => {
  // At once, since a database that is elsewhere answers all of them together.
  const [note, accounts, version] = await Promise.all([
    tx.newestVersion("SignedMasterProfile", udf),
    tx.accountsOf(udf),
    tx.newestVersion(PERSONAL, udf),
  ]);
  refuseNote(note);
  if (!accounts.some(({ status }) => status === "Open")) {
    refuse(
      403,
      accounts.some(({ status }) => status === "Suspended")
        ? msg("portal.account-suspended")
        : msg("portal.owner-accountless"),
    );
  }
  return (await readVersion(tx, udf, version)) ?? refuse(403, msg("portal.owner-unknown"));
};

/** The authentication key with a fingerprint, where a device of the profile has it, and how that device stands at a time. */
export const signingKey = (profile: PersonalProfile | undefined, udf: string, now: number): SigningKey | undefined => {
  const device = profile?.devices.find(({ authenticationKey: key }) => key.udf === udf);
  return profile && device && { key: device.authenticationKey, lapsed: isLapsed(profile, device.udf, new Date(now)) };
};

/** True where the key is the authentication key of an administration device that is among the profile's devices. */
export const isAdministrationKey = (profile: PersonalProfile, key: PublicKey): boolean =>
  profile.devices.some((device) => device.authenticationKey.udf === key.udf && isAdministrator(profile, device.udf));

/** Refuses with 429 above the rate of a profile's changes, and with 413 where so many octets more are beyond what it may take up. */
export const checkQuota = async (
  tx: Reader,
  context: Context,
  owner: string,
  record: Pick<NewRecord, "type" | "identifier" | "text">,
): Promise<void> => {
  keepRate(context, "account-write", owner);
  const { bytes, records } = await tx.usage(owner);
  // Any device may publish applications, so escrow entries have as much room again, and profiles more: a device that fills
  // what it can must not keep a person from splitting their keys or from removing it.
  const share = record.type === "SignedApplicationProfile" ? 1 : record.type === "OfflineEscrowEntry" ? 2 : 4;
  const limit = share * context.quota.bytes;
  if (bytes + Buffer.byteLength(record.text) > limit) {
    refuse(413, msg("portal.quota-octets", { octets: limit }));
  }
  const most = share * context.quota.records;
  if (share < 4 && records >= most && !(await tx.newestVersion(record.type, record.identifier))) {
    refuse(413, msg("portal.quota-records", { count: most }));
  }
};

/** The profiles for which a key may speak: it is a device's authentication key there, and neither they nor it are over. */
export const profilesOfKey = async (tx: Reader, key: PublicKey, now: number): Promise<readonly string[]> => {
  const profiles: string[] = [];
  for (const udf of await tx.profilesWithAuthentication(key.udf, MAX_PROFILES)) {
    if (await tx.newestVersion("SignedMasterProfile", udf)) continue;
    if (signingKey(await currentProfile(tx, udf), key.udf, now)?.lapsed === false) profiles.push(udf);
  }
  return profiles;
};

/**
 * A device authentication key of any current profile, by its fingerprint. It has lapsed only where it has in all of them: anyone
 * may list another's device, and let it lapse there.
 */
export const findAuthenticationKey: ResolveKey = async (tx, udf, now) => {
  let found: SigningKey | undefined;
  for (const profile of await tx.profilesWithAuthentication(udf, MAX_PROFILES)) {
    found = signingKey(await currentProfile(tx, profile), udf, now) ?? found;
    if (found?.lapsed === false) break;
  }
  return found;
};

/**
 * How the signature of a request for an account is verified: under the authentication keys of its current profile. Where
 * there is no such account, that is what is answered, unless the request turns out to be an identical resend.
 */
export const resolveAccountKey = async (
  store: Store,
  address: Address,
): Promise<Pick<SignedOptions, "resolveKey" | "instead">> => {
  try {
    const { profile } = await store.read((tx) => liveAccount(tx, address));
    return { resolveKey: async (tx, udf, now) => signingKey(await currentProfile(tx, profile), udf, now) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { resolveKey: () => Promise.resolve(undefined), instead: error };
  }
};
