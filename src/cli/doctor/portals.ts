import { openPortal, type PortalClient, type PortalInfo } from "../../client/client.js";
import { portalsIn } from "../../client/discovery.js";
import type { LogMemory } from "../../client/log.js";
import { isLogError } from "../../client/log-error.js";
import type { PortalTarget } from "../../client/target.js";
import { timedOut } from "../../client/transport.js";
import type { SrvRecord } from "../../deps.js";
import { MeshError } from "../../errors.js";
import { fileError, systemCode } from "../../keystore/durable.js";
import { readPins, type PortalPin } from "../../keystore/pins.js";
import type { AccountState, ProfileState } from "../../keystore/state.js";
import { DNS_SERVICE } from "../../mesh/protocol.js";
import { msg, verbatim } from "../../messages/message.js";
import type { Context } from "../context.js";
import { languages } from "../language.js";
import { logMemory } from "../portal-log.js";
import { portalTarget, readCertificates } from "../session.js";
import { failed, ok, problem, warning, type Finding } from "./finding.js";

/** By so many seconds a clock may be off before it is said, and before a portal refuses what is signed by it. */
const CLOCK_WARNING = 30;
const CLOCK_PROBLEM = 300;

/** The portals of all accounts, their clocks, and whether the addresses lead to them; all asked at once. */
export const checkPortals = async (
  context: Context,
  states: readonly ProfileState[],
  timeout: number,
): Promise<Finding[]> => {
  const places = states.flatMap(({ accounts, connecting }) => [...accounts, ...(connecting ? [connecting] : [])]);
  const urls = [...new Set(places.map(({ portal }) => portal))];
  const named = [...new Map(places.map((place) => [`${domainOf(place)} ${place.portal}`, place])).values()];
  const findings = await Promise.all([
    ...urls.map((url) => checkPortal(context, url, timeout)),
    ...named.map((place) => checkDomain(context, place, timeout)),
  ]);
  if (context.deps.signal.aborted) throw new MeshError("interrupted", msg("interrupted"));
  return findings.flat();
};

const checkPortal = async (context: Context, url: string, timeout: number): Promise<Finding[]> => {
  try {
    const target = portalTarget(context, url);
    if (isMissing(context, target)) {
      return [problem("portal", msg("doctor.portal-file-missing", { url }), msg("doctor.portal-file-missing.mend"))];
    }
    const { info, log } = await greet(context, target, timeout);
    const extensions = info.extensions.size;
    const message =
      extensions === 0
        ? msg("doctor.portal-plain", { url, wrapping: info.wrapping })
        : msg("doctor.portal", { url, wrapping: info.wrapping, count: extensions });
    return [ok("portal", message), ...log, ...checkClock(context, url, info)];
  } catch (error) {
    // An interruption is told once, by the caller.
    if (context.deps.signal.aborted) return [];
    return [failed("portal", error)];
  }
};

/** True for a portal in a file that is not there: opening it would make it. */
const isMissing = ({ deps }: Context, target: PortalTarget): boolean => {
  if (target.kind === "http") return false;
  try {
    return deps.fs.stat(target.path) === undefined;
  } catch (cause) {
    throw fileError(cause, target.path, "read");
  }
};

/**
 * Opens a portal, holds its log against what is known of it, and lets go of it. Whatever it does, this is over when the time is; repeated
 * attempts are within it.
 */
const greet = async (
  context: Context,
  target: PortalTarget,
  timeout: number,
): Promise<{ readonly info: PortalInfo; readonly log: readonly Finding[] }> => {
  const over = new AbortController();
  const signal = AbortSignal.any([context.deps.signal, over.signal]);
  const known = pinned(context, target.url);
  const options = {
    timeout,
    ca: readCertificates(context),
    pinned: known,
    memory: unkept(logMemory(context.home, target.url, known)),
    languages: languages(context),
  };
  const open = async () => {
    const client = await openPortal({ ...context.deps, signal }, target, options);
    try {
      return { info: client.info, log: await checkLog(client) };
    } finally {
      await client.close();
    }
  };
  return await within(open(), timeout, () => {
    over.abort();
    return timedOut(target.url, timeout);
  });
};

/** What is known of a log, for one look that changes nothing in the home. */
const unkept = (memory: LogMemory): LogMemory => ({
  ...memory,
  save: () => Promise.resolve(),
  report: () => Promise.resolve(undefined),
});

/** Whether the log goes on from what this home has seen. That the portal does not answer is no word about its log. */
const checkLog = async (client: PortalClient): Promise<Finding[]> => {
  const { log, url } = client;
  if (!log) return [];
  try {
    await client.send("Status", {});
    return [ok("log", msg("doctor.log", { url }))];
  } catch (error) {
    return [failed("log", error, isLogError(error) ? "problem" : "warning")];
  }
};

/** What is known of a portal. That the pins cannot be read is another finding. */
const pinned = ({ home }: Context, url: string): PortalPin | undefined => {
  try {
    return readPins(home).portals[url];
  } catch {
    return undefined;
  }
};

const within = <Value>(work: Promise<Value>, timeout: number, end: () => Error): Promise<Value> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(end()), timeout);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });

/** A portal in this very process has no clock of its own. */
const checkClock = ({ deps }: Context, url: string, { date }: PortalInfo): Finding[] => {
  if (!date) return [];
  const seconds = Math.round((deps.now().getTime() - date.getTime()) / 1000);
  const off = Math.abs(seconds);
  if (off <= CLOCK_WARNING) return [ok("clock", msg("doctor.clock", { url }))];
  const message =
    seconds > 0 ? msg("doctor.clock-ahead", { url, count: off }) : msg("doctor.clock-behind", { url, count: off });
  return [(off > CLOCK_PROBLEM ? problem : warning)("clock", message, msg("doctor.clock.mend"))];
};

const domainOf = ({ account }: AccountState): string => account.split("@").at(-1) ?? "";

/** Whether others who know no more than an address come to the portal of the account. */
export const checkDomain = async ({ deps }: Context, place: AccountState, timeout: number): Promise<Finding[]> => {
  const { account, portal } = place;
  const domain = domainOf(place);
  // A portal for trying out on this machine is found by nobody else, and an address in numbers has no records.
  if (!portal.startsWith("https://") || domain === "localhost" || /^[\d.]+$/.test(domain)) return [];
  let records: SrvRecord[];
  try {
    const over = new AbortController();
    const signal = AbortSignal.any([deps.signal, over.signal]);
    records = await within(deps.resolveSrv(`${DNS_SERVICE}.${domain}`, signal), timeout, () => {
      over.abort();
      return Object.assign(new Error("timeout"), { code: "ETIMEOUT" });
    });
  } catch (error) {
    const code = systemCode(error) ?? "UNKNOWN";
    if (code !== "ENOTFOUND" && code !== "ENODATA") {
      return [warning("domain", msg("doctor.domain-unknown", { domain, code }), msg("doctor.domain-unknown.mend"))];
    }
    records = [];
  }
  const found = portalsIn(records);
  const leads = found.length > 0 ? found.includes(portal) : records.length === 0 && portal === `https://${domain}`;
  if (leads) return [ok("domain", msg("doctor.domain", { domain, portal }))];
  const { hostname, port } = new URL(portal);
  const record = `_mmm._tcp.${domain}. SRV 0 0 ${port === "" ? 443 : port} ${hostname}.`;
  const message =
    found.length > 0
      ? msg("doctor.domain-elsewhere", { account, found: found.join(", "), portal })
      : msg("doctor.domain-nowhere", { account, portal });
  return [warning("domain", message, msg("doctor.domain.mend", { record: verbatim(record) }))];
};
