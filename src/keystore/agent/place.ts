import { posix, win32 } from "node:path";
import * as v from "valibot";
import type { Deps, FileStat } from "../../deps.js";
import { MeshError } from "../../errors.js";
import { encodeBase64url, sha256, utf8 } from "../../mesh/bytes.js";
import { msg } from "../../messages/message.js";
import { discard, fileError, systemCode } from "../durable.js";
import type { Home } from "../home.js";
import { octetsSchema } from "../stored.js";
import { parseLine, TOKEN_OCTETS } from "./protocol.js";

// An agent is found by a file that names its socket and holds its token. The socket has a name of its own, so that a new
// agent takes over from an old one by one rename of that file: at any moment it names a socket and the token that goes with it.

/** Where the agent of a keystore is found. */
export interface Place {
  /** The private folder of the file and the sockets; undefined on Windows, where the file is in the home. */
  readonly folder: string | undefined;
  readonly file: string;
  /** What the names of its sockets begin with. */
  readonly prefix: string;
}

/** What the file says. */
export interface Endpoint {
  readonly socket: string;
  readonly token: Buffer;
}

/** The error for something that is not this user's, or that others may use: nobody talks to it. */
const foreign = (path: string): MeshError =>
  new MeshError("keystore-permissions", msg("keystore.agent-foreign", { path }), {
    hint: msg("keystore.agent-foreign.hint"),
  });

/** Paths of sockets have room for 108 octets on Linux and 104 on macOS, one of them for the end. */
const SOCKET_PATH_LIMIT = 103;
const FILE_LIMIT = 512;
/** Octets of the hash in names. Two keystores of one user do not meet by chance. */
const HASH_OCTETS = 10;

const EndpointSchema = v.strictObject({
  socket: v.pipe(v.string(), v.regex(/^[0-9a-f]{20}-[0-9a-f]{8}(\.sock)?$/)),
  token: octetsSchema(TOKEN_OCTETS),
});

/** The folder for an agent's file and socket where the system keeps none for what runs. */
const temporaryPlace = ({ temporaryFolder, uid = 0 }: Deps): string => posix.join(temporaryFolder, `meshman-${uid}`);

/** True for a folder of this user. After `sudo -E` it is somebody else's, who could not use a folder in it any more. */
const isOwnFolder = ({ fs, uid = 0 }: Deps, path: string): boolean => {
  try {
    const stat = posix.isAbsolute(path) ? fs.stat(path) : undefined;
    return stat?.isDirectory === true && stat.owner === uid;
  } catch {
    // One that cannot be looked at cannot be used either.
    return false;
  }
};

/** The folder for an agent's file and socket: in the one that the system keeps for what runs, else a temporary one. */
const runtimeFolder = (deps: Deps): string => {
  const folder = deps.env["XDG_RUNTIME_DIR"] ?? "";
  return isOwnFolder(deps, folder) ? posix.join(folder, "meshman") : temporaryPlace(deps);
};

/** Where the agent of a keystore is, or would be. The same for every process of a user with the same environment. */
export const placeOf = ({ path, deps }: Home, id: string): Place => {
  const prefix = sha256(utf8(JSON.stringify(["meshman/agent", path, id]))).toString("hex", 0, HASH_OCTETS);
  if (deps.platform === "win32") return { folder: undefined, file: win32.join(path, "agent"), prefix };
  const folder = runtimeFolder(deps);
  return { folder, file: posix.join(folder, prefix), prefix };
};

/**
 * Where an agent may be that was started in another environment too: what locks a keystore may run in none, as timers do, or what
 * unlocked it did. The place of this environment is the first.
 */
export const placesOf = (home: Home, id: string): readonly Place[] => {
  const { deps } = home;
  const place = placeOf(home, id);
  if (place.folder === undefined) return [place];
  const login = `/run/user/${deps.uid ?? 0}`;
  const logins = deps.platform === "linux" && isOwnFolder(deps, login) ? [posix.join(login, "meshman")] : [];
  const folders = new Set([place.folder, ...logins, temporaryPlace(deps)]);
  return [...folders].map((folder) => ({ ...place, folder, file: posix.join(folder, place.prefix) }));
};

/** Path of a socket by its name in the file. */
export const socketPath = ({ folder }: Place, name: string): string =>
  folder === undefined ? `\\\\.\\pipe\\meshman-${name}` : posix.join(folder, name);

/** A name for a new socket. Throws `agent-unavailable` where the system would not take its path. */
export const newSocketName = ({ deps }: Home, place: Place): string => {
  const name = `${place.prefix}-${deps.random(4).toString("hex")}${place.folder === undefined ? "" : ".sock"}`;
  checkSocketPath(socketPath(place, name));
  return name;
};

/** Throws `agent-unavailable` for a path that the system would not take for a socket. */
export const checkSocketPath = (path: string): void => {
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return;
  throw new MeshError("agent-unavailable", msg("keystore.agent-path-long", { path }), {
    hint: msg("keystore.agent-path-long.hint"),
  });
};

const isPrivate = ({ uid }: Deps, stat: FileStat, kind: "isDirectory" | "isFile", mode: number): boolean =>
  stat[kind] && stat.owner === uid && (stat.mode & 0o777) === mode;

/** True where the folder is there. Throws `keystore-permissions` where it is not this user's, or others may enter it. */
const hasFolder = (deps: Deps, folder: string): boolean => {
  const stat = deps.fs.lstat(folder);
  if (stat && !isPrivate(deps, stat, "isDirectory", 0o700)) throw foreign(folder);
  return stat !== undefined;
};

/** Makes the folder where there is none. Throws `keystore-permissions`, `read-only` or `io-failed`. */
export const makePlace = ({ deps }: Home, { folder }: Place): void => {
  if (folder === undefined) return;
  try {
    if (!deps.fs.lstat(folder)) deps.fs.mkdir(folder, 0o700);
    hasFolder(deps, folder);
  } catch (cause) {
    throw fileError(cause, folder, "write");
  }
};

/** The text of a place's file; undefined where there is none. Throws `keystore-permissions` or `io-failed`. */
export const readPlace = ({ deps }: Home, { folder, file }: Place): string | undefined => {
  const { fs, platform } = deps;
  try {
    if (folder !== undefined && !hasFolder(deps, folder)) return undefined;
    const stat = fs.lstat(file);
    if (!stat) return undefined;
    if (platform !== "win32" && !isPrivate(deps, stat, "isFile", 0o600)) throw foreign(file);
    const octets = fs.readFile(file, FILE_LIMIT);
    const text = octets.toString("utf8");
    octets.fill(0);
    return text;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileError(error, file, "read");
  }
};

/** What the text of a place's file says, or undefined where an agent did not write it. */
export const endpointIn = ({ prefix }: Place, text: string): Endpoint | undefined => {
  const found = parseLine(EndpointSchema, text);
  if (!found?.socket.startsWith(`${prefix}-`)) return undefined;
  return { socket: found.socket, token: Buffer.from(found.token, "base64url") };
};

/** The text of a place's file for an agent. */
export const placeText = ({ socket, token }: Endpoint): string =>
  `${JSON.stringify({ socket, token: encodeBase64url(token) })}\n`;

/** True where the socket is there; throws `keystore-permissions` where it is somebody else's. A named pipe shows when it is opened. */
export const hasSocket = ({ deps }: Home, place: Place, name: string): boolean => {
  if (place.folder === undefined) return true;
  const path = socketPath(place, name);
  const stat = deps.fs.lstat(path);
  if (stat && !(stat.isSocket && stat.owner === deps.uid)) throw foreign(path);
  return stat !== undefined;
};

/** Removes a place's file where it still holds this text, and the socket. Whatever cannot be removed stays. */
export const clearPlace = (home: Home, place: Place, text: string, socket: string | undefined): void => {
  const { fs } = home.deps;
  if (socket !== undefined && place.folder !== undefined) discard(fs, socketPath(place, socket));
  try {
    if (readPlace(home, place) === text) discard(fs, place.file);
  } catch {
    // Somebody else's now.
  }
};
