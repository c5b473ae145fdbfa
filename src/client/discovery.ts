import type { Deps, SrvRecord } from "../deps.js";
import { MeshError } from "../errors.js";
import { canonicalDomain, type Address } from "../mesh/address.js";
import { DNS_SERVICE } from "../mesh/protocol.js";
import { msg } from "../messages/message.js";
import { parsePortal, type PortalTarget } from "./target.js";

/** How long the DNS may take, in milliseconds; after that the domain itself is asked. */
const DNS_TIMEOUT = 5000;

export interface PortalSearch {
  readonly address: Address;
  /** What the user said with `--portal`. */
  readonly explicit?: string | undefined;
  /** What was remembered for this account. */
  readonly remembered?: string | undefined;
  readonly allowHttp: boolean;
  readonly localPath: string;
}

/**
 * Finds the portal of an account: what the user says, what is remembered, the SRV record `_mmm._tcp.DOMAIN` (reference-10
 * section 12), and else the domain itself by https. Throws `portal-invalid`, or `portal-not-found` where the domain says
 * that it has no portal, and for `localhost`, where only a user can know.
 */
export const findPortal = async (
  deps: Pick<Deps, "cwd" | "random" | "resolveSrv">,
  search: PortalSearch,
): Promise<PortalTarget> => {
  const { allowHttp, localPath } = search;
  const options = { allowHttp, localPath, cwd: deps.cwd };
  const named = search.explicit ?? search.remembered;
  if (named !== undefined) return parsePortal(named, options);
  const { domain } = search.address;
  if (domain === "localhost") {
    throw new MeshError("portal-not-found", msg("client.localhost-unknown"), {
      hint: msg("client.localhost-unknown.hint"),
    });
  }
  return parsePortal((await lookUp(deps, domain)) ?? `https://${domain}`, options);
};

/** The https URL that the DNS names for a domain, or undefined where it names none or does not answer. */
const lookUp = async (deps: Pick<Deps, "random" | "resolveSrv">, domain: string): Promise<string | undefined> => {
  // An address in numbers has no records.
  if (/^[\d.]+$/.test(domain)) return undefined;
  let records: SrvRecord[];
  try {
    records = await within(deps.resolveSrv(`${DNS_SERVICE}.${domain}`), DNS_TIMEOUT);
  } catch {
    return undefined;
  }
  if (records.length === 1 && ["", "."].includes(records[0]?.name ?? "")) {
    throw new MeshError("portal-not-found", msg("client.domain-without-portal", { domain }), {
      hint: msg("client.no-portal.hint"),
    });
  }
  const chosen = choose(records.filter(isUsable), deps.random);
  return chosen && urlOf(chosen);
};

/** The portals that the DNS names for a domain, by their canonical origin; records that name none are left out. */
export const portalsIn = (records: readonly SrvRecord[]): string[] =>
  records.filter(isUsable).map((record) => new URL(urlOf(record)).origin);

const urlOf = ({ name, port }: SrvRecord): string => `https://${withoutDot(name)}:${port}`;

const withoutDot = (name: string): string => name.replace(/\.$/, "");

const isUsable = ({ name, port }: SrvRecord): boolean =>
  canonicalDomain(withoutDot(name)) !== undefined && Number.isInteger(port) && port > 0 && port < 65536;

/** One of the records of the lowest priority, at random by weight (RFC 2782). */
const choose = (records: readonly SrvRecord[], random: (length: number) => Buffer): SrvRecord | undefined => {
  const lowest = Math.min(...records.map(({ priority }) => priority));
  const candidates = records.filter(({ priority }) => priority === lowest).sort((a, b) => a.weight - b.weight);
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = Math.floor((random(4).readUInt32BE(0) / 0x100000000) * (total + 1));
  let sum = 0;
  return candidates.find(({ weight }) => (sum += weight) >= drawn);
};

const within = <Value>(work: Promise<Value>, timeout: number): Promise<Value> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("timeout")), timeout);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
