import { dirname, join, resolve } from "node:path";
import { MeshError } from "../../errors.js";
import { ensureFolder, homePath } from "../../keystore/home.js";
import { withoutNewline } from "../../keystore/key-text.js";
import { msg } from "../../messages/message.js";
import { logKeyFileOf } from "../../portal/log/key-file.js";
import { readPostgresUrl, redactPostgresUrl } from "../../portal/store/postgres-url.js";
import type { StoreOptions } from "../../portal/store/sqlite.js";
import type { Store } from "../../portal/store/store.js";
import type { Context } from "../context.js";
import { readNamedFile, warnShared } from "../input.js";

const MAX_ADDRESS = 64 * 1024;

/** Where a portal keeps everything. */
export interface StorePlace {
  readonly kind: "sqlite" | "postgres";
  /** The path of the file, or the address of the database. The address may hold a password. */
  readonly address: string;
  /** The same as it may be shown to anybody. */
  readonly shown: string;
}

/** An address as it stands in an option or in a file. */
export interface GivenAddress {
  readonly text: string;
  /** What paths in it are relative to. */
  readonly folder: string;
  /** The file that it stands in; undefined where it stands on the command line, which every user of the machine can read. */
  readonly file: string | undefined;
}

/** Names no more of the address than its kind, since a password may stand in it. */
const noStore = (text: string): MeshError =>
  new MeshError("usage", msg("serve.no-store", { store: JSON.stringify(text.slice(0, 64).replace(/:.*$/s, ":...")) }), {
    hint: msg("serve.no-store.hint"),
  });

const postgresPlace = async (context: Context, { text, file }: GivenAddress): Promise<StorePlace> => {
  if (readPostgresUrl(text).password !== undefined) {
    if (file === undefined) {
      throw new MeshError("usage", msg("serve.store-password"), { hint: msg("serve.store-password.hint") });
    }
    await warnShared(context, file);
  }
  return { kind: "postgres", address: text, shown: redactPostgresUrl(text) };
};

/** Reads the address of a store: `sqlite:PATH` or `postgres://...`. Throws `usage`, also for a password on the command line. */
export const readStorePlace = async (context: Context, given: GivenAddress): Promise<StorePlace> => {
  if (/^postgres(ql)?:\/\//.test(given.text)) return postgresPlace(context, given);
  const path = /^sqlite:(.+)$/s.exec(given.text)?.[1];
  if (path === undefined) throw noStore(given.text);
  const address = resolve(given.folder, path);
  return { kind: "sqlite", address, shown: `sqlite:${address}` };
};

/** Reads the file of `--store-file`, which holds the address of a store and nothing else. */
export const readStoreFile = (context: Context, path: string): Promise<StorePlace> => {
  const file = resolve(context.deps.cwd, path);
  // A warning is given where there is a password in it.
  const text = withoutNewline(readNamedFile(context, file, MAX_ADDRESS)).toString("utf8");
  return readStorePlace(context, { text, folder: dirname(file), file });
};

/** The store that is meant where none is named: a file in the home folder. */
export const homeStorePlace = (context: Context): StorePlace => {
  const home = homePath(context.deps, context.globals.home);
  ensureFolder(context.deps, home);
  const address = join(home, "portal.sqlite");
  return { kind: "sqlite", address, shown: `sqlite:${address}` };
};

/** The file with the key of the store's log: beside a SQLite file, where no other is named. Throws `usage`. */
export const logKeyPathOf = (context: Context, { kind, address }: StorePlace, path: string | undefined): string => {
  if (path !== undefined) return resolve(context.deps.cwd, path);
  if (kind === "sqlite") return logKeyFileOf(address);
  throw new MeshError("usage", msg("serve.log-key-needed"), { hint: msg("serve.log-key-needed.hint") });
};

/** Opens a store wherever it is. Throws what the store throws. */
export const openStorePlace = async ({ kind, address }: StorePlace, options: StoreOptions): Promise<Store> => {
  if (kind === "sqlite") return (await import("../../portal/store/sqlite.js")).openSqliteStore(address, options);
  return (await import("../../portal/store/postgres.js")).openPostgresStore(address, options);
};
