import type { Entry } from "../entry.js";
import { passwordSince, type PasswordValue } from "./value.js";

/** What can be wrong with an entry, the worst first. */
export const PROBLEMS = ["exposed", "conflict", "reused", "weak", "duplicate", "old"] as const;
export type Problem = (typeof PROBLEMS)[number];

export interface Found {
  readonly id: string;
  readonly problems: readonly Problem[];
  /** Identifiers of other entries with the same password. */
  readonly sharedWith: readonly string[];
}

export interface CheckOptions {
  readonly isWeak: (password: string) => boolean;
  /** A password that was set before that is old. */
  readonly oldBefore: Date;
}

const grouped = (pairs: readonly (readonly [key: string, id: string])[]): ReadonlyMap<string, readonly string[]> => {
  const groups = new Map<string, string[]>();
  for (const [key, id] of pairs) {
    const group = groups.get(key);
    if (group) group.push(id);
    else groups.set(key, [id]);
  }
  return groups;
};

/** Entries with which something is wrong, those with the worst first. Looks at nothing but them. */
export const findProblems = (
  entries: readonly Entry<PasswordValue>[],
  { isWeak, oldBefore }: CheckOptions,
): readonly Found[] => {
  const byPassword = grouped(
    entries.flatMap(({ id, value: { Password } }) => (Password === undefined ? [] : [[Password, id] as const])),
  );
  const byLogin = grouped(
    entries.flatMap(({ id, value: { Sites = [], Username = "" } }) =>
      Sites.map((site) => [JSON.stringify([site, Username]), id] as const),
    ),
  );
  return entries
    .map(({ id, value, updated, others, exposed }): Found => {
      const { Password, Sites = [], Username = "" } = value;
      const sharedWith = Password === undefined ? [] : (byPassword.get(Password) ?? []).filter((other) => other !== id);
      const isTwice = Sites.some((site) => (byLogin.get(JSON.stringify([site, Username]))?.length ?? 0) > 1);
      const since = Date.parse(passwordSince(value) ?? updated);
      const has: Readonly<Record<Problem, boolean>> = {
        exposed: exposed.length > 0,
        conflict: others.length > 0,
        reused: sharedWith.length > 0,
        weak: Password !== undefined && isWeak(Password),
        duplicate: isTwice,
        old: Password !== undefined && since < oldBefore.getTime(),
      };
      return { id, problems: PROBLEMS.filter((problem) => has[problem]), sharedWith };
    })
    .filter(({ problems }) => problems.length > 0)
    .sort((a, b) => worst(a) - worst(b));
};

const worst = ({ problems: [first = "old"] }: Found): number => PROBLEMS.indexOf(first);
