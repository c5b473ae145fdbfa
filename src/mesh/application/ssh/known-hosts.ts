import { createHmac } from "node:crypto";
import { isHostName, type SshHost } from "./kind.js";
import { keyText, readKeyText, readKeyWords } from "./public-key.js";

const STANDARD_PORT = 22;

/** A line of a known_hosts file that gives a key to hosts by name. */
export interface KnownHost {
  /** The names in it that are plain, as they stand there: `host` or `[host]:port`. */
  readonly names: readonly string[];
  /** True where it is about a host of this name, which may be hidden behind a hash. */
  readonly isFor: (name: string) => boolean;
  /** Type and base64. */
  readonly key: string;
}

/** What a known_hosts file holds: keys of hosts, and how many lines that are not about a host by name, or make no sense. */
export interface KnownHosts {
  readonly hosts: readonly KnownHost[];
  readonly skipped: number;
}

/** What is told of a name that is a hash: HMAC-SHA-1 of the name under a salt. */
const hashedName = (text: string): ((name: string) => boolean) | undefined => {
  const [, salt, digest] = /^\|1\|([A-Za-z0-9+/=]{28})\|([A-Za-z0-9+/=]{28})$/.exec(text) ?? [];
  if (salt === undefined || digest === undefined) return undefined;
  const key = Buffer.from(salt, "base64");
  return (name) => createHmac("sha1", key).update(name).digest("base64") === digest;
};

const readLine = (line: string): KnownHost | undefined => {
  const [names = "", type, base64] = line.split(/[ \t]+/, 3);
  const key = readKeyWords(type, base64);
  // Lines with a mark are about authorities or revoked keys, and patterns about hosts that nobody has named.
  if (!key || /[@*?!]/.test(names)) return undefined;
  const hashed = hashedName(names);
  const plain = hashed ? [] : names.toLowerCase().split(",");
  if (!hashed && names.startsWith("|")) return undefined;
  return {
    names: plain,
    isFor: hashed ?? ((name) => plain.includes(name)),
    key: keyText(key.type, key.blob),
  };
};

/** Reads a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export const readKnownHosts = (text: string): KnownHosts => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const hosts = lines.flatMap((line) => readLine(line) ?? []);
  return { hosts, skipped: lines.length - hosts.length };
};

/** How known_hosts names a host at a port. */
export const knownHostName = (name: string, port: number | undefined): string =>
  port === undefined || port === STANDARD_PORT ? name.toLowerCase() : `[${name.toLowerCase()}]:${port}`;

/** A name of known_hosts as host and port; undefined where it is none that can be shared. */
export const readKnownHostName = (text: string): { name: string; port: number | undefined } | undefined => {
  const [, inner, digits] = /^\[([^\]]+)\]:(\d{1,5})$/.exec(text) ?? [];
  const name = inner ?? text;
  const port = digits === undefined ? undefined : Number(digits);
  if (!isHostName(name) || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { name, port: port === STANDARD_PORT ? undefined : port };
};

/** The names by which ssh looks for the key of a host. */
export const knownHostNames = ({ Names, HostName, Port }: Pick<SshHost, "Names" | "HostName" | "Port">): string[] => [
  ...new Set([...Names, ...(HostName === undefined ? [] : [HostName])].map((name) => knownHostName(name, Port))),
];

/** The lines of a known_hosts file for a host: one for each key. */
export const knownHostsLines = (host: SshHost): string[] =>
  (host.HostKeys ?? []).map((key) => `${knownHostNames(host).join(",")} ${key}`);

/**
 * The keys of a host in a file: those of its names in a known_hosts file, hidden ones too, or all where the file holds nothing but
 * public keys, as /etc/ssh/ssh_host_ed25519_key.pub does.
 */
export const hostKeysIn = (text: string, host: Pick<SshHost, "Names" | "HostName" | "Port">): string[] => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const plain = lines.map(readKeyText);
  if (lines.length > 0 && plain.every((key) => key !== undefined)) {
    return [...new Set(plain.map((key) => keyText(key.type, key.blob)))];
  }
  const names = knownHostNames(host);
  const found = readKnownHosts(text).hosts.filter(({ isFor }) => names.some(isFor));
  return [...new Set(found.map(({ key }) => key))];
};
