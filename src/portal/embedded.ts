import * as fs from "node:fs";
import * as path from "node:path";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { logKeyFileOf, openWithLogKey } from "./log/key-file.js";
import { createPortal, type Portal } from "./portal.js";
import { openSqliteStore } from "./store/sqlite.js";

export interface EmbeddedDeps {
  now(): Date;
  random(length: number): Uint8Array;
}

/**
 * Opens the portal that lives in one SQLite file, for the processes of one machine. The folder (0700), the file and that with the key
 * of its log beside it (0600) are made where they are missing, and a store of an older version is brought up to date. Its authority is
 * `<id>.invalid`, with the random id of the store, so that no request signed for it means anything elsewhere. Throws `state-corrupt`,
 * `not-supported`, `log-key-missing`, `keystore-permissions`, `busy`, `read-only` or `io-failed`.
 */
export const openEmbeddedPortal = async (file: string, deps: EmbeddedDeps): Promise<Portal> => {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new MeshError("io-failed", msg("portal.folder-failed", { file: JSON.stringify(file) }), {
      hint: msg("portal.folder-failed.hint"),
      cause,
    });
  }
  const random = (length: number): Uint8Array => deps.random(length);
  const store = await openWithLogKey(logKeyFileOf(file), { random }, (signer, create) =>
    openSqliteStore(file, { random, signer, create, migrate: true }),
  );
  return createPortal({
    store,
    domains: [],
    authorities: [`${store.id}.invalid`],
    now: () => deps.now(),
    random,
    rateLimit: "none",
  });
};
