import { isMeshError, MeshError } from "../../errors.js";
import type { PortalClient } from "../../client/client.js";
import { connectionResult, fetchProfile } from "../../client/profiles.js";
import { readCheckpoints, updateCheckpoints, type AuditedLog } from "../../keystore/checkpoints.js";
import { readRecord } from "../../mesh/jose.js";
import { accountLeafHash, leafFault, type LeafKind, type PlacedLeaf } from "../../mesh/log/leaf.js";
import { TILE_WIDTH } from "../../mesh/log/tiles.js";
import { recordHash } from "../../mesh/signed-record.js";
import { msg, type Message } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { fields, gap, lines, readableTime, stack, table } from "../output.js";
import { openTarget, portalTarget } from "../session.js";
import { inOrder } from "./ahead.js";
import { newestHead, openLogView, type LogView } from "./log-view.js";
import { ownOf, subjectName, type KnownDevice, type Own, type Subject } from "./own.js";
import { auditedPortals, type AuditedPortal } from "./portals.js";
import { fetchRecords, recordName, type ServedRecord, type ServedRecords } from "./records.js";

/** Something about the user that this home did not make. */
interface Report {
  readonly portal: string;
  readonly kind: LeafKind;
  readonly identifier: string;
  readonly account?: string;
  /** Place of the leaf. */
  readonly index: number;
  readonly masterSequence: number;
  readonly sequence: number;
  /** What became of an account. */
  readonly status?: AccountStatus;
  /** When the portal took it, by the portal's clock. */
  readonly time: string | null;
  /** The device that signed it. */
  readonly device: KnownDevice | null;
}

const ACCOUNT_STATUSES = ["Open", "Closed", "Suspended"] as const;
type AccountStatus = "open" | "closed" | "suspended";
const STATUS_NAMES = { Open: "open", Closed: "closed", Suspended: "suspended" } as const;

/** A leaf about something of one's own. */
interface OwnLeaf {
  readonly placed: PlacedLeaf;
  readonly subject: Subject;
}

/** What was found in the log of one portal. */
interface Walk {
  readonly from: number;
  readonly leaves: readonly OwnLeaf[];
  /** The newest version of the profile in the log. */
  readonly profile: OwnLeaf | undefined;
  readonly audited: AuditedLog;
}

/** The first leaf that contradicts the one before it, or is contradicted by it, last. */
const contradicting = async (
  view: LogView,
  before: PlacedLeaf | undefined,
  next: PlacedLeaf,
  isWhole: boolean,
): Promise<readonly PlacedLeaf[] | undefined> => {
  const named = next.leaf.previous?.index;
  if (named === undefined) return before && [before, next];
  if (named >= next.index) return [next];
  if (before?.index === named) return leafFault(before, next) && [before, next];
  if (before && named < before.index) return [before, next];
  const other = await view.readLeaf(named);
  // What stands in front of the first leaf that was looked at has not been seen here.
  return before || isWhole || leafFault(other, next) ? [other, next] : undefined;
};

/** Walks over the leaves behind the first `from`, and checks those about one's own things against the ones before them. */
const walk = async (view: LogView, own: Own, known: AuditedLog | undefined, url: string): Promise<Walk> => {
  const from = known && known.size <= view.head.size ? known.size : 0;
  const newest = new Map<string, PlacedLeaf>();
  const places = new Map(Object.entries((from > 0 && known?.newest) || {}));
  const leaves: OwnLeaf[] = [];
  const first = Math.floor(from / TILE_WIDTH);
  for await (const bundle of inOrder(first, view.bundles, (index) => view.readBundle(index))) {
    for (const placed of bundle) {
      const name = subjectName(placed.leaf);
      const subject = placed.index < from ? undefined : own.subjects.get(name);
      if (!subject) continue;
      const place = places.get(name);
      const before = newest.get(name) ?? (place === undefined ? undefined : await view.readLeaf(place));
      const fault = await contradicting(view, before, placed, from === 0);
      if (fault) {
        const { kind, identifier } = subject;
        throw await view.fail(
          msg("audit.own-disordered", { url, identifier }),
          { code: "log-order", about: { kind, identifier } },
          fault.toReversed(),
        );
      }
      newest.set(name, placed);
      places.set(name, placed.index);
      leaves.push({ placed, subject });
    }
  }
  const [name = "", subject] = [...own.subjects].find(([, { kind }]) => kind === "personal") ?? [];
  const place = places.get(name);
  const placed = newest.get(name) ?? (place === undefined ? undefined : await view.readLeaf(place));
  return {
    from,
    leaves,
    profile: placed && subject && { placed, subject },
    audited: { size: view.head.size, newest: Object.fromEntries(places) },
  };
};

/** What one portal's log says about the user. */
interface Audit {
  readonly portal: string;
  readonly origin: string;
  readonly from: number;
  readonly size: number;
  readonly leaves: number;
  readonly reports: readonly Report[];
}

/** Looks at one leaf after the other for what this home did not make. */
const judging = (
  client: PortalClient,
  { state, accounts }: AuditedPortal,
  own: Own,
  view: LogView,
  profile: ServedRecords,
) => {
  const served = new Map([[state.udf, Promise.resolve(profile)]]);
  const recordsOf = (identifier: string): Promise<ServedRecords> => {
    const known = served.get(identifier) ?? fetchRecords(client, identifier, view.head.size + TILE_WIDTH);
    served.set(identifier, known);
    return known;
  };

  const omitted = ({ placed, subject: { kind, identifier } }: OwnLeaf): Promise<MeshError> =>
    view.fail(
      msg("audit.own-omitted", { url: client.url, identifier }),
      { code: "log-omission", about: { kind, identifier } },
      [placed],
    );

  const report = (
    { placed: { index, leaf }, subject }: OwnLeaf,
    found: Partial<Pick<Report, "status" | "time" | "device">>,
  ): Report => ({
    portal: client.url,
    ...subject,
    index,
    masterSequence: leaf.masterSequence,
    sequence: leaf.sequence,
    time: null,
    device: null,
    ...found,
  });

  const judgeAccount = (found: OwnLeaf): Report | undefined => {
    const { placed, subject } = found;
    const said = ACCOUNT_STATUSES.find((status) =>
      placed.leaf.recordHash.equals(accountLeafHash(subject.identifier, state.udf, status)),
    );
    if (!said) {
      throw new MeshError(
        "fingerprint-mismatch",
        msg("client.account-of-another", { url: client.url, account: subject.account ?? "" }),
        { hint: msg("client.another-person.hint") },
      );
    }
    // That the account was made is how this home came to have it.
    const isMade = said === "Open" && placed.leaf.previous === undefined;
    return isMade ? undefined : report(found, { status: STATUS_NAMES[said] });
  };

  /** An answer that has been replaced or deleted since is not served, which is no lie. */
  const judgeResult = async (found: OwnLeaf): Promise<Report | undefined> => {
    const { placed, subject } = found;
    const [{ account } = { account: "" }] = accounts;
    const served = await connectionResult(client, account, subject.identifier);
    const record = served === undefined ? undefined : attempt(() => readRecord(served, "ConnectionResult").record);
    const isIt = record !== undefined && placed.leaf.recordHash.equals(Buffer.from(recordHash(record), "base64url"));
    const device = isIt ? own.answererOf(record) : undefined;
    return device && own.isThisHome(device.udf) ? undefined : report(found, { device: device ?? null });
  };

  const isOwn = ({ subject, placed }: OwnLeaf, device: KnownDevice | undefined): boolean => {
    // The first is this home's own doing, or it would not know them.
    if (subject.kind === "escrow") return placed.leaf.previous === undefined;
    if (subject.kind === "master") return state.revoked !== undefined;
    return device !== undefined && own.isThisHome(device.udf);
  };

  const judgeRecord = async (found: OwnLeaf): Promise<Report | undefined> => {
    const { placed, subject } = found;
    const { leaf } = placed;
    const records = await recordsOf(subject.identifier);
    const record = records.get(recordName(leaf.kind, leaf.recordHash));
    if (!record) throw await omitted(found);
    if (!saysTheSame(record, placed)) {
      throw new MeshError("proof-invalid", msg("client.proof-invalid", { url: client.url }), {
        hint: msg("client.log.hint"),
      });
    }
    const device = own.signerOf(record.entry);
    return isOwn(found, device) ? undefined : report(found, { time: record.added, device: device ?? null });
  };

  const judge = async (found: OwnLeaf): Promise<Report | undefined> => {
    switch (found.subject.kind) {
      case "account":
        return judgeAccount(found);
      case "result":
        return judgeResult(found);
      default:
        return judgeRecord(found);
    }
  };

  /** Whoever asks for the profile must be given the version that is the newest in the log, or one that came since. */
  const checkNewest = async (newest: OwnLeaf): Promise<void> => {
    const { masterSequence, sequence } = newest.placed.leaf;
    const queries = [{ identifier: state.udf }, ...accounts.map(({ account }) => ({ account, identifier: state.udf }))];
    for (const query of queries) {
      const served = await fetchProfile(client, query).catch((error: unknown) => {
        if (isMeshError(error, "profile-revoked")) return "revoked" as const;
        throw error;
      });
      // With the note that ends it no version needs to be served any more, and none under an account that is closed.
      if (served === "revoked" || (!served && "account" in query)) continue;
      const { master, sequence: own } = served?.profile ?? { master: { sequence: 0 }, sequence: 0 };
      if ((master.sequence - masterSequence || own - sequence) < 0) throw await omitted(newest);
    }
  };

  return { judge, checkNewest };
};

const saysTheSame = ({ leaf: expected }: ServedRecord, { leaf }: PlacedLeaf): boolean =>
  expected.masterSequence === leaf.masterSequence && expected.sequence === leaf.sequence;

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    if (!isMeshError(error)) throw error;
    return undefined;
  }
};

const auditPortal = async (context: Context, place: AuditedPortal, all: boolean): Promise<Audit> => {
  const { url, state, accounts } = place;
  const { audit, audited } = await withClient(openTarget(context, portalTarget(context, url)), async (client) => {
    // The head first: all that it covers must be served from then on.
    const head = await newestHead(client);
    const known = all ? undefined : readCheckpoints(context.home)[url]?.audited?.[state.udf];
    const profile = await fetchRecords(client, state.udf, head.size + TILE_WIDTH);
    const own = ownOf(state, accounts, profile);
    const view = await openLogView(client, head);
    const { from, leaves, profile: newest, audited } = await walk(view, own, known, url);
    const { judge, checkNewest } = judging(client, place, own, view, profile);
    if (newest) await checkNewest(newest);
    const reports: Report[] = [];
    for (const leaf of leaves) {
      const report = await judge(leaf);
      if (report) reports.push(report);
    }
    const { origin, size } = head;
    return { audit: { portal: url, origin, from, size, leaves: leaves.length, reports }, audited };
  });
  await keep(context, url, state.udf, audited);
  return audit;
};

/** Keeps how far the log has been looked through. On a read-only home it is looked through again next time. */
const keep = async (context: Context, url: string, udf: string, audited: AuditedLog): Promise<void> => {
  try {
    await updateCheckpoints(context.home, (logs) => {
      const log = logs[url];
      return log ? { ...logs, [url]: { ...log, audited: { ...log.audited, [udf]: audited } } } : logs;
    });
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy")) throw error;
  }
};

const KIND_WORDS: Readonly<Record<LeafKind, Message>> = {
  personal: msg("audit.leaf-personal"),
  master: msg("audit.leaf-master"),
  device: msg("audit.leaf-device"),
  application: msg("audit.leaf-application"),
  escrow: msg("audit.leaf-escrow"),
  account: msg("audit.leaf-account"),
  result: msg("audit.leaf-result"),
  key: msg("audit.leaf-key"),
};

const STATUS_WORDS: Readonly<Record<AccountStatus, Message>> = {
  open: msg("account.status-open"),
  closed: msg("account.status-closed"),
  suspended: msg("account.status-suspended"),
};

/** What tells one version of a thing from another. */
const detail = ({ kind, masterSequence, sequence, status }: Report): Message | string => {
  if (status) return STATUS_WORDS[status];
  if (kind === "personal") return `${masterSequence}.${sequence}`;
  return kind === "application" ? String(sequence) : "";
};

export const run: Run = async (context, input) => {
  const portals: Audit[] = [];
  for (const place of await auditedPortals(context)) {
    portals.push(await auditPortal(context, place, input.flag("all")));
  }
  const reports = portals.flatMap((portal) => portal.reports);
  const rows = reports.map((report) => [
    KIND_WORDS[report.kind],
    detail(report),
    report.time === null ? "" : readableTime(report.time),
    report.device?.name ?? msg("audit.nobody-known"),
    report.account ?? report.identifier,
    report.portal,
  ]);
  const headings = [
    msg("heading.type"),
    msg("heading.version"),
    msg("heading.taken"),
    msg("heading.device"),
    msg("heading.identifier"),
    msg("heading.portal"),
  ];
  return {
    value: { portals },
    text: stack(
      rows.length > 0
        ? stack(
            lines(msg("audit.not-made-here", { count: rows.length })),
            gap,
            table(headings, rows, msg("audit.all-own")),
          )
        : lines(msg("audit.all-own")),
      gap,
      fields(
        portals.map(({ portal, from, size, leaves }) => [
          msg("label.portal"),
          msg("audit.looked-through", { portal, from, size, count: leaves }),
        ]),
      ),
    ),
    ...(rows.length > 0 && { note: msg("audit.not-made-here.hint") }),
  };
};
