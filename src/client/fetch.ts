import { isMeshError, MeshError } from "../errors.js";
import { EXTENSIONS, type Response } from "../mesh/protocol.js";
import { readMaster, type MasterProfile } from "../mesh/records/master.js";
import { readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { compareVersions } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { pagesOf } from "./pages.js";
import { refusedAccountStatus } from "./status.js";

/** So many versions of a profile are fetched, the newest: a portal must not keep its client busy for ever. */
const MAX_VERSIONS = 1000;

/** A profile that a portal serves, verified down to the master key after which it is named. */
export interface FetchedProfile {
  readonly profile: PersonalProfile;
  /** The verified note that ends this very profile, where the portal has one. */
  readonly revocation: MasterProfile | undefined;
  /** What the portal says of the account: not verified, since only it can know. */
  readonly accountStatus: string | undefined;
}

/** By account, where `identifier` is what the profile must be; or by identifier alone. */
export type ProfileQuery =
  { readonly account: string; readonly identifier?: string | undefined } | { readonly identifier: string };

type GetRequest = { readonly Account: string } | { readonly Identifier: string };

/** The answer to Get; one without entries where the portal says that there is nothing. */
export const get = async (
  client: PortalClient,
  request: GetRequest & { readonly Multiple?: true; readonly SearchConstraints?: { readonly PageKey: string } },
): Promise<Response<"Get">> => {
  try {
    return await client.send("Get", request);
  } catch (error) {
    if (isMeshError(error, "record-not-found")) return { AccountStatus: refusedAccountStatus(error) };
    throw error;
  }
};

/** The values of one type among the entries of an answer; entries of other types are none of our business. */
export const entriesOf = (response: Response<"Get">, type: string): unknown[] =>
  (response.Entries ?? []).flatMap((entry) =>
    Object.keys(entry).length === 1 && Object.hasOwn(entry, type) ? [entry[type]] : [],
  );

/**
 * Fetches the newest version of a profile and verifies it. Undefined where the portal has none: 404, or no entries, as the
 * 2016 portal says it. Throws the verification error of any profile or note that is not valid, `fingerprint-mismatch` where a
 * profile is not the one asked for, `fork` for two different ones of one age, and `profile-revoked` where a note alone is left.
 * A profile found by account is whoever's the portal says, unless `identifier` or the caller's pin says otherwise.
 */
export const fetchProfile = async (client: PortalClient, query: ProfileQuery): Promise<FetchedProfile | undefined> =>
  readProfile(
    await get(client, "account" in query ? { Account: query.account } : { Identifier: query.identifier }),
    query.identifier,
    client.url,
  );

/** What a portal says of an account. `status` is its word alone; undefined where it says nothing that is known. */
export interface FetchedAccount {
  readonly status: "open" | "closed" | "suspended" | undefined;
  readonly fetched: FetchedProfile | undefined;
}

const ACCOUNT_STATUSES = { Open: "open", Closed: "closed", Suspended: "suspended" } as const;

/** Fetches an account's state (reference-00 section 7.3.2) and its verified profile. Throws as `fetchProfile` does. */
export const fetchAccount = async (client: PortalClient, account: string): Promise<FetchedAccount> => {
  const response = await get(client, { Account: account });
  const said = response.AccountStatus;
  return {
    status: said === "Open" || said === "Closed" || said === "Suspended" ? ACCOUNT_STATUSES[said] : undefined,
    fetched: readProfile(response, undefined, client.url),
  };
};

const readProfile = (
  response: Response<"Get">,
  identifier: string | undefined,
  url: string,
): FetchedProfile | undefined => {
  const profiles = entriesOf(response, "SignedPersonalProfile").map(readPersonal);
  const notes = entriesOf(response, "SignedMasterProfile")
    .map(readMaster)
    .filter(({ revoked }) => revoked !== undefined);
  const udf = identifier ?? profiles[0]?.udf;
  if (profiles.some((profile) => profile.udf !== udf)) throw anotherProfile(url);
  const revocation = notes.find((note) => note.udf === udf);
  const profile = newest(profiles);
  if (profile) return { profile, revocation, accountStatus: response.AccountStatus };
  if (revocation) throw profileRevoked(revocation);
  return undefined;
};

const newest = (profiles: readonly PersonalProfile[]): PersonalProfile | undefined => {
  const [first, ...others] = [...profiles].sort((a, b) => compareVersions(b, a));
  if (first && others.some((other) => compareVersions(other, first) === 0 && other.hash !== first.hash)) {
    throw new MeshError("fork", msg("client.versions-fork"), {
      hint: msg("client.versions-fork.hint"),
    });
  }
  return first;
};

const anotherProfile = (url: string): MeshError =>
  new MeshError("fingerprint-mismatch", msg("client.another-person", { url }), {
    hint: msg("client.another-person.hint"),
  });

/** The error for a profile whose owner has ended it. */
export const profileRevoked = (note: MasterProfile): MeshError =>
  new MeshError("profile-revoked", msg("client.profile-revoked", { udf: note.udf, time: note.revoked ?? "" }), {
    hint: msg("client.profile-revoked.hint"),
  });

/** The verified versions of a profile that a portal keeps, newest first, page by page: the newest thousand or so. */
export async function* historyPages(client: PortalClient, udf: string): AsyncGenerator<PersonalProfile[]> {
  if (!client.info.extensions.has(EXTENSIONS.history)) return;
  let count = 0;
  const pages = pagesOf(Number.POSITIVE_INFINITY, async (pageKey) => {
    const response = await get(client, {
      Identifier: udf,
      Multiple: true,
      ...(pageKey !== undefined && { SearchConstraints: { PageKey: pageKey } }),
    });
    return { items: response.Entries ?? [], pageKey: response.PageKey };
  });
  for await (const items of pages) {
    const versions = entriesOf({ Entries: [...items] }, "SignedPersonalProfile").map(readPersonal);
    if (versions.some((version) => version.udf !== udf)) throw anotherProfile(client.url);
    yield versions;
    count += items.length;
    if (count >= MAX_VERSIONS) return;
  }
}

/**
 * The versions of a profile that a portal keeps, verified, newest first: all of them, or the newest thousand or so; none where it
 * does not announce `history`. Throws as `fetchProfile` does, and `portal-answer` for pages that go in circles.
 */
export const fetchHistory = async (client: PortalClient, udf: string): Promise<PersonalProfile[]> => {
  const versions: PersonalProfile[] = [];
  for await (const page of historyPages(client, udf)) versions.push(...page);
  return versions;
};
