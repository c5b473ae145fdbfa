import { MAX_EXPOSURES, type StoredEntry } from "./entry.js";
import type { Exposure } from "./head.js";

/** Entries with what is said of who may have seen them. */
export interface Exposed {
  readonly entries: readonly StoredEntry[];
  readonly exposures: readonly Exposure[];
}

const withExposed = (entry: StoredEntry, exposed: readonly number[]): StoredEntry => {
  const { Exposed: _, ...rest } = entry;
  return exposed.length === 0 ? rest : { ...rest, Exposed: [...exposed] };
};

/**
 * Notes that some have gone who could read all entries: each is added to the list of exposures, and every entry refers to it until
 * it is changed. Give all entries of an application, since what none of them refers to any more leaves the list, and so does the
 * oldest where the list is full.
 */
export const exposeEntries = (
  entries: readonly StoredEntry[],
  exposures: readonly Exposure[],
  gone: readonly Exposure[],
): Exposed => {
  if (entries.length === 0) return { entries, exposures: [] };
  const referred = new Set(entries.flatMap(({ Exposed: indexes = [] }) => indexes));
  const kept = [...exposures.entries()].filter(([index]) => referred.has(index));
  const next = [
    ...kept.map(([index, exposure]) => ({ index, exposure })),
    ...gone.map((exposure) => ({ exposure })),
  ].slice(-MAX_EXPOSURES);
  const renumbered = new Map(next.flatMap((item, at) => ("index" in item ? [[item.index, at] as const] : [])));
  const added = next.flatMap((item, at) => ("index" in item ? [] : [at]));
  return {
    entries: entries.map((entry) =>
      withExposed(entry, [
        ...(entry.Exposed ?? []).flatMap((index) => {
          const at = renumbered.get(index);
          return at === undefined ? [] : [at];
        }),
        ...added,
      ]),
    ),
    exposures: next.map(({ exposure }) => exposure),
  };
};
