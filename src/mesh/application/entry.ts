import * as v from "valibot";
import { decodeBase64url, encodeBase64url, utf8 } from "../bytes.js";
import { listSchema, problem, TimeSchema, UdfSchema } from "../schema.js";
import type { ApplicationKind } from "./kind.js";

type Random = (length: number) => Uint8Array;

const ID_LENGTH = 16;
const STAMP_LENGTH = 8;

/** The most octets that the JSON of one value may have. */
export const MAX_VALUE = 48 * 1024;
/** The most octets that the JSON of one entry may have, with all its versions. */
export const MAX_ENTRY = 64 * 1024;
/** How many entries an application holds at most. */
export const MAX_ENTRIES = 20_000;
/** How many versions of one entry are kept beside the current one. */
export const MAX_OTHERS = 16;
/** How many versions one change replaces at most, by what it says itself. */
export const MAX_REPLACES = 64;
/** How often an application remembers that somebody who has gone could read it. */
export const MAX_EXPOSURES = 128;

/** Canonical base64url of so many octets. */
const octetsSchema = (length: number) =>
  v.pipe(
    v.string(),
    v.length(Math.ceil((length * 4) / 3)),
    v.check((text) => {
      try {
        return decodeBase64url(text).length === length;
      } catch {
        return false;
      }
    }, problem("problem.binary-length")),
  );

export const EntryIdSchema = octetsSchema(ID_LENGTH);
export const StampSchema = octetsSchema(STAMP_LENGTH);
const ValueSchema = v.looseObject({});
const ReplacesSchema = listSchema(StampSchema, MAX_REPLACES);

/** A version of an entry that stands beside the current one; without `Value` it is that the entry was deleted. */
const StoredVersionSchema = v.looseObject({
  Stamp: StampSchema,
  Updated: TimeSchema,
  /** The device that made it. Absent where nobody knows who deleted the entry. */
  Device: v.optional(UdfSchema),
  /** Stamps of the versions in whose place it came, so that none of them comes back. */
  Replaces: v.optional(ReplacesSchema),
  Value: v.optional(ValueSchema),
});
export type StoredVersion = v.InferOutput<typeof StoredVersionSchema>;

/** An entry as segments hold it. Members that this program does not know are kept. */
export const StoredEntrySchema = v.looseObject({
  ...StoredVersionSchema.entries,
  Id: EntryIdSchema,
  Device: UdfSchema,
  Value: ValueSchema,
  /** Versions that were made elsewhere at the same time, until somebody settles which one it is to be. */
  Others: v.optional(listSchema(StoredVersionSchema, MAX_OTHERS)),
  /** Who has gone since and may have seen it: indexes into the head's list of exposures. */
  Exposed: v.optional(
    listSchema(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_EXPOSURES - 1)), MAX_EXPOSURES),
  ),
});
export type StoredEntry = v.InferOutput<typeof StoredEntrySchema>;

/** One version of an entry, as commands see it. */
export interface EntryVersion<Value> {
  readonly stamp: string;
  readonly updated: string;
  /** The device that made it; empty where nobody knows who deleted the entry. */
  readonly device: string;
  /** Undefined where this version is that the entry was deleted. */
  readonly value: Value | undefined;
}

/** An entry as commands see it: the current version, and those that are in conflict with it. */
export interface Entry<Value> extends EntryVersion<Value> {
  readonly id: string;
  readonly value: Value;
  readonly others: readonly EntryVersion<Value>[];
  readonly exposed: readonly number[];
}

/** One change of one entry by this device, made on top of the version `base` that it knew. */
export interface Edit {
  readonly id: string;
  /** Undefined for a new entry. */
  readonly base: string | undefined;
  readonly stamp: string;
  readonly updated: string;
  readonly device: string;
  /** Undefined where the entry is deleted. */
  readonly value: object | undefined;
  /** Stamps of further versions that the person has seen and that this one takes the place of. */
  readonly settles?: readonly string[];
  /** True where what whoever has gone may have seen is still in the new value. */
  readonly staysExposed?: boolean;
}

/** An edit in the form in which it is queued at home. */
export const EditSchema = v.object({
  id: EntryIdSchema,
  base: v.optional(StampSchema),
  stamp: StampSchema,
  updated: TimeSchema,
  device: UdfSchema,
  value: v.optional(ValueSchema),
  settles: v.optional(v.pipe(v.array(StampSchema), v.maxLength(MAX_REPLACES))),
  staysExposed: v.optional(v.boolean()),
});

/** Random text that people give back to a command: a dash in front of it would make an option of it. */
const newText = (random: Random, length: number): string => {
  for (;;) {
    const text = encodeBase64url(random(length));
    if (!text.startsWith("-")) return text;
  }
};

/** The identifier of a new entry. */
export const newId = (random: Random): string => newText(random, ID_LENGTH);

/** The stamp of a new version. */
export const newStamp = (random: Random): string => newText(random, STAMP_LENGTH);

/** Octets that a value takes up as JSON. */
export const valueSize = (value: object): number => utf8(JSON.stringify(value)).length;

/** Octets that an entry takes up in its segment. */
export const entrySize = (entry: StoredEntry): number => Buffer.byteLength(JSON.stringify(entry)) + 1;

/** Entries as commands see them, and the identifiers of those in which something is not understood. */
export interface ReadEntries<Value> {
  readonly entries: readonly Entry<Value>[];
  /** Of entries, or of versions in conflict, whose value is not one of the kind's. They stay where they are. */
  readonly unreadable: readonly string[];
}

/**
 * Reads entries as their kind understands them. One whose value it does not understand, perhaps since a newer program wrote it,
 * is reported and left alone; so is a version of that sort beside the current one.
 */
export const readEntries = <Value extends object>(
  kind: ApplicationKind<Value>,
  stored: Iterable<StoredEntry>,
): ReadEntries<Value> => {
  const entries: Entry<Value>[] = [];
  const unreadable: string[] = [];
  for (const entry of stored) {
    const read = readEntry(kind, entry);
    if (read.entry) entries.push(read.entry);
    if (!read.understood) unreadable.push(entry.Id);
  }
  return { entries, unreadable };
};

/** The same for one entry. `entry` is undefined where its current value is not understood. */
export const readEntry = <Value extends object>(
  { schema }: ApplicationKind<Value>,
  { Id, Stamp, Updated, Device, Value: current, Others = [], Exposed = [] }: StoredEntry,
): { readonly entry: Entry<Value> | undefined; readonly understood: boolean } => {
  const value = v.safeParse(schema, current);
  if (!value.success) return { entry: undefined, understood: false };
  const others: EntryVersion<Value>[] = [];
  for (const other of Others) {
    const version = { stamp: other.Stamp, updated: other.Updated, device: other.Device ?? "" };
    if (other.Value === undefined) {
      others.push({ ...version, value: undefined });
      continue;
    }
    const read = v.safeParse(schema, other.Value);
    if (read.success) others.push({ ...version, value: read.output });
  }
  return {
    entry: { id: Id, stamp: Stamp, updated: Updated, device: Device, value: value.output, others, exposed: Exposed },
    understood: others.length === Others.length,
  };
};
