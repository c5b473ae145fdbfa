import { msg } from "../../messages/message.js";
import { checkStore } from "../../portal/fsck.js";
import { readStats } from "../../portal/store/stats.js";
import type { Run } from "../context.js";
import { gap, lines, printable, stack, table } from "../output.js";
import { readStoreSettings } from "./config.js";
import { reporter, withStore } from "./store.js";

export const run: Run = async (context, input) => {
  const settings = await readStoreSettings(context, input);
  const progress = reporter(context, (count) => msg("fsck.progress", { count }));
  const { report, stats } = await withStore(context, settings, async (store) => ({
    report: await checkStore(store, { progress }),
    stats: await store.readTables((sql) => readStats(sql, settings.store.kind)),
  }));
  const { ok, items, leaves, count, problems } = report;
  const records = stats.records.reduce((sum, { versions }) => sum + versions, 0);
  const accounts = Object.values(stats.accounts).reduce((sum, number) => sum + number, 0);
  const translate = await context.translator();
  const findings = problems.map(({ code, text }) => ({ code, message: printable(translate(text)) }));
  const unsaid = count - problems.length;
  return {
    value: { ok, store: settings.store.shown, items, leaves, records, accounts, count, findings },
    text: ok
      ? lines(msg("fsck.clean", { leaves, records, accounts }))
      : stack(
          table(
            [msg("heading.code"), msg("heading.finding")],
            problems.map(({ code, text }) => [code, text]),
            msg("label.none"),
          ),
          unsaid > 0 ? lines(msg("fsck.more", { count: unsaid })) : undefined,
          gap,
          lines(msg("fsck.bad", { count })),
        ),
    exit: ok ? 0 : 7,
  };
};
