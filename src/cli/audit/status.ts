import { isMeshError, type ErrorCode } from "../../errors.js";
import { knownLog } from "../../keystore/checkpoints.js";
import { msg, type Message } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { gap, readableTime, stack, table } from "../output.js";
import { knownProfile } from "../known.js";
import { otherLogs } from "../own-profile.js";
import { requireProfile } from "../select.js";
import { openTarget, portalTarget } from "../session.js";
import { newestHead } from "./log-view.js";
import { auditedPortals } from "./portals.js";

/** What is known of the log of one portal. `consistent` is null where that could not be found out. */
interface PortalStatus {
  readonly portal: string;
  readonly origin: string | null;
  readonly key: string | null;
  readonly size: number | null;
  /** As it stands in the head. */
  readonly root: string | null;
  readonly time: string | null;
  /** True where the portal has been asked just now. */
  readonly checked: boolean;
  readonly consistent: boolean | null;
  /** Why it is not consistent, or could not be asked. */
  readonly reason?: ErrorCode;
}

/** What this home has verified of the portal's log, whatever the portal says now. */
const known = (context: Context, portal: string) => {
  const log = knownLog(context.home, portal);
  if (!log) return { portal, origin: null, key: null, size: null, root: null, time: null };
  const { head, verifier } = log;
  return {
    portal,
    origin: head.origin,
    key: verifier,
    size: head.size,
    root: head.root.toString("base64"),
    time: head.time.toISOString(),
  };
};

/** A portal that answers, but not as it must, is not consistent; one that cannot be asked may be. */
const isVerdict = (code: ErrorCode): boolean =>
  code.startsWith("log-") ||
  ["proof-missing", "proof-invalid", "answer-stale", "answer-mismatch", "downgrade"].includes(code);

const look = async (context: Context, portal: string): Promise<PortalStatus> => {
  try {
    return await withClient(openTarget(context, portalTarget(context, portal)), async (client) => {
      // A portal that keeps no log has nothing to be consistent with.
      if (!client.log) return { ...known(context, portal), checked: true, consistent: null };
      const { origin, size, root, time } = await newestHead(client);
      return {
        portal,
        origin,
        key: client.log.verifier,
        size,
        root: root.toString("base64"),
        time: time.toISOString(),
        checked: true,
        consistent: true,
      };
    });
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(msg("audit.portal-said", { portal, reason: error.text }));
    if (error.hint) await context.note(error.hint);
    const bad = isVerdict(error.code);
    return { ...known(context, portal), checked: bad, consistent: bad ? false : null, reason: error.code };
  }
};

const standing = ({ checked, consistent, origin, reason }: PortalStatus): Message => {
  if (consistent === true) return msg("audit.consistent");
  // Of another time, and it may be this machine's clock that is wrong: that contradicts nothing.
  if (reason === "answer-stale") return msg("audit.not-current");
  if (consistent === false) return msg("audit.inconsistent");
  return checked && origin === null ? msg("audit.logless") : msg("audit.unreachable");
};

/** A portal that is not consistent is worse than portals of which nothing was heard. */
const exitOf = (portals: readonly PortalStatus[]): { readonly exit?: number } => {
  if (portals.some(({ consistent }) => consistent === false)) return { exit: 7 };
  return portals.some(({ checked }) => checked) ? {} : { exit: 6 };
};

export const run: Run = async (context) => {
  const portals: PortalStatus[] = [];
  for (const { url } of await auditedPortals(context)) portals.push(await look(context, url));
  const rows = portals.map((status) => [
    status.portal,
    status.origin ?? "",
    status.size === null ? "" : String(status.size),
    status.time === null ? "" : readableTime(status.time),
    standing(status),
  ]);
  const headings = [msg("heading.portal"), msg("heading.log"), msg("heading.leaves"), msg("heading.signed"), undefined];
  const keys = portals.map(({ origin, key }) => [origin ?? "", key ?? ""]).filter(([, key]) => key !== "");
  const state = await requireProfile(context);
  const others = otherLogs(context, knownProfile(context, state));
  for (const { device: by, origin } of others) await context.note(msg("client.token-foreign", { by, origin }));
  return {
    value: { portals, ...(others.length > 0 && { otherLogs: others }) },
    text: stack(
      table(headings, rows, msg("audit.no-portals")),
      keys.length > 0 ? gap : undefined,
      keys.length > 0 ? table([msg("heading.log"), msg("heading.key")], keys, msg("audit.no-portals")) : undefined,
    ),
    ...exitOf(portals),
  };
};
