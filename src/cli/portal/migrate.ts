import { isMeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { SCHEMA_VERSION } from "../../portal/store/schema.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";
import { readStoreSettings } from "./config.js";
import { createSigner, withStore } from "./store.js";

export const run: Run = async (context, input) => {
  const settings = await readStoreSettings(context, input);
  const { shown: store } = settings.store;
  const current = {
    value: { store, version: SCHEMA_VERSION, migrated: [] },
    text: lines(msg("migrate.current", { store, version: SCHEMA_VERSION })),
  };
  try {
    // Whoever only looks needs no key of the log.
    await withStore(context, settings, () => Promise.resolve());
    return current;
  } catch (error) {
    if (!isMeshError(error, "store-version") || input.flag("check")) throw error;
  }
  await context.note(msg("migrate.begins", { store }));
  const migrated: { readonly from: number; readonly to: number }[] = [];
  // A store of the first version has no log yet, and its key is made here.
  const signer = await createSigner(context, settings);
  await withStore(context, settings, () => Promise.resolve(), {
    signer,
    migrate: true,
    onMigrate: (from, to) => migrated.push({ from, to }),
  });
  // Another process may have been faster.
  if (migrated.length === 0) return current;
  return {
    value: { store, version: SCHEMA_VERSION, migrated },
    text: lines(...migrated.map(({ from, to }) => msg("migrate.done", { store, from, to }))),
    note: msg("migrate.advice", { file: settings.logKeyFile() }),
  };
};
