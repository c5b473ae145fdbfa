import { canonicalJson } from "../../json.js";
import { foldTitle } from "./kind.js";
import { changed, compact, created, MAX_EARLIER, type PasswordChange, type PasswordValue } from "./value.js";

/** An entry that there is. */
export interface Existing {
  readonly id: string;
  readonly value: PasswordValue;
}

/** What a file would do to an entry. */
export type Planned =
  | { readonly kind: "add"; readonly value: PasswordValue }
  | {
      readonly kind: "change";
      readonly id: string;
      readonly before: PasswordValue;
      readonly value: PasswordValue;
      /** The members that would be others. */
      readonly members: readonly string[];
    }
  | { readonly kind: "same"; readonly id: string | undefined; readonly value: PasswordValue };

/** What the same entry is found by: its user, with each of its sites, or where it has none with its title. */
const keysOf = ({ Sites = [], URIs = [], Title, Username = "" }: PasswordValue): readonly string[] =>
  (Sites.length > 0 ? Sites : URIs.length > 0 ? URIs : [foldTitle(Title ?? "")]).map((place) =>
    JSON.stringify([place, Username]),
  );

const union = (first: readonly string[] = [], second: readonly string[] = []): readonly string[] => [
  ...new Set([...first, ...second]),
];

const earlierOf = (before: PasswordValue, imported: PasswordValue): PasswordValue["Earlier"] => {
  const known = new Set((before.Earlier ?? []).map(({ Password, Until }) => JSON.stringify([Password, Until])));
  const more = (imported.Earlier ?? []).filter(({ Password, Until }) => !known.has(JSON.stringify([Password, Until])));
  return [...(before.Earlier ?? []), ...more].sort((a, b) => (a.Until < b.Until ? 1 : -1)).slice(0, MAX_EARLIER);
};

/** The members that a file says otherwise. Sites, labels and earlier passwords only become more; times stay. */
const differences = (before: PasswordValue, imported: PasswordValue): PasswordChange => {
  const { Created: _, Changed: __, ...said } = imported;
  const after: PasswordValue = compact({
    ...before,
    ...said,
    Sites: union(before.Sites, imported.Sites),
    Labels: union(before.Labels, imported.Labels),
    URIs: union(before.URIs, imported.URIs),
    Earlier: earlierOf(before, imported),
  });
  return Object.fromEntries(
    Object.entries(after).filter(([name, member]) => canonicalJson(member) !== canonicalJson(before[name])),
  );
};

const size = (change: PasswordChange): number =>
  Object.keys(change).length + ("Password" in change ? 100 : 0) + ("Title" in change ? 10 : 0);

/**
 * What would be added, changed and left as it is if these entries were imported. The same entry is the one of the same user and a common
 * site, the most similar one where there are several, and each only once: what comes again with another password is an entry of its own.
 */
export const planImport = (
  existing: readonly Existing[],
  imported: readonly PasswordValue[],
  now: Date,
): readonly Planned[] => {
  const byKey = new Map<string, Existing[]>();
  for (const entry of existing) {
    for (const key of keysOf(entry.value)) byKey.set(key, [...(byKey.get(key) ?? []), entry]);
  }
  const taken = new Set<string>();
  const added = new Set<string>();
  return imported.map((value): Planned => {
    const text = JSON.stringify(value);
    const candidates = [...new Set(keysOf(value).flatMap((key) => byKey.get(key) ?? []))]
      .map((entry) => ({ entry, change: differences(entry.value, value) }))
      .sort((a, b) => size(a.change) - size(b.change));
    const same = candidates.find(({ change }) => size(change) === 0);
    if (same) {
      taken.add(same.entry.id);
      return { kind: "same", id: same.entry.id, value };
    }
    if (added.has(text)) return { kind: "same", id: undefined, value };
    const nearest = candidates.find(({ entry }) => !taken.has(entry.id));
    if (!nearest) {
      added.add(text);
      return { kind: "add", value: created(value, now) };
    }
    const { entry, change } = nearest;
    taken.add(entry.id);
    const members = Object.keys(change);
    return { kind: "change", id: entry.id, before: entry.value, value: changed(entry.value, change, now), members };
  });
};
