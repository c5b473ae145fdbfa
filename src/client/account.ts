import { isMeshError, MeshError } from "../errors.js";
import type { PrivateKey } from "../mesh/keys.js";
import type { PersonalProfile } from "../mesh/records/personal.js";
import { isSuccessor } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import { isPlain, type PortalClient } from "./client.js";
import { fetchProfile } from "./fetch.js";
import { personalLeaf } from "./leaves.js";
import { bringUp, conflict, keepsSuccession, wayFrom } from "./publish.js";

const taken = (client: PortalClient, account: string): MeshError =>
  new MeshError("account-taken", msg("client.account-taken", { account, url: client.url }), {
    hint: msg("client.account-taken.hint"),
  });

/** The profile under an account; one that this program cannot verify belongs to someone else. */
const ownerOf = async (
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
): Promise<PersonalProfile | undefined> => {
  try {
    return (await fetchProfile(client, { account, identifier: profile.udf }))?.profile;
  } catch (error) {
    const isForeign = isMeshError(
      error,
      "fingerprint-mismatch",
      "json-invalid",
      "record-invalid",
      "signature-invalid",
      "key-invalid",
    );
    if (isForeign) throw taken(client, account);
    throw error;
  }
};

/** Gives the versions of the profile that another portal keeps; asked only where a portal is some versions behind. */
export type FetchHistory = () => Promise<readonly PersonalProfile[]>;

/**
 * Creates an account for a profile (reference-10 section 12.3). Where the profile has it already, makes sure that this version
 * is published. A portal that knows the profile from before, and is behind, gets the versions that it lacks out of `history`.
 * One that does not keep succession lets an account be created twice, so it is looked at before and after.
 * Throws `account-taken`, `conflict`, and what `bringUp` throws.
 */
export const createAccount = async (
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
  signer: PrivateKey,
  history: FetchHistory = () => Promise.resolve([]),
): Promise<void> => {
  if (keepsSuccession(client)) {
    try {
      await create(client, account, profile, signer);
    } catch (error) {
      if (!isMeshError(error, "account-taken")) throw error;
      await adopt(client, account, profile, signer, history, error);
    }
    return;
  }
  const existing = await ownerOf(client, account, profile);
  if (existing?.hash === profile.hash) return;
  if (existing) return bringUp(client, profile, [], signer);
  await create(client, account, profile, signer);
  const shown = await ownerOf(client, account, profile);
  if (shown?.hash !== profile.hash) {
    throw new MeshError("conflict", msg("client.account-unseen", { url: client.url }), {
      hint: msg("client.account-unseen.hint"),
    });
  }
};

/**
 * Deletes an account (reference-10 section 12.8). The portal of 2016 dies of a transaction that it does not know, so this is
 * asked only of one that announced anything. Throws `not-supported`, what `send` throws, and what `checkChange` throws unless the
 * portal proves that it is in its log.
 */
export const deleteAccount = async (
  client: PortalClient,
  account: string,
  profile: string,
  signer: PrivateKey,
): Promise<void> => {
  if (isPlain(client)) {
    throw new MeshError("not-supported", msg("client.no-account-deletion", { url: client.url }), {
      hint: msg("client.no-account-deletion.hint"),
    });
  }
  const response = await client.send("DeleteAccount", { Account: account }, { signer });
  await client.log?.checkChange(response, [client.log.accountLeaf(account, profile, "Closed")]);
};

const create = async (
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
  signer: PrivateKey,
): Promise<void> => {
  const { log } = client;
  const enclosed = { SignedPersonalProfile: profile.record };
  const response = await client.send("CreateAccount", { Account: account, Profile: enclosed }, { signer });
  await log?.checkChange(response, [personalLeaf(profile), log.accountLeaf(account, profile.udf, "Open")]);
};

/**
 * An account that is taken may be our own, from an attempt whose answer was lost; and what the portal refuses may be the
 * version of the profile, not the account.
 */
const adopt = async (
  client: PortalClient,
  account: string,
  profile: PersonalProfile,
  signer: PrivateKey,
  history: FetchHistory,
  refusal: MeshError,
): Promise<void> => {
  const existing = await ownerOf(client, account, profile);
  if (existing) {
    if (existing.hash !== profile.hash) await bringUp(client, profile, await history(), signer);
    return;
  }
  const stored = (await fetchProfile(client, { identifier: profile.udf }))?.profile;
  if (!stored || stored.hash === profile.hash || isSuccessor(stored, profile)) throw refusal;
  const versions = await history();
  const [next] = wayFrom(stored, profile, versions) ?? [];
  if (!next) throw conflict(client);
  // Without an open account the portal takes no version but the one that comes with the account.
  await create(client, account, next, signer);
  await bringUp(client, profile, versions, signer);
};
