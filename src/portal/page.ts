import type { EntryType, SearchConstraints } from "../mesh/protocol.js";
import { isUdf } from "../mesh/udf.js";
import { msg } from "../messages/message.js";
import { refuse } from "./answer.js";
import type { Bounds, LogItem, RecordQuery, Time } from "./store/store.js";

/** What one answer holds at most, whatever is asked for: well below what a client of ours reads. */
const MAX_ENTRIES = 100;
const MAX_BYTES = 1024 * 1024;

const TYPE_LETTERS: Record<EntryType, string> = {
  SignedPersonalProfile: "P",
  SignedMasterProfile: "M",
  SignedDeviceProfile: "D",
  SignedApplicationProfile: "A",
  OfflineEscrowEntry: "E",
};

/** The bounds of one answer: those asked for, within those of the portal (reference-10 section 12.4.2). */
export const boundsOf = (constraints: Pick<SearchConstraints, "MaxEntries" | "MaxBytes"> = {}): Bounds => {
  const { MaxEntries = MAX_ENTRIES, MaxBytes = MAX_BYTES } = constraints;
  if (MaxEntries === 0) refuse(400, msg("portal.max-entries"));
  return { entries: Math.min(MaxEntries, MAX_ENTRIES), bytes: Math.min(MaxBytes, MAX_BYTES) };
};

export const timeOf = (text: string | undefined): Time | undefined =>
  text === undefined ? undefined : Date.parse(text);

/** An object with the members that are not undefined. */
export const present = <Value extends object>(
  value: Value,
): { [Name in keyof Value]: Exclude<Value[Name], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;

/** A search that is to be continued: all of it, since a page key overrides every other parameter. */
export interface GetPage {
  readonly query: RecordQuery;
  readonly full: boolean;
}

const encodeNumber = (value: number | undefined): string => value?.toString(36) ?? "";
const decodeNumber = (text: string | undefined): number | undefined =>
  text === undefined || text === "" ? undefined : Number.parseInt(text, 36);

const refuseKey = (): never => refuse(400, msg("portal.page-key"));

const NUMBER = "-?[0-9a-z]{1,11}";
const GET_KEY = new RegExp(
  `^g\\.([0-9a-z]{1,11})\\.([mf]*)\\.([PMDAE]{0,5})\\.([A-Z2-7-]*)\\.([A-Z2-7-]*)\\.([A-Za-z0-9]*)\\.(${NUMBER})?\\.(${NUMBER})?$`,
);

/** A key of at most 256 characters. */
export const encodeGetPage = ({ query, full }: GetPage): string =>
  [
    "g",
    encodeNumber(query.below),
    `${query.allVersions ? "m" : ""}${full ? "f" : ""}`,
    (query.types ?? []).map((type) => TYPE_LETTERS[type]).join(""),
    query.identifier ?? "",
    query.name ?? "",
    query.kind ?? "",
    encodeNumber(query.notBefore),
    encodeNumber(query.before),
  ].join(".");

/** Reads a page key. Refuses what `encodeGetPage` cannot have made. */
export const decodeGetPage = (key: string): GetPage => {
  const match = GET_KEY.exec(key);
  if (!match) return refuseKey();
  const [, below, flags = "", letters = "", identifier = "", name = "", kind = "", notBefore, before] = match;
  const types = (Object.keys(TYPE_LETTERS) as EntryType[]).filter((type) => letters.includes(TYPE_LETTERS[type]));
  const query: RecordQuery = {
    allVersions: flags.includes("m"),
    ...present({
      below: decodeNumber(below),
      types: types.length > 0 ? types : undefined,
      identifier: identifier || undefined,
      name: name || undefined,
      kind: kind || undefined,
      notBefore: decodeNumber(notBefore),
      before: decodeNumber(before),
    }),
  };
  const page = { query, full: flags.includes("f") };
  const texts = [identifier, name].filter((text) => text !== "");
  return texts.length + kind.length > 0 && texts.every(isUdf) && encodeGetPage(page) === key ? page : refuseKey();
};

/** How far a list has been read: everything up to a number, within times. */
export interface ListPage {
  readonly after: number;
  readonly notBefore?: Time;
  readonly before?: Time;
}

/** `kind` keeps the keys of one transaction from being used with another. */
export const encodeListPage = (kind: "p" | "t", { after, notBefore, before }: ListPage): string =>
  [kind, encodeNumber(after), encodeNumber(notBefore), encodeNumber(before)].join(".");

export const decodeListPage = (kind: "p" | "t", key: string): ListPage => {
  const match = new RegExp(`^${kind}\\.([0-9a-z]{1,11})\\.(${NUMBER})?\\.(${NUMBER})?$`).exec(key);
  if (!match) return refuseKey();
  const [, after, notBefore, before] = match;
  const page = {
    after: decodeNumber(after) ?? 0,
    ...present({ notBefore: decodeNumber(notBefore), before: decodeNumber(before) }),
  };
  return encodeListPage(kind, page) === key ? page : refuseKey();
};

/** A log item as the reference logs show it. */
export const dataItem = (item: LogItem): object => ({
  TransactionID: `TID:${item.tid}`,
  PrimaryKey: item.primaryKey,
  Action: item.action,
  Added: new Date(item.added).toISOString(),
  ...(item.keys.length > 0 && { Keys: item.keys }),
  ...(item.text !== undefined && { Text: item.text }),
});
