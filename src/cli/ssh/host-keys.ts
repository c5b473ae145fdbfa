import type { SshHost } from "../../mesh/application/ssh/kind.js";

const typeOf = (key: string): string => key.split(" ", 1)[0] ?? "";

/** The types of which a host had a key, and has only others among the new ones. */
export const changedKeys = (before: readonly string[] = [], keys: readonly string[]): string[] =>
  [...new Set(keys.map(typeOf))].filter(
    (type) =>
      before.some((key) => typeOf(key) === type) && !keys.some((key) => typeOf(key) === type && before.includes(key)),
  );

/** A host with these keys: they take the place of those of their types. */
export const withKeys = (host: SshHost, keys: readonly string[]): SshHost => {
  if (keys.length === 0) return host;
  const types = new Set(keys.map(typeOf));
  const kept = (host.HostKeys ?? []).filter((key) => !types.has(typeOf(key)));
  const all = [...kept, ...keys].sort();
  return { ...host, HostKeys: all };
};
