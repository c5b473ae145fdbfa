import { canonicalDomain } from "../../address.js";

// Sites of password entries (reference-00 section 5.3.17): "DNS name of site *.example.com matches www.example.com etc." The text says
// nothing of example.com itself, which is no name below it, so it does not match: as with a wildcard of the DNS (RFC 4592) there is at
// least one label in the place of the star, and there may be more. An entry for both has both sites.

/** How well a site matches one that is asked for: 0 for not at all. A site by name is better than one by wildcard. */
export type Rank = number;

const MAX_SITE = 2048;

/** Ports that need not be said, by the scheme of a URL. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  ftp: 21,
  ssh: 22,
  sftp: 22,
  git: 9418,
};

/** Addresses of applications on telephones, whose host is a package and no DNS name. */
const APPLICATION = /^(?:android|androidapp|iosapp)$/;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/;

const canonicalHost = (text: string): string | undefined => {
  const host = text.toLowerCase().replace(/\.$/, "");
  if (IPV4.test(host)) return host;
  return host === "" || /^[\d.]+$/.test(host) ? undefined : canonicalDomain(host);
};

/** An IPv6 address in its shortest form (RFC 5952), in brackets. */
const canonicalIpv6 = (text: string): string | undefined => {
  if (!/^[\da-fA-F:.]{2,45}$/.test(text)) return undefined;
  try {
    return new URL(`http://[${text}]/`).hostname;
  } catch {
    return undefined;
  }
};

/** The host, and the port where one is said, of what stands between `//` and `/` in a URL. */
const splitAuthority = (text: string): { host: string; port?: string } | undefined => {
  const [, bracketed, behind] = /^\[([^\]]*)\](?::(\d{0,5}))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: `[${bracketed}]`, ...(behind !== undefined && { port: behind }) };
  if (text.split(":").length > 2) return { host: `[${text}]` };
  const [, host, port] = /^([^:]*)(?::(\d{0,5}))?$/.exec(text) ?? [];
  return host === undefined ? undefined : { host, ...(port !== undefined && { port }) };
};

/**
 * The canonical text of a site: a host in lower case and A-labels, with `*.` in front for all names below it, and with a port behind it
 * unless that is the usual one. `text` may be a URL, a host, or a host with a port. Undefined where it names no host, and for a wildcard
 * over a whole top-level domain, which would give a password to anybody.
 */
export const canonicalSite = (text: string): string | undefined => {
  if (text.length > MAX_SITE) return undefined;
  const [, given, rest = ""] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?([^]*)$/.exec(text.trim()) ?? [];
  const scheme = given?.toLowerCase();
  if (scheme !== undefined && APPLICATION.test(scheme)) return undefined;
  const [authority = ""] = rest.split(/[/?#\\]/, 1);
  // Who logs in is no part of the site. Without a scheme it is an address of a person, and none of a site.
  const at = authority.lastIndexOf("@");
  if (at >= 0 && scheme === undefined) return undefined;
  const split = splitAuthority(authority.slice(at + 1));
  if (!split) return undefined;
  const isWildcard = split.host.startsWith("*.");
  const name = isWildcard ? split.host.slice(2) : split.host;
  const host = name.startsWith("[") ? canonicalIpv6(name.slice(1, -1)) : canonicalHost(name);
  if (host === undefined || (isWildcard && (!host.includes(".") || host.startsWith("[") || IPV4.test(host)))) {
    return undefined;
  }
  const port = split.port === undefined || split.port === "" ? undefined : Number(split.port);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const isUsual = port === undefined || port === (scheme === undefined ? 443 : DEFAULT_PORTS[scheme]);
  return `${isWildcard ? "*." : ""}${host}${isUsual ? "" : `:${port}`}`;
};

const BY_NAME = 1000;

/**
 * What matches a site that is asked for, by the canonical texts of the sites that do: the site itself before those with wildcards, the
 * longer of these before the shorter, and one with the port before one that says none. A site with a port matches that port alone.
 */
export const matchingSites = (wanted: string): ReadonlyMap<string, Rank> => {
  const [, host = "", port = ""] = /^(.*?)(:\d+)?$/.exec(wanted) ?? [];
  const ranks = new Map<string, Rank>();
  const add = (text: string, rank: Rank): void => {
    ranks.set(text + port, rank + 0.5);
    if (!ranks.has(text)) ranks.set(text, rank);
  };
  add(host, BY_NAME);
  if (host.startsWith("[") || host.startsWith("*.") || IPV4.test(host)) return ranks;
  const labels = host.split(".");
  for (let cut = 1; cut < labels.length - 1; cut++) add(`*.${labels.slice(cut).join(".")}`, labels.length - cut);
  return ranks;
};
