import { foldTitle, siteLabel, titleLabel, userLabel } from "./kind.js";
import { canonicalSite, matchingSites } from "./site.js";
import type { PasswordValue } from "./value.js";

/** What is looked for: the entries of a site, or of a title where no site fits, and of one user where it says so. */
export interface Query {
  /** True for the labels of an entry that may be one of them: everything else need not be opened. */
  readonly mayMatch: (labels: readonly string[]) => boolean;
  /** One of these is among them. */
  readonly labels: readonly string[];
  /** Those that are meant, of the entries that may be. */
  readonly choose: <Candidate extends { readonly value: PasswordValue }>(
    candidates: readonly Candidate[],
  ) => readonly Candidate[];
}

export interface QueryOptions {
  readonly username?: string | undefined;
  /** Entries without a site are none of those that another program asks for. */
  readonly sitesOnly?: boolean;
}

/**
 * Looks for a site, given as a URL, a host or a host with a port. Entries for the site by name are meant where there are any, else those
 * of the longest wildcard, else those with that title.
 */
export const queryFor = (text: string, { username, sitesOnly = false }: QueryOptions = {}): Query => {
  const site = canonicalSite(text);
  const ranks = site === undefined ? new Map<string, number>() : matchingSites(site);
  const title = sitesOnly ? undefined : foldTitle(text);
  const wanted = new Set([...ranks.keys()].map(siteLabel));
  if (title !== undefined) wanted.add(titleLabel(title));
  const user = username === undefined ? undefined : userLabel(username);
  const rankOf = ({ Sites = [], Username, Title }: PasswordValue): number => {
    if (username !== undefined && Username !== username) return 0;
    const best = Math.max(0, ...Sites.map((each) => ranks.get(each) ?? 0));
    return best > 0 ? best : title !== undefined && Title !== undefined && foldTitle(Title) === title ? 0.1 : 0;
  };
  return {
    labels: [...wanted],
    mayMatch: (labels) => labels.some((label) => wanted.has(label)) && (user === undefined || labels.includes(user)),
    choose: (candidates) => {
      const ranked = candidates.map((candidate) => ({ candidate, rank: rankOf(candidate.value) }));
      const best = Math.max(0, ...ranked.map(({ rank }) => rank));
      return best === 0 ? [] : ranked.filter(({ rank }) => rank === best).map(({ candidate }) => candidate);
    },
  };
};
