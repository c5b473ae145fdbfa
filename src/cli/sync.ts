import { exitStatus, type MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import type { SyncReport } from "./application/application.js";
import { syncApplications } from "./application/sync.js";
import type { Run } from "./context.js";
import { lines, printable, stack, table, type Cell } from "./output.js";
import { requireProfile } from "./select.js";
import { openSession } from "./session.js";

/** Brings the applications that this device may read up to date, and publishes what waits. */
export const run: Run = async (context, input) => {
  const session = await openSession(context, await requireProfile(context));
  const reports = await syncApplications(session, { name: input.text("app") });
  const translate = await context.translator();
  const failed = reports.flatMap(({ error }) => error ?? []);
  const described = (error: MeshError) => ({
    code: error.code,
    message: printable(translate(error.text)),
    ...(error.hint && { hint: printable(translate(error.hint)) }),
  });
  const applications = reports.map((report) => ({
    identifier: report.identifier,
    name: report.name,
    type: report.type,
    sequence: report.sequence,
    received: report.received,
    sent: report.sent,
    waiting: report.waiting,
    conflicts: report.conflicts,
    ...(report.settled && { settled: report.settled }),
    ...(report.error && { error: described(report.error) }),
  }));
  const [first] = failed;
  const waiting = reports.reduce((count, report) => count + report.conflicts.length, 0);
  return {
    value: { applications },
    text: stack(
      table(
        [
          msg("heading.application"),
          msg("heading.received"),
          msg("heading.sent"),
          msg("heading.waiting"),
          msg("heading.conflicts"),
        ],
        reports.map(rowOf),
        msg("app.nothing-to-sync"),
      ),
      failed.length > 0 ? lines(...reports.flatMap(failure)) : undefined,
    ),
    ...(waiting > 0 && { note: msg("app.conflicts-here", { count: waiting }) }),
    ...(first && { exit: exitStatus(first.code) }),
  };
};

const rowOf = ({ name, received, sent, waiting, conflicts }: SyncReport): Cell[] => [
  name,
  String(received),
  String(sent),
  String(waiting),
  String(conflicts.length),
];

const failure = ({ name, error }: SyncReport) => (error ? [msg("app.not-synced", { name, reason: error.text })] : []);
