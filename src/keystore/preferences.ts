import { join } from "node:path";
import type Conf from "conf";
import { isMeshError, MeshError } from "../errors.js";
import { isUdf } from "../mesh/udf-text.js";
import { msg } from "../messages/message.js";
import { fileError, systemCode } from "./durable.js";
import type { Home } from "./home.js";

const NAME = "preferences";
const KEY = "defaultProfile";

type Preferences = Record<string, unknown>;

const corrupt = (path: string, cause?: unknown): MeshError =>
  new MeshError("state-corrupt", msg("keystore.preferences-damaged", { path }), {
    hint: msg("keystore.preferences-damaged.hint"),
    cause,
  });

/** `conf` is slow to load, and most homes have one profile and no preferences. */
const openStore = async (home: Home): Promise<Conf<Preferences>> => {
  const { default: Store } = await import("conf");
  return new Store<Preferences>({
    projectName: "meshman",
    cwd: home.path,
    configName: NAME,
    configFileMode: 0o600,
    clearInvalidConfig: false,
  });
};

const pathOf = (home: Home): string => join(home.path, `${NAME}.json`);

const explain = (home: Home, cause: unknown, verb: "read" | "write"): MeshError =>
  isMeshError(cause) || systemCode(cause) !== undefined
    ? fileError(cause, pathOf(home), verb)
    : corrupt(pathOf(home), cause);

/** UDF of the profile that is used where none is named, if one was chosen. Throws `state-corrupt` or `io-failed`. */
export const readDefaultProfile = async (home: Home): Promise<string | undefined> => {
  try {
    if (!home.deps.fs.stat(pathOf(home))) return undefined;
    const value = (await openStore(home)).get(KEY);
    if (value === undefined || (typeof value === "string" && isUdf(value))) return value;
  } catch (cause) {
    throw explain(home, cause, "read");
  }
  throw corrupt(pathOf(home));
};

/** Chooses the profile that is used where none is named, or none. Throws `state-corrupt` and what `withLock` throws. */
export const writeDefaultProfile = (home: Home, udf: string | undefined): Promise<void> =>
  home.withLock(async () => {
    try {
      const store = await openStore(home);
      if (udf === undefined) store.delete(KEY);
      else store.set(KEY, udf);
    } catch (cause) {
      throw explain(home, cause, "write");
    }
  });
