import { AsyncLocalStorage } from "node:async_hooks";
import { dirname, join, posix, win32 } from "node:path";
import type { Deps, FileStat, FileSystem } from "../deps.js";
import { isMeshError, MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { discard, fileError, isTemporaryName, refuseShared, systemCode, writeDurably } from "./durable.js";

/** The folder that holds everything of one user: keystore, pins, profiles, preferences. */
export interface Home {
  readonly path: string;
  readonly deps: Deps;
  /**
   * Runs `work` while no other process changes this home. Makes the folder where there is none. A call inside `work`
   * joins the lock that is held. Throws `busy` where the lock is not free for 30 seconds or is lost before `work` ends,
   * `keystore-permissions`, `read-only`, `io-failed`, `interrupted`, and what `work` throws.
   */
  withLock<T>(work: () => T | Promise<T>): Promise<T>;
  /** Replaces a file of this home durably. Only inside `withLock`; throws `busy` where the lock has been lost. */
  write(path: string, data: Uint8Array): void;
  /** Removes a file of this home, if there is one, durably. Only inside `withLock`. */
  remove(path: string): void;
}

/** A lock held by this process. `owner` is the file that another process removes when it takes the lock over. */
interface Hold {
  readonly owner: string;
  state: "held" | "lost" | "released";
}

const LOCK = ".lock";
const OWNER = /^\.owner-[0-9a-f]{16}$/;
/** Subfolder of the home with one file per profile. */
export const PROFILES = "profiles";
/** Subfolder of the home with one folder per profile, in which its applications are. */
export const APPLICATIONS = "applications";

/** A lock whose holder has shown no sign of life for so long is taken over. All in milliseconds. */
const STALE = 10_000;
const HEARTBEAT = 2_000;
const LOCK_WAIT = 30_000;
const PAUSE = 15;

/** The locks held by the running chain of calls, by path of the home. */
const holds = new AsyncLocalStorage<ReadonlyMap<string, Hold>>();

const busy = (path: string, cause?: unknown): MeshError =>
  new MeshError("busy", msg("keystore.home-busy", { path }), {
    hint: msg("keystore.home-busy.hint"),
    cause,
  });

const pathsOf = (platform: string) => (platform === "win32" ? win32 : posix);

const configFolder = (deps: Deps): string => {
  const { env, platform } = deps;
  const paths = pathsOf(platform);
  const [variable, ...folders] = platform === "win32" ? ["APPDATA"] : platformFolders(platform);
  const xdg = env["XDG_CONFIG_HOME"] ?? "";
  if (platform !== "win32" && platform !== "darwin" && paths.isAbsolute(xdg)) return paths.join(xdg, "meshman");
  const base = env[variable] ?? "";
  if (paths.isAbsolute(base)) return paths.join(base, ...folders, "meshman");
  throw new MeshError("no-home", msg("keystore.no-home", { variable }), { hint: msg("keystore.no-home.hint") });
};

const platformFolders = (platform: string): [string, ...string[]] =>
  platform === "darwin" ? ["HOME", "Library", "Application Support"] : ["HOME", ".config"];

/**
 * Path of the home folder: `explicit`, else MESHMAN_HOME, else `meshman` in the config folder of the operating system.
 * A relative path is resolved against the working folder. Throws `no-home`.
 */
export const homePath = (deps: Deps, explicit?: string): string => {
  const named = explicit ?? (deps.env["MESHMAN_HOME"] === "" ? undefined : deps.env["MESHMAN_HOME"]);
  if (named === "") throw new MeshError("usage", msg("keystore.home-empty"));
  if (named === undefined) return configFolder(deps);
  return pathsOf(deps.platform).resolve(deps.cwd, named);
};

const statOf = (deps: Deps, path: string): FileStat | undefined => {
  try {
    return deps.fs.stat(path);
  } catch (cause) {
    throw fileError(cause, path, "read");
  }
};

/** Refuses a home that other users may enter, or that is no folder. Throws `keystore-permissions`, `no-home` or `io-failed`. */
export const checkFolder = (deps: Deps, path: string): void => {
  const stat = statOf(deps, path);
  if (!stat) return;
  if (!stat.isDirectory) {
    throw new MeshError("no-home", msg("keystore.not-a-folder", { path }), { hint: msg("keystore.no-home.hint") });
  }
  refuseShared(stat.mode, path, "folder", deps.platform);
};

/** Throws `no-home` where something in a home could not be read because the home itself is no folder. */
export const refuseNoFolder = ({ deps, path }: Home, cause: unknown): void => {
  if (systemCode(cause) === "ENOTDIR") checkFolder(deps, path);
};

/** True where a home has files of profiles, whatever is in them. */
export const hasProfiles = ({ deps: { fs }, path }: Home): boolean => {
  const folder = join(path, PROFILES);
  return fs.stat(folder)?.isDirectory === true && fs.list(folder).length > 0;
};

/** Makes the entry of a folder in its parent survive a power cut. */
export const syncEntry = (deps: Deps, path: string): void => {
  try {
    deps.fs.fsyncDirectory(dirname(path));
  } catch (cause) {
    // A parent that we may enter but not read is somebody else's, who made the folder for us.
    if (systemCode(cause) !== "EACCES" && systemCode(cause) !== "EPERM") throw fileError(cause, path, "write");
  }
};

/** Makes a private folder and its parents, durably, where there is none. Throws `read-only` or `io-failed`. */
export const makeFolder = (deps: Deps, path: string): void => {
  const missing: string[] = [];
  for (let folder = path; !statOf(deps, folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.push(folder);
  }
  try {
    if (missing.length > 0) deps.fs.mkdir(path, 0o700);
  } catch (cause) {
    throw fileError(cause, path, "write");
  }
  for (const folder of missing) syncEntry(deps, folder);
};

/** The same; an existing folder is checked. */
export const ensureFolder = (deps: Deps, path: string): void => {
  makeFolder(deps, path);
  checkFolder(deps, path);
};

/** Takes the inter-process lock, waiting for its holder. */
const acquire = async (home: string, deps: Deps, onLost: () => void): Promise<void> => {
  const { lock, lockFiles } = await import("./lockfile.js");
  for (let waited = 0; ;) {
    try {
      await lock(home, {
        lockfilePath: join(home, LOCK),
        realpath: false,
        fs: lockFiles,
        stale: STALE,
        update: HEARTBEAT,
        onCompromised: onLost,
      });
      return;
    } catch (cause) {
      // ENOENT: the lock was taken over between its making and the first look at it.
      const contended = systemCode(cause) === "ELOCKED" || (systemCode(cause) === "ENOENT" && statOf(deps, home));
      if (!contended) throw fileError(cause, home, "lock");
      if (waited >= LOCK_WAIT) throw busy(home, cause);
    }
    const pause = PAUSE + (deps.random(1)[0] ?? 0) / 4;
    waited += pause;
    await deps.sleep(pause).catch((cause: unknown) => {
      throw new MeshError("interrupted", msg("keystore.wait-interrupted"), { cause });
    });
  }
};

/** Lets go of the lock. One that is no longer ours is only forgotten, for the folder on the disk is the new owner's. */
const release = async (home: string, ours: boolean): Promise<void> => {
  const { unlock } = await import("./lockfile.js");
  try {
    await unlock(home, { lockfilePath: join(home, ours ? LOCK : `${LOCK}-of-nobody`), realpath: false });
  } catch {
    // A lock that cannot be released becomes stale; the work itself is done.
  }
};

/** The folders of the profiles below that of the applications. Throws the system's error. */
const applicationFolders = (fs: FileSystem, home: string): string[] => {
  const folder = join(home, APPLICATIONS);
  if (fs.stat(folder)?.isDirectory !== true) return [];
  return fs
    .list(folder)
    .map((name) => join(folder, name))
    .filter((path) => fs.stat(path)?.isDirectory === true);
};

const removeIfThere = (fs: FileSystem, path: string): void => {
  try {
    fs.unlink(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
};

/**
 * Makes this process the only owner. The lock alone does not suffice: a process that slept past the stale time still
 * believes that it holds the lock. So a writer looks for its owner file after making its temporary file and right before
 * the rename; and a new owner removes first the other owner files, then the temporary files, and only then reads. Either
 * the late rename comes before the new owner reads, or it fails.
 */
const claim = (home: string, deps: Deps, owner: string): void => {
  const { fs } = deps;
  try {
    fs.close(fs.create(owner, 0o600));
    for (const name of fs.list(home)) {
      const path = join(home, name);
      if (OWNER.test(name) && path !== owner) removeIfThere(fs, path);
    }
    for (const folder of [home, join(home, PROFILES), ...applicationFolders(fs, home)]) {
      if (!fs.stat(folder)) continue;
      for (const name of fs.list(folder)) if (isTemporaryName(name)) removeIfThere(fs, join(folder, name));
    }
  } catch (cause) {
    discard(fs, owner);
    throw fileError(cause, home, "lock");
  }
};

/** What processes that died have left in a home, and whether one is at work in it now. */
export interface Leftovers {
  readonly isBusy: boolean;
  /** Names of files and folders, relative to the home. The next holder of the lock removes them. */
  readonly names: readonly string[];
}

/** Looks for what processes have left in a home. Writes nothing. Throws `io-failed`. */
export const findLeftovers = ({ path, deps }: Home): Leftovers => {
  const { fs } = deps;
  const namesIn = (folder: string): string[] => {
    try {
      return fs.stat(folder)?.isDirectory === true ? fs.list(folder) : [];
    } catch (cause) {
      throw fileError(cause, folder, "read");
    }
  };
  const lock = statOf(deps, join(path, LOCK));
  const isBusy = lock !== undefined && Math.abs(deps.now().getTime() - lock.modified) <= STALE;
  if (isBusy) return { isBusy, names: [] };
  const own = namesIn(path).filter((name) => name === LOCK || OWNER.test(name) || isTemporaryName(name));
  const inner = [PROFILES, ...namesIn(join(path, APPLICATIONS)).map((name) => join(APPLICATIONS, name))];
  const others = inner.flatMap((folder) =>
    namesIn(join(path, folder))
      .filter(isTemporaryName)
      .map((name) => join(folder, name)),
  );
  return { isBusy, names: [...own, ...others] };
};

/** The home folder at the explicit or usual place. Nothing is made or written before `withLock`. Throws `no-home`. */
export const openHome = (deps: Deps, explicit?: string): Home => {
  const path = homePath(deps, explicit);
  const { fs } = deps;

  const assertHeld = (): void => {
    const hold = holds.getStore()?.get(path);
    if (!hold || hold.state === "released") throw new MeshError("internal", msg("keystore.lock-missing"));
    if (hold.state === "lost" || !statOf(deps, hold.owner)) throw busy(path);
  };

  const owns = (hold: Hold): boolean => {
    try {
      return hold.state === "held" && fs.stat(hold.owner) !== undefined;
    } catch {
      return false;
    }
  };

  const take = async (): Promise<Hold> => {
    ensureFolder(deps, path);
    const held: Hold = { owner: join(path, `.owner-${deps.random(8).toString("hex")}`), state: "held" };
    await acquire(path, deps, () => (held.state = "lost"));
    try {
      claim(path, deps, held.owner);
    } catch (error) {
      await release(path, held.state === "held");
      throw error;
    }
    return held;
  };

  const hold = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const held = await take();
    try {
      return await holds.run(new Map([...(holds.getStore() ?? []), [path, held]]), async () => {
        const result = await work();
        assertHeld();
        return result;
      });
    } finally {
      const ours = owns(held);
      held.state = ours ? "released" : "lost";
      discard(fs, held.owner);
      await release(path, ours);
    }
  };

  return {
    path,
    deps,
    withLock: async (work) => {
      const outer = holds.getStore()?.get(path);
      if (outer?.state === "lost") throw busy(path);
      return outer?.state === "held" ? await work() : await hold(work);
    },
    write: (file, data) => {
      assertHeld();
      try {
        writeDurably(fs, file, data, (length) => deps.random(length), assertHeld);
      } catch (error) {
        // A new owner has removed our temporary file: that is why the rename failed.
        assertHeld();
        const vanished = isMeshError(error) && systemCode(error.cause) === "ENOENT" && statOf(deps, dirname(file));
        throw vanished ? busy(path, error) : error;
      }
    },
    remove: (file) => {
      assertHeld();
      try {
        if (!fs.stat(file)) return;
        fs.unlink(file);
        fs.fsyncDirectory(dirname(file));
      } catch (cause) {
        throw fileError(cause, file, "write");
      }
    },
  };
};
