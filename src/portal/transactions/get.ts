import type { Address } from "../../mesh/address.js";
import type { EntryType, Request } from "../../mesh/protocol.js";
import { isUdf, parseUdf } from "../../mesh/udf.js";
import { isMeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { done, refuse, type Answer } from "../answer.js";
import { readAddress, type Context } from "../context.js";
import { boundsOf, dataItem, decodeGetPage, encodeGetPage, present, timeOf, type GetPage } from "../page.js";
import { liveAccount, renderedEntry } from "../standing.js";
import { rendered } from "../rendered.js";
import type { Account, Bounds, Reader, StoredRecord } from "../store/store.js";

type GetRequest = Request<"Get">;

const PROFILE: readonly EntryType[] = ["SignedPersonalProfile", "SignedMasterProfile"];
/** Types that prove their identifier come first: anyone may publish the others under an identifier of their choice. */
const PRECEDENCE: readonly (readonly EntryType[])[] = [
  PROFILE,
  ["SignedDeviceProfile"],
  ["SignedApplicationProfile"],
  ["OfflineEscrowEntry"],
];

const notFound = (account?: Account): never =>
  refuse(404, msg("portal.record-unknown"), account && { accountLeaf: account.leaf });

/** What KeyValues ask for: `Name` and `Type`, each with one value, since no record has two of either. */
const readKeyValues = (keyValues: GetRequest["KeyValues"] = []): { name?: string; kind?: string } => {
  const found: { Name?: string; Type?: string } = {};
  for (const { Key, Value } of keyValues) {
    if (Key !== "Name" && Key !== "Type") return refuse(400, msg("portal.key-values"));
    if (found[Key] !== undefined && found[Key] !== Value) return notFound();
    found[Key] = Value;
  }
  const { Name, Type } = found;
  if (Name !== undefined && !isUdf(Name)) notFound();
  if (Type !== undefined && !/^[A-Za-z0-9]{1,64}$/.test(Type)) notFound();
  return present({ name: Name, kind: Type });
};

const canonicalIdentifier = (text: string): string => {
  try {
    return parseUdf(text);
  } catch (error) {
    if (isMeshError(error, "fingerprint-invalid")) return notFound();
    throw error;
  }
};

const firstPage = async (
  tx: Reader,
  request: GetRequest,
  address: Address | undefined,
): Promise<{ page: GetPage; account?: Account }> => {
  const { Identifier, KeyValues, SearchConstraints = {}, Multiple = false, Full = false } = request;
  const keys = readKeyValues(KeyValues);
  const query = {
    allVersions: Multiple,
    ...keys,
    ...present({
      notBefore: timeOf(SearchConstraints.NotBefore ?? request.NotBefore),
      before: timeOf(SearchConstraints.Before ?? request.NotOnOrAfter),
    }),
  };
  if (address) {
    const account = await liveAccount(tx, address);
    return { account, page: { query: { ...query, types: PROFILE, identifier: account.profile }, full: Full } };
  }
  if (Identifier !== undefined) {
    const identifier = canonicalIdentifier(Identifier);
    const known = await tx.typesOf(identifier);
    const types =
      keys.kind === undefined ? PRECEDENCE.find((some) => some.some((type) => known.includes(type))) : known;
    if (!types || types.length === 0) return notFound();
    return { page: { query: { ...query, types, identifier }, full: Full } };
  }
  if (KeyValues === undefined) refuse(400, msg("portal.get-what"));
  return { page: { query, full: Full } };
};

/** The newest first, but a revocation note behind the profile that it ends. */
const ordered = (records: readonly StoredRecord[]): readonly StoredRecord[] => {
  const isNote = ({ type }: StoredRecord): boolean => type === "SignedMasterProfile";
  return [...records.filter((record) => !isNote(record)), ...records.filter(isNote)];
};

const answer = async (tx: Reader, { query, full }: GetPage, bounds: Bounds, account?: Account): Promise<Answer> => {
  const { items, more } = await tx.search(query, bounds);
  const last = items.at(-1);
  if (!last) return notFound(account);
  const records = ordered(items);
  // Also where the text itself is what is answered: nothing damaged leaves the portal.
  const entries = records.map(renderedEntry);
  return done(
    {
      ...(full
        ? { DataItems: records.map((record) => rendered(JSON.stringify(dataItem(record)))) }
        : { Entries: entries }),
      ...(more && { PageKey: encodeGetPage({ query: { ...query, below: last.tid }, full }) }),
      ...(account && { AccountStatus: account.status }),
    },
    { ...(full && { itemLeaves: records.map(({ leaf }) => leaf) }), ...(account && { accountLeaf: account.leaf }) },
  );
};

/** What names a request for a record or an account that is asked for often. Others are seldom asked twice. */
const nameOf = (request: GetRequest, address: Address | undefined): string | undefined => {
  const { Identifier = "", KeyValues, SearchConstraints, NotBefore, NotOnOrAfter, Multiple, Full } = request;
  if (KeyValues ?? SearchConstraints ?? NotBefore ?? NotOnOrAfter) return undefined;
  const flags = `${Multiple === true ? "m" : ""}${Full === true ? "f" : ""}`;
  return address ? `a ${flags} ${address.account}` : `i ${flags} ${Identifier}`;
};

/**
 * Finds published records by account, by identifier, or by name and type (reference-10 section 12.9): the newest version of
 * each, or all versions, newest first, with `Multiple`. With `Full` the log's own items stand in the answer instead, each with its
 * leaf. An account counts before an identifier. Refuses with 404 where nothing is found, and 400 for keys nobody can search by.
 */
export const get = async (context: Context, request: GetRequest): Promise<Answer> => {
  const { SearchConstraints, Account } = request;
  const bounds = boundsOf(SearchConstraints);
  const key = SearchConstraints?.PageKey;
  if (key !== undefined) {
    const page = decodeGetPage(key);
    return context.view((tx) => answer(tx, page, bounds));
  }
  const address = Account === undefined ? undefined : readAddress(context, Account);
  return context.view(
    async (tx) => {
      const { page, account } = await firstPage(tx, request, address);
      return answer(tx, page, bounds, account);
    },
    nameOf(request, address),
  );
};
