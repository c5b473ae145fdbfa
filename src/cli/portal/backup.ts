import { resolve } from "node:path";
import { msg } from "../../messages/message.js";
import { dumpTables } from "../../portal/store/dump.js";
import type { Context, Input, Run } from "../context.js";
import { newFilePath, writeNewFileInPieces } from "../files.js";
import { fields } from "../output.js";
import { readStoreSettings } from "./config.js";
import { headFields, headValue } from "./head.js";
import { reporter, withStore } from "./store.js";

export const run: Run = async (context: Context, input: Input) => {
  const settings = await readStoreSettings(context, input);
  const path = input.argument(0) ?? "";
  // Said before anything is read, since that takes its time.
  newFilePath(context, path);
  const progress = reporter(context, (count) => msg("store-backup.progress", { count }));
  const { head } = await withStore(context, settings, (store) =>
    writeNewFileInPieces(context, path, (write) =>
      store.readTables((sql) => dumpTables(sql, context.deps.now(), write, progress)),
    ),
  );
  const file = resolve(context.deps.cwd, path);
  return {
    value: { file, store: settings.store.shown, log: headValue(head) },
    text: fields([[msg("label.file"), file], [msg("label.store"), settings.store.shown], ...headFields(head)]),
    note: msg("store-backup.no-key"),
  };
};
