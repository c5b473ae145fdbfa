import { encodeBase64url, sha256, utf8 } from "../bytes.js";
import { canonicalJson } from "../json.js";
import {
  entrySize,
  MAX_ENTRY,
  MAX_OTHERS,
  MAX_REPLACES,
  type Edit,
  type StoredEntry,
  type StoredVersion,
} from "./entry.js";

/** What edits have made of entries. */
export interface Merged {
  readonly entries: ReadonlyMap<string, StoredEntry>;
  /** Identifiers of the entries that are new, other than before, or gone. */
  readonly changed: ReadonlySet<string>;
  /** Identifiers of the entries in which an edit met a version that its maker did not know. */
  readonly conflicts: readonly string[];
}

/** The stamps of the versions in whose place an edit comes. */
const replacedBy = ({ base, settles = [] }: Edit): readonly string[] => [
  ...new Set(base === undefined ? settles : [base, ...settles]),
];

const isSame = (a: object | undefined, b: object | undefined): boolean =>
  a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b);

/**
 * The queue with one edit for an entry where it had several that build on each other: the last, on the base of the first. It takes the
 * place of those before it too, in case one of them was published and nobody heard the answer.
 */
export const collapseEdits = (edits: readonly Edit[]): readonly Edit[] => {
  const collapsed: Edit[] = [];
  const last = new Map<string, number>();
  for (const edit of edits) {
    const at = last.get(edit.id);
    const before = at === undefined ? undefined : collapsed[at];
    const joined = before && edit.base === before.stamp ? join(before, edit) : undefined;
    if (joined && at !== undefined) {
      collapsed[at] = joined;
      continue;
    }
    last.set(edit.id, collapsed.length);
    collapsed.push(edit);
  }
  return collapsed;
};

const join = (before: Edit, edit: Edit): Edit | undefined => {
  const settles = [...new Set([...(before.settles ?? []), ...(edit.settles ?? []), before.stamp])];
  if (settles.length >= MAX_REPLACES) return undefined;
  const { staysExposed: _, ...rest } = edit;
  return {
    ...rest,
    base: before.base,
    settles,
    ...(before.staysExposed === true && edit.staysExposed === true ? { staysExposed: true } : {}),
  };
};

/** A version as it stands beside the current one. */
type Live = StoredVersion;

const versionOf = (edit: Edit): Live => {
  const replaces = replacedBy(edit).slice(-MAX_REPLACES);
  return {
    Stamp: edit.stamp,
    Updated: edit.updated,
    Device: edit.device,
    ...(replaces.length > 0 && { Replaces: [...replaces] }),
    ...(edit.value !== undefined && { Value: edit.value as Record<string, unknown> }),
  };
};

const liveVersions = (entry: StoredEntry): readonly Live[] => {
  const { Others = [], Exposed: _, Id: __, ...current } = entry;
  return [current, ...Others];
};

/** True where an edit is in the entry, or was and something came in its place: it was published, and nobody heard the answer. */
const isApplied = (entry: StoredEntry, { stamp }: Edit): boolean =>
  liveVersions(entry).some(({ Stamp, Replaces = [] }) => Stamp === stamp || Replaces.includes(stamp));

/** The identifier of the entry that a version becomes which has no room beside the current one: the same for whoever makes it. */
const overflowId = (id: string, stamp: string): string =>
  encodeBase64url(sha256(utf8(`${id} ${stamp}`)).subarray(0, 16));

const withOthers = (entry: StoredEntry, others: readonly Live[]): StoredEntry => {
  const { Others: before = [], ...current } = entry;
  if (others.length === before.length && others.every((other, at) => other === before[at])) return entry;
  return others.length === 0 ? current : { ...current, Others: [...others] };
};

const asEntry = (
  id: string,
  version: Live & { readonly Value: Record<string, unknown> },
  device: string,
): StoredEntry => ({
  Id: id,
  ...version,
  Device: version.Device ?? device,
});

/** What an edit makes of an entry. */
interface Outcome {
  readonly entry: StoredEntry | undefined;
  readonly conflict: boolean;
}

const hasValue = (version: Live): version is Live & { readonly Value: Record<string, unknown> } =>
  version.Value !== undefined;

/** An edit of what is not there: new, or deleted elsewhere in the meantime. */
const applyToNone = (edit: Edit): Outcome => {
  const version = versionOf(edit);
  if (!hasValue(version)) return { entry: undefined, conflict: false };
  const entry = asEntry(edit.id, version, edit.device);
  if (edit.base === undefined) return { entry, conflict: false };
  // The same stamp whoever finds it so, and no device: who deleted the entry is known to nobody any more.
  const stamp = encodeBase64url(sha256(utf8(`deleted ${edit.id} ${edit.base}`)).subarray(0, 8));
  return { entry: withOthers(entry, [{ Stamp: stamp, Updated: edit.updated }]), conflict: true };
};

const newestFirst = (a: Live, b: Live): number =>
  a.Updated === b.Updated ? (a.Stamp < b.Stamp ? 1 : -1) : a.Updated < b.Updated ? 1 : -1;

/** An edit on top of the current version: it becomes the current one, or the entry goes with it. */
const applyOnTop = (entry: StoredEntry, others: readonly Live[], edit: Edit): Outcome => {
  const version = versionOf(edit);
  if (hasValue(version)) {
    // Members that this program does not know stay with the entry.
    const { Replaces: _, Exposed, ...kept } = entry;
    const stays = edit.staysExposed === true || isSame(version.Value, entry.Value);
    const next = { ...kept, ...version, Device: edit.device, ...(Exposed && stays && { Exposed }) };
    return { entry: withOthers(next, others), conflict: false };
  }
  const [heir, ...rest] = others.filter(hasValue).sort(newestFirst);
  if (!heir) return { entry: undefined, conflict: false };
  // Somebody else's version that nobody has settled outlives what this device deleted.
  const { Exposed: exposed } = entry;
  const next = { ...asEntry(entry.Id, heir, edit.device), ...(exposed && { Exposed: exposed }) };
  return { entry: withOthers(next, [...rest, version]), conflict: true };
};

/** An edit beside the current version, of which its maker did not know. */
const applyBeside = (entry: StoredEntry, others: readonly Live[], edit: Edit): Outcome => {
  const version = versionOf(edit);
  const known = [entry, ...others].some(({ Value: value }) => isSame(value, version.Value));
  return { entry: withOthers(entry, known ? others : [...others, version]), conflict: !known };
};

const applyEdit = (entry: StoredEntry, edit: Edit): Outcome => {
  const replaced = new Set(replacedBy(edit));
  const before = entry.Others ?? [];
  const others = before.filter(({ Stamp }) => !replaced.has(Stamp));
  if (!replaced.has(entry.Stamp)) return applyBeside(entry, others, edit);
  const settlesNothing = others.length === before.length;
  if (settlesNothing && edit.value !== undefined && isSame(edit.value, entry.Value)) return { entry, conflict: false };
  return applyOnTop(entry, others, edit);
};

/** The entry with as many versions beside the current one as there is room for, and the others as entries of their own. */
const fitted = (entry: StoredEntry): { readonly entry: StoredEntry; readonly overflow: readonly StoredEntry[] } => {
  const others = [...(entry.Others ?? [])];
  const overflow: StoredEntry[] = [];
  let next = entry;
  while (others.length > 0 && (others.length > MAX_OTHERS || entrySize(next) > MAX_ENTRY)) {
    const last = others.pop();
    // What is deleted needs no entry.
    if (last && hasValue(last)) overflow.push(asEntry(overflowId(entry.Id, last.Stamp), last, entry.Device));
    next = withOthers(entry, others);
  }
  return { entry: next, overflow };
};

/**
 * Applies what this device has changed to the entries of a portal's head, in the order of the changes. An edit on top of the
 * current version takes its place; of what it does not know it takes nothing away: it then stands beside it in `Others`, as a
 * conflict, and so does a deletion. Whichever device comes first, the same versions are there in the end. An edit that is there
 * already changes nothing, however often it comes. Edits that build on each other count as one.
 */
export const applyEdits = (entries: ReadonlyMap<string, StoredEntry>, edits: readonly Edit[]): Merged => {
  const next = new Map(entries);
  const changed = new Set<string>();
  const conflicts = new Set<string>();
  const set = (id: string, entry: StoredEntry | undefined): void => {
    if (entry === next.get(id)) return;
    if (entry) next.set(id, entry);
    else next.delete(id);
    changed.add(id);
  };
  for (const edit of collapseEdits(edits)) {
    const current = next.get(edit.id);
    const overflowed = next.get(overflowId(edit.id, edit.stamp));
    if ([current, overflowed].some((entry) => entry && isApplied(entry, edit))) continue;
    const { entry, conflict } = current ? applyEdit(current, edit) : applyToNone(edit);
    const fits = entry && fitted(entry);
    set(edit.id, fits?.entry);
    for (const other of fits?.overflow ?? []) set(other.Id, other);
    if (conflict) conflicts.add(edit.id);
  }
  return { entries: next, changed, conflicts: [...conflicts] };
};
