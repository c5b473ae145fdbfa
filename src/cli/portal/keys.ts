import { isMeshError } from "../../errors.js";
import { parseVerifierKey } from "../../mesh/log/note.js";
import { msg } from "../../messages/message.js";
import { readLogKey, rotateLogKey } from "../../portal/log/key-file.js";
import type { Store } from "../../portal/store/store.js";
import type { Run } from "../context.js";
import { fields } from "../output.js";
import { readStoreSettings } from "./config.js";
import { openSigner, withStore } from "./store.js";

/** The verifier keys of a log, the oldest first. */
const keysOf = async (store: Store): Promise<readonly string[]> =>
  (await store.read((tx) => tx.logKeys())).map(({ verifier }) => verifier);

/** True where a file holds a key. That there is none is something to be told, and no reason to tell nothing else. */
const holds = (file: string, verifier: string): boolean => {
  try {
    return readLogKey(file).signerFor(verifier) !== undefined;
  } catch (error) {
    if (isMeshError(error, "log-key-missing")) return false;
    throw error;
  }
};

export const run: Run = async (context, input) => {
  const settings = await readStoreSettings(context, input);
  const file = settings.logKeyFile();
  const rotates = input.flag("rotate");
  const { random, now } = context.deps;
  let keys: readonly string[];
  if (rotates) {
    const signer = await openSigner(context, settings);
    const rotate = async (store: Store): Promise<readonly string[]> => {
      await rotateLogKey(store, signer, { random, now: now().getTime() });
      return keysOf(store);
    };
    keys = await withStore(context, settings, rotate, { signer });
  } else {
    keys = await withStore(context, settings, keysOf);
  }
  const key = keys.at(-1) ?? "";
  const value = {
    store: settings.store.shown,
    log: parseVerifierKey(key)?.name ?? "",
    key,
    earlier: keys.slice(0, -1),
    keyFile: file,
    held: holds(file, key),
    rotated: rotates,
  };
  return {
    value,
    text: fields([
      [msg("label.store"), value.store],
      [msg("label.log"), value.log],
      [msg("label.log-key"), key],
      [msg("label.key-file"), file],
      ...value.earlier.map((earlier) => [msg("label.earlier-key"), earlier] as const),
    ]),
    ...(!value.held ? { note: msg("keys.lost", { file }) } : rotates ? { note: msg("keys.copy", { file }) } : {}),
  };
};
