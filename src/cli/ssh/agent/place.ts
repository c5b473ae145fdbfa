import { posix } from "node:path";
import { MeshError } from "../../../errors.js";
import {
  checkSocketPath,
  hasSocket,
  makePlace,
  placeOf,
  placesOf,
  socketPath,
  type Place,
} from "../../../keystore/agent/place.js";
import { discard } from "../../../keystore/durable.js";
import type { Home } from "../../../keystore/home.js";
import { sha256, utf8 } from "../../../mesh/bytes.js";
import { msg } from "../../../messages/message.js";

// The sockets of SSH agents are in the folder of the keystore's own agent. That of a profile has one name for good, so that what
// refers to it, such as ssh's configuration, stays right; an agent of one command has a name of its own.

/** Octets of the hash in names. */
const HASH_OCTETS = 4;

const prefixOf = ({ prefix }: Place): string => `${prefix}-ssh-`;

/** Where the socket of an agent is, or would be. */
export interface SocketPlace {
  readonly place: Place;
  readonly name: string;
  readonly path: string;
}

const inPlace = (place: Place, name: string): SocketPlace => {
  const path = socketPath(place, name);
  checkSocketPath(path);
  return { place, name, path };
};

/**
 * Where the SSH agent of a profile is. `id` is the keystore's. Throws `not-supported` on a system without sockets in folders, and
 * `agent-unavailable` where the path is too long.
 */
export const sshPlace = (home: Home, id: string, profile: string): SocketPlace => {
  const place = placeOf(home, id);
  if (place.folder === undefined) {
    throw new MeshError("not-supported", msg("ssh.agent-not-supported"), { hint: msg("ssh.agent-not-supported.hint") });
  }
  return inPlace(place, `${prefixOf(place)}${sha256(utf8(profile)).toString("hex", 0, HASH_OCTETS)}.sock`);
};

/** Where an agent is that serves one command alone. */
export const privatePlace = (home: Home, { place, name }: SocketPlace): SocketPlace =>
  inPlace(place, name.replace(/\.sock$/, `-${home.deps.random(HASH_OCTETS).toString("hex")}.sock`));

/** Makes the folder, and looks that nothing of another kind or user stands there. Throws `keystore-permissions`, `read-only`, `io-failed`. */
export const prepare = (home: Home, { place, name }: SocketPlace): void => {
  makePlace(home, place);
  hasSocket(home, place, name);
};

/** The number of the socket that is there, which tells it from another one of its name. Undefined where there is none. */
export const inodeAt = ({ deps }: Home, path: string): number | undefined => {
  const stat = deps.fs.lstat(path);
  return stat?.isSocket === true ? stat.inode : undefined;
};

/** The sockets of all SSH agents of a keystore, also of those that were started in another environment. */
export const socketsOf = (home: Home, id: string): string[] =>
  placesOf(home, id).flatMap((place) => {
    const { folder } = place;
    if (folder === undefined) return [];
    try {
      return home.deps.fs
        .list(folder)
        .filter((name) => name.startsWith(prefixOf(place)) && hasSocket(home, place, name))
        .map((name) => posix.join(folder, name));
    } catch {
      // There is no such folder, or it is somebody else's.
      return [];
    }
  });

/** Removes a socket, where it is still this one. */
export const removeSocket = (home: Home, path: string, inode: number | undefined): void => {
  try {
    if (inode !== undefined && inodeAt(home, path) === inode) discard(home.deps.fs, path);
  } catch {
    // The folder has gone.
  }
};
