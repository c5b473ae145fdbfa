import { join } from "node:path";
import type { Deps } from "../../deps.js";
import { isMeshError } from "../../errors.js";
import { discard, fileError, refuseShared } from "../../keystore/durable.js";
import { APPLICATIONS, checkFolder, findLeftovers, PROFILES, type Home } from "../../keystore/home.js";
import { msg } from "../../messages/message.js";
import { FOLDER as EVIDENCE } from "../evidence.js";
import { failed, ok, problem, warning, type Finding } from "./finding.js";

/** The oldest Node that the program runs on. */
const NODE = { major: 20, minor: 19 };

export const checkNode = ({ nodeVersion }: Deps): Finding => {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const isEnough = major > NODE.major || (major === NODE.major && minor >= NODE.minor);
  if (isEnough) return ok("node", msg("doctor.node", { version: nodeVersion }));
  const needed = `${NODE.major}.${NODE.minor}`;
  return problem(
    "node",
    msg("doctor.node-old", { version: nodeVersion, needed }),
    msg("doctor.node-old.mend", { needed }),
  );
};

/** The home folder, what stands in it, and whether it can be written to. */
export const checkHome = (home: Home): Finding[] => {
  const { deps, path } = home;
  try {
    if (!deps.fs.stat(path)) return [ok("home", msg("doctor.home-none", { path }))];
  } catch (cause) {
    return [failed("home", fileError(cause, path, "read"))];
  }
  return [checkFolderItself(home), ...checkModes(home), checkLeftovers(home), ...checkEvidence(home)];
};

const checkFolderItself = ({ deps, path }: Home): Finding => {
  try {
    checkFolder(deps, path);
    const owner = deps.fs.stat(path)?.owner;
    if (deps.uid !== undefined && owner !== deps.uid) return warning("home", msg("doctor.home-foreign", { path }));
    tryToWrite(deps, path);
    return ok("home", msg("doctor.home", { path }));
  } catch (error) {
    if (!isMeshError(error, "read-only")) return failed("home", error);
    return warning("home", msg("doctor.home-read-only", { path }), error.hint);
  }
};

/** Makes a file and removes it. It has a name by which the next holder of the lock removes it, should the process die. */
const tryToWrite = ({ fs, random }: Deps, folder: string): void => {
  const path = join(folder, `.doctor.${random(8).toString("hex")}.tmp`);
  try {
    const fd = fs.create(path, 0o600);
    try {
      fs.write(fd, Buffer.from("\n"));
    } finally {
      fs.close(fd);
    }
  } catch (cause) {
    throw fileError(cause, folder, "write");
  } finally {
    discard(fs, path);
  }
};

/** Files that the program refuses where others may use them, and those that it only prefers to be private. */
const PRIVATE = /^(keystore\.json|keystore\.key|pins\.json|checkpoints\.json)$/;
const PREFERABLY_PRIVATE = /^(preferences\.json|local-portal\.sqlite(-wal|-shm)?)$/;

const checkModes = ({ deps, path }: Home): Finding[] => {
  const { fs, platform } = deps;
  const shared = (file: string, kind: "file" | "folder", status: "warning" | "problem"): Finding[] => {
    try {
      const stat = fs.stat(file);
      if (stat) refuseShared(stat.mode, file, kind, platform);
      return [];
    } catch (error) {
      return [failed("permissions", fileError(error, file, "read"), status)];
    }
  };
  const namesIn = (folder: string): string[] => (fs.stat(folder)?.isDirectory === true ? fs.list(folder) : []);
  const profiles = join(path, PROFILES);
  try {
    const found = [
      ...namesIn(path).flatMap((name) => [
        ...(PRIVATE.test(name) ? shared(join(path, name), "file", "problem") : []),
        ...(PREFERABLY_PRIVATE.test(name) ? shared(join(path, name), "file", "warning") : []),
      ]),
      ...shared(profiles, "folder", "problem"),
      ...namesIn(profiles)
        .filter((name) => name.endsWith(".json"))
        .flatMap((name) => shared(join(profiles, name), "file", "problem")),
      ...shared(join(path, APPLICATIONS), "folder", "problem"),
      ...namesIn(join(path, APPLICATIONS)).flatMap((profile) => {
        const folder = join(path, APPLICATIONS, profile);
        const files = namesIn(folder).filter((name) => /\.(state|queue|segment)$/.test(name));
        return [
          ...shared(folder, "folder", "problem"),
          ...files.flatMap((name) => shared(join(folder, name), "file", "problem")),
        ];
      }),
    ];
    return found.length > 0 ? found : [ok("permissions", msg("doctor.permissions"))];
  } catch (cause) {
    return [failed("permissions", fileError(cause, path, "read"))];
  }
};

/** What is kept against portals: it stays a warning until somebody has put the files away. */
const checkEvidence = ({ deps, path }: Home): Finding[] => {
  const folder = join(path, EVIDENCE);
  try {
    if (deps.fs.stat(folder)?.isDirectory !== true) return [];
    // Their names begin with the time.
    const names = deps.fs
      .list(folder)
      .filter((name) => /^\d.*\.json$/.test(name))
      .sort();
    const newest = names.at(-1);
    if (newest === undefined) return [];
    const message = msg("doctor.evidence", { path: folder, count: names.length });
    return [warning("evidence", message, msg("doctor.evidence.mend", { file: join(folder, newest) }))];
  } catch (cause) {
    return [failed("evidence", fileError(cause, folder, "read"))];
  }
};

const checkLeftovers = (home: Home): Finding => {
  try {
    const { isBusy, names } = findLeftovers(home);
    if (isBusy) return ok("leftovers", msg("doctor.busy"));
    if (names.length === 0) return ok("leftovers", msg("doctor.no-leftovers"));
    return warning("leftovers", msg("doctor.leftovers", { names: names.join(", ") }), msg("doctor.leftovers.mend"));
  } catch (error) {
    return failed("leftovers", error);
  }
};
