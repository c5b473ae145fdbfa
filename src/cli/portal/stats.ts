import { msg } from "../../messages/message.js";
import { readStats } from "../../portal/store/stats.js";
import type { Run } from "../context.js";
import { fields, gap, readableTime, stack, table } from "../output.js";
import { readStoreSettings } from "./config.js";
import { withStore } from "./store.js";

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const run: Run = async (context, input) => {
  const settings = await readStoreSettings(context, input);
  const { kind, shown } = settings.store;
  const stats = await withStore(context, settings, (store) => store.readTables((sql) => readStats(sql, kind)));
  const { accounts, records, octets, pending, head, databaseOctets } = stats;
  const lastWrite = stats.lastWrite === undefined ? null : timeOf(stats.lastWrite);
  const profiles = records.find(({ type }) => type === "SignedPersonalProfile")?.count ?? 0;
  const value = {
    store: shown,
    accounts: { open: accounts.Open, suspended: accounts.Suspended, closed: accounts.Closed },
    profiles,
    records,
    octets,
    pending,
    log: { size: head.size, time: timeOf(head.time) },
    lastWrite,
    databaseOctets,
  };
  return {
    value,
    text: stack(
      fields([
        [msg("label.store"), shown],
        [msg("label.accounts"), msg("stats.accounts", value.accounts)],
        [msg("label.profiles"), String(profiles)],
        [msg("label.octets"), String(octets)],
        [msg("label.pending"), String(pending)],
        [msg("label.log-size"), String(head.size)],
        [msg("label.signed"), readableTime(value.log.time)],
        [msg("label.last-write"), lastWrite === null ? msg("label.none") : readableTime(lastWrite)],
        [msg("label.database-octets"), String(databaseOctets)],
      ]),
      gap,
      table(
        [msg("heading.type"), msg("heading.records"), msg("heading.versions")],
        records.map(({ type, count, versions }) => [type, String(count), String(versions)]),
        msg("label.none"),
      ),
    ),
  };
};
