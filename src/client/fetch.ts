import { isMeshError, MeshError } from "../errors.js";
import { parseStrictJson } from "../mesh/json.js";
import { EXTENSIONS, type DataItem, type Proof, type Response } from "../mesh/protocol.js";
import type { PlacedLeaf } from "../mesh/log/leaf.js";
import { readMaster, type MasterProfile } from "../mesh/records/master.js";
import { readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { compareVersions } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { PortalClient } from "./client.js";
import { noteLeaf, personalLeaf } from "./leaves.js";
import { pagesOf } from "./pages.js";
import { refusedAccount } from "./status.js";

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

/** The answer to Get, with proofs where the portal keeps a log; one without entries where the portal says that there is nothing. */
export const get = async (
  client: PortalClient,
  request: GetRequest & { readonly Multiple?: true; readonly SearchConstraints?: { readonly PageKey: string } },
): Promise<Response<"Get">> => {
  const { log } = client;
  try {
    return await client.send("Get", { ...request, ...(log && { Full: true as const }) });
  } catch (error) {
    if (!isMeshError(error, "record-not-found")) throw error;
    const nothing = { ...refusedAccount(error) };
    const head = log?.headOf(error);
    if (head) log?.bind(nothing, head);
    return nothing;
  }
};

/** A value that an answer holds, and the proof that it is in the portal's log: neither has been checked. */
export interface Served {
  readonly value: unknown;
  readonly proof: Proof | undefined;
}

const entryOf = ({ Text = "" }: DataItem): Record<string, unknown> => {
  try {
    const value = parseStrictJson(Text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch (error) {
    if (isMeshError(error, "json-invalid")) return {};
    throw error;
  }
};

/** The values of one type among what an answer holds; those of other types are none of our business. */
export const servedOf = ({ Entries = [], DataItems = [] }: Response<"Get">, type: string): Served[] =>
  [
    ...Entries.map((entry) => ({ entry, proof: undefined })),
    ...DataItems.map((item) => ({ entry: entryOf(item), proof: item.Proof })),
  ].flatMap(({ entry, proof }) =>
    Object.keys(entry).length === 1 && Object.hasOwn(entry, type) ? [{ value: entry[type], proof }] : [],
  );

/**
 * Fetches the newest version of a profile and verifies it. Undefined where the portal has none: 404, or no entries, as the
 * 2016 portal says it. Throws the verification error of any profile or note that is not valid, `fingerprint-mismatch` where a
 * profile is not the one asked for, `fork` for two different ones of one age, and `profile-revoked` where a note alone is left.
 * Of a portal that keeps a log also `proof-missing`, `proof-invalid` and `log-omission`.
 * A profile found by account is whoever's the portal says, unless `identifier` or the caller's pin says otherwise.
 */
export const fetchProfile = async (client: PortalClient, query: ProfileQuery): Promise<FetchedProfile | undefined> =>
  readProfile(
    client,
    await get(client, "account" in query ? { Account: query.account } : { Identifier: query.identifier }),
    query,
  );

/** What a portal says of an account. `status` is its word alone, where it keeps no log; undefined where it says nothing that is known. */
export interface FetchedAccount {
  readonly status: "open" | "closed" | "suspended" | undefined;
  readonly fetched: FetchedProfile | undefined;
}

const ACCOUNT_STATUSES = { Open: "open", Closed: "closed", Suspended: "suspended" } as const;

/**
 * Fetches an account's state (reference-00 section 7.3.2) and its verified profile. `owner` is the fingerprint of the profile that it is
 * known to belong to: only with it the log can say of an account without a profile that it is closed. With it, a portal that keeps a log
 * must prove that the account is closed where it serves no profile. Throws as `fetchProfile` does.
 */
export const fetchAccount = async (client: PortalClient, account: string, owner?: string): Promise<FetchedAccount> => {
  const response = await get(client, { Account: account });
  const said = response.AccountStatus;
  return {
    status: said === "Open" || said === "Closed" || said === "Suspended" ? ACCOUNT_STATUSES[said] : undefined,
    fetched: await readProfile(client, response, { account, owner }),
  };
};

const readProfile = async (
  client: PortalClient,
  response: Response<"Get">,
  query: { readonly [Name in "account" | "identifier" | "owner"]?: string | undefined },
): Promise<FetchedProfile | undefined> => {
  const served = servedOf(response, "SignedPersonalProfile").map(({ value, proof }) => ({
    profile: readPersonal(value),
    proof,
  }));
  const notes = servedOf(response, "SignedMasterProfile")
    .map(({ value, proof }) => ({ note: readMaster(value), proof }))
    .filter(({ note }) => note.revoked !== undefined);
  const profiles = served.map(({ profile }) => profile);
  const udf = query.identifier ?? profiles[0]?.udf;
  if (profiles.some((profile) => profile.udf !== udf)) throw anotherProfile(client.url);
  const revoking = notes.find(({ note }) => note.udf === udf);
  const revocation = revoking?.note;
  const profile = newest(profiles);
  const { log } = client;
  if (log) {
    for (const { profile: version, proof } of served) {
      const found = await log.checkLeaf(response, proof, personalLeaf(version));
      if (version === profile) await log.checkNewest(found);
    }
    if (revoking) await log.checkLeaf(response, revoking.proof, noteLeaf(revoking.note));
    if (query.account !== undefined) {
      const { account, owner } = query;
      await checkAccount(
        client,
        response,
        { account, profile: udf ?? owner, isKnown: owner !== undefined },
        profile ?? revocation,
      );
    }
  }
  if (profile) return { profile, revocation, accountStatus: response.AccountStatus };
  if (revocation) throw profileRevoked(revocation);
  return undefined;
};

/** Holds what a portal says of an account against its log. Of an account that it never knew there is nothing in it. */
const checkAccount = async (
  { log }: PortalClient,
  response: Response<"Get">,
  { account, profile, isKnown }: { account: string; profile: string | undefined; isKnown: boolean },
  shown: object | undefined,
): Promise<void> => {
  const { AccountStatus: said, AccountProof: proof } = response;
  if (!log || (!isKnown && !shown && said === undefined && !proof)) return;
  const found = await log.checkAccount(response, proof, { account, profile, said });
  if (!shown && said !== "Closed") await log.refuseOmission(found);
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

/**
 * The verified versions of a profile that a portal keeps, newest first, page by page: the newest thousand or so. Throws as
 * `fetchHistory` does.
 */
export async function* historyPages(client: PortalClient, udf: string): AsyncGenerator<PersonalProfile[]> {
  const { info, log, url } = client;
  if (!info.extensions.has(EXTENSIONS.history)) return;
  const chain = log?.openChain();
  let count = 0;
  let page: PersonalProfile[] = [];
  const pages = pagesOf<unknown>(Number.POSITIVE_INFINITY, async (pageKey) => {
    const response = await get(client, {
      Identifier: udf,
      Multiple: true,
      ...(pageKey !== undefined && { SearchConstraints: { PageKey: pageKey } }),
    });
    const versions = servedOf(response, "SignedPersonalProfile").map(({ value, proof }) => ({
      version: readPersonal(value),
      proof,
    }));
    if (versions.some(({ version }) => version.udf !== udf)) throw anotherProfile(url);
    if (log && chain) {
      const leaves: PlacedLeaf[] = [];
      for (const { version, proof } of versions) {
        leaves.push(await log.checkLeaf(response, proof, personalLeaf(version)));
      }
      const [first] = leaves;
      if (pageKey === undefined && first) await log.checkNewest(first);
      await chain.add(leaves);
      if (response.PageKey === undefined) await chain.end();
    }
    page = versions.map(({ version }) => version);
    return { items: response.Entries ?? response.DataItems ?? [], pageKey: response.PageKey };
  });
  for await (const items of pages) {
    yield page;
    count += items.length;
    if (count >= MAX_VERSIONS) return;
  }
}

/**
 * The versions of a profile that a portal keeps, verified, newest first: all of them, or the newest thousand or so; none where it
 * does not announce `history`. Throws as `fetchProfile` does, `portal-answer` for pages that go in circles, and of a portal that keeps
 * a log `log-order` and `page-truncated`.
 */
export const fetchHistory = async (client: PortalClient, udf: string): Promise<PersonalProfile[]> => {
  const versions: PersonalProfile[] = [];
  for await (const page of historyPages(client, udf)) versions.push(...page);
  return versions;
};
