import { isMeshError, MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { checkStore } from "../../portal/fsck.js";
import { checkDump, clearTables, loadTables, type DumpHeader } from "../../portal/store/dump.js";
import { RESTORING } from "../../portal/store/options.js";
import type { Sql } from "../../portal/store/sql.js";
import type { LogSigner, Store } from "../../portal/store/store.js";
import type { Context, Run } from "../context.js";
import { statNamed } from "../files.js";
import { readInPieces } from "../input.js";
import { fields } from "../output.js";
import { readStoreSettings, type StoreSettings } from "./config.js";
import { headFields, headValue } from "./head.js";
import { createSigner, reporter, withStore } from "./store.js";

/** So many things that are wrong with a backup are shown. */
const SHOWN = 20;

export const run: Run = async (context, input) => {
  const newLog = input.flag("newLog");
  // A log that goes on from an older head than it has signed is a fork, of which everybody can convict the portal.
  if (newLog === input.flag("latest")) {
    throw new MeshError("usage", msg("restore.choose"), { hint: msg("restore.choose.hint") });
  }
  const settings = await readStoreSettings(context, input);
  const path = input.argument(0) ?? "";
  const pieces = (): AsyncIterable<Buffer> => readInPieces(context, path);
  await context.note(msg("restore.reads"));
  const found = await checkDump(
    pieces(),
    reporter(context, (count) => msg("store-backup.progress", { count })),
  );
  const begunWith = await findMark(context, settings);
  const signer = newLog ? await newSigner(context, settings, found, begunWith) : undefined;
  const verifierOfNew = signer?.verifier ?? "";
  const { head, verifier } = await withStore(
    context,
    settings,
    async (store) => {
      await store.writeTables((sql) => mark(sql, settings, verifierOfNew));
      await context.note(msg("restore.loads"));
      const progress = reporter(context, (count) => msg("store-backup.progress", { count }));
      return store.writeTables(async (sql) => {
        // Somebody else may have restored another backup meanwhile.
        await mark(sql, settings, verifierOfNew);
        await clearTables(sql);
        const at = context.deps.now().getTime();
        return loadTables(sql, pieces(), { progress, newLog: signer && { signer, at } });
      });
    },
    { create: true, restoring: true },
  );
  await context.note(msg("restore.checks"));
  await withStore(context, settings, (store) => finish(context, store), { restoring: true });
  return {
    value: { store: settings.store.shown, log: headValue(head), logKey: verifier, newLog },
    text: fields([[msg("label.store"), settings.store.shown], ...headFields(head), [msg("label.log-key"), verifier]]),
    note: newLog ? msg("restore.new-log", { file: settings.logKeyFile() }) : msg("restore.latest"),
  };
};

/** The key of the new log, in a file of its own. One that is there is taken only where an unfinished restoring has made it. */
const newSigner = async (
  context: Context,
  settings: StoreSettings,
  { head }: DumpHeader,
  begunWith: string | undefined,
): Promise<LogSigner> => {
  const file = settings.logKeyFile();
  if (settings.logOrigin === head.origin) {
    throw new MeshError("usage", msg("restore.origin-same", { origin: head.origin }), {
      hint: msg("restore.origin-same.hint"),
    });
  }
  const isThere = statNamed(context, file) !== undefined;
  if (isThere && begunWith === undefined) throw keyThere(file);
  const signer = await createSigner(context, settings);
  if (isThere && begunWith !== signer.verifier) throw keyThere(file);
  return signer;
};

const keyThere = (file: string): MeshError =>
  new MeshError("file-exists", msg("restore.key-there", { file }), { hint: msg("restore.key-there.hint") });

/** The mark of a restoring that was begun and not finished: the key of its new log, if it has one. Throws `refused` where a store is in use. */
const readMark = async (sql: Sql, { store }: StoreSettings): Promise<string | undefined> => {
  const mark = (await sql.get("SELECT value FROM meta WHERE name = ?", RESTORING)) as { value: string } | undefined;
  if (mark) return mark.value;
  const head = (await sql.get("SELECT size FROM head")) as { size: number } | undefined;
  const item = await sql.get("SELECT tid FROM log LIMIT 1");
  if (item === undefined && (head?.size ?? 0) === 0) return undefined;
  throw new MeshError("refused", msg("restore.not-empty", { store: store.shown }), {
    hint: msg("restore.not-empty.hint"),
  });
};

/** The same of a store that may not be there. */
const findMark = async (context: Context, settings: StoreSettings): Promise<string | undefined> => {
  const read = (store: Store) => store.readTables((sql) => readMark(sql, settings));
  try {
    return await withStore(context, settings, read, { restoring: true });
  } catch (error) {
    if (isMeshError(error, "store-not-found")) return undefined;
    throw error;
  }
};

/** Marks the store before anything else, so that nobody serves what a killed process leaves. */
const mark = async (sql: Sql, settings: StoreSettings, verifier: string): Promise<void> => {
  await readMark(sql, settings);
  await sql.run(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    RESTORING,
    verifier,
  );
};

/** Verifies the whole store against its log, and lets it be served. */
const finish = async (context: Context, store: Store): Promise<void> => {
  const report = await checkStore(store, {
    progress: reporter(context, (count) => msg("fsck.progress", { count })),
    limit: SHOWN,
  });
  for (const { text } of report.problems) await context.note(text);
  if (!report.ok) throw new MeshError("backup-invalid", msg("restore.wrong"), { hint: msg("restore.wrong.hint") });
  await store.writeTables((sql) => sql.run("DELETE FROM meta WHERE name = ?", RESTORING));
};
