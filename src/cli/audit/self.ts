import { isMeshError, MeshError } from "../../errors.js";
import type { PortalClient } from "../../client/client.js";
import { connectionResult, fetchAccount, fetchProfile } from "../../client/profiles.js";
import { readCheckpoints, updateCheckpoints, type AuditedLog } from "../../keystore/checkpoints.js";
import { readRecord } from "../../mesh/jose.js";
import { accountLeafHash, leafFault, type LeafKind, type PlacedLeaf } from "../../mesh/log/leaf.js";
import { TILE_WIDTH } from "../../mesh/log/tiles.js";
import { recordHash } from "../../mesh/signed-record.js";
import { msg, type Message } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { fields, gap, lines, readableTime, stack, table } from "../output.js";
import { knownProfile } from "../known.js";
import { otherLogs } from "../own-profile.js";
import { requireProfile } from "../select.js";
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
/** A profile has fewer versions than that: a portal must not keep its client busy for ever. */
const MAX_RECORDS = 50_000;
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
  /** The newest leaf of each account in the log. */
  readonly accounts: readonly OwnLeaf[];
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
  const newestOf = async (kind: LeafKind): Promise<OwnLeaf[]> => {
    const found: OwnLeaf[] = [];
    for (const [name, subject] of own.subjects) {
      if (subject.kind !== kind) continue;
      const place = places.get(name);
      const placed = newest.get(name) ?? (place === undefined ? undefined : await view.readLeaf(place));
      if (placed) found.push({ placed, subject });
    }
    return found;
  };
  const [profile] = await newestOf("personal");
  return {
    from,
    leaves,
    profile,
    accounts: await newestOf("account"),
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
  accountLeaves: readonly OwnLeaf[],
) => {
  const served = new Map([[state.udf, Promise.resolve(profile)]]);
  const recordsOf = (identifier: string): Promise<ServedRecords> => {
    const known = served.get(identifier) ?? fetchRecords(client, identifier, mostRecords(view.head.size));
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

  const statusIn = ({ placed, subject }: OwnLeaf) =>
    ACCOUNT_STATUSES.find((status) =>
      placed.leaf.recordHash.equals(accountLeafHash(subject.identifier, state.udf, status)),
    );

  const judgeAccount = (found: OwnLeaf): Report | undefined => {
    const { placed, subject } = found;
    const said = statusIn(found);
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

  /** Throws `log-omission` for an account under which nothing is served, unless it is closed. */
  const checkClosed = async (account: string): Promise<void> => {
    const newest = accountLeaves.find(({ subject }) => subject.account === account);
    // An account that this log never had: it may have begun anew since.
    if (!newest || statusIn(newest) === "Closed") return;
    // It may have been closed since.
    const now = await fetchAccount(client, account, state.udf).catch((error: unknown) => {
      if (isMeshError(error, "proof-missing")) return undefined;
      throw error;
    });
    if (now?.status !== "closed" && !now?.fetched) throw await omitted(newest);
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
      // With the note that ends it no version needs to be served any more.
      if (served === "revoked") continue;
      if (!served && "account" in query) {
        await checkClosed(query.account);
        continue;
      }
      const { master, sequence: own } = served?.profile ?? { master: { sequence: 0 }, sequence: 0 };
      if ((master.sequence - masterSequence || own - sequence) < 0) throw await omitted(newest);
    }
  };

  return { judge, checkNewest };
};

const saysTheSame = ({ leaf: expected }: ServedRecord, { leaf }: PlacedLeaf): boolean =>
  expected.masterSequence === leaf.masterSequence && expected.sequence === leaf.sequence;

/** Nothing that was published is not in the log, but what came since may be served too. */
const mostRecords = (size: number): number => Math.min(size + TILE_WIDTH, MAX_RECORDS);

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
    const profile = await fetchRecords(client, state.udf, mostRecords(head.size));
    const own = ownOf(state, accounts, profile);
    const view = await openLogView(client, head);
    const { from, leaves, profile: newest, accounts: newestAccounts, audited } = await walk(view, own, known, url);
    const { judge, checkNewest } = judging(client, place, own, view, profile, newestAccounts);
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

/** True for what no device can do: only the portal suspends an account, or opens it again. */
const isOfPortal = ({ status }: Report): boolean => status === "suspended" || status === "open";

export const run: Run = async (context, input) => {
  const portals: Audit[] = [];
  for (const place of await auditedPortals(context)) {
    portals.push(await auditPortal(context, place, input.flag("all")));
  }
  const state = await requireProfile(context);
  const others = otherLogs(context, knownProfile(context, state));
  for (const { device: by, origin } of others) await context.note(msg("client.token-foreign", { by, origin }));
  const reports = portals.flatMap((portal) => portal.reports);
  const rows = reports.map((report) => [
    KIND_WORDS[report.kind],
    detail(report),
    report.time === null ? "" : readableTime(report.time),
    report.device?.name ?? (isOfPortal(report) ? msg("audit.by-portal") : msg("audit.nobody-known")),
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
    value: { portals, ...(others.length > 0 && { code: "log-split", otherLogs: others }) },
    ...(others.length > 0 && { exit: 7 }),
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
    ...(!reports.every(isOfPortal) && { note: msg("audit.not-made-here.hint") }),
  };
};
