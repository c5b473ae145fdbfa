import { posix } from "node:path";
import { MeshError } from "../../../errors.js";
import { startAgentProcess } from "../../../keystore/agent/start.js";
import type { Home } from "../../../keystore/home.js";
import type { PrivateKey } from "../../../mesh/keys.js";
import { wireByte, wireString } from "../../../mesh/application/ssh/wire.js";
import { msg } from "../../../messages/message.js";
import { writeSshOrder, type SshOrder } from "./order.js";
import { inodeAt, prepare, removeSocket, socketsOf, type SocketPlace } from "./place.js";

/** In milliseconds: an agent that was told to end has little to do. */
const END_LIMIT = 2000;
/** SSH_AGENTC_REQUEST_IDENTITIES: what an agent looks around before it answers. */
const QUESTION = wireString(wireByte(11));

/** What an agent is to hold. `id` is the keystore's; without `seconds` it holds the key until it is ended. */
export interface AgentKey {
  readonly id: string;
  readonly key: PrivateKey;
  readonly comment: string;
  readonly seconds: number | undefined;
}

/** What an agent at a place is told. Makes the folder. Throws `keystore-permissions`, `read-only`, `io-failed`. */
export const orderFor = (home: Home, at: SocketPlace, { id, key, comment, seconds }: AgentKey): SshOrder => {
  prepare(home, at);
  const { deps } = home;
  const time = seconds === undefined ? undefined : new Date(deps.now().getTime() + seconds * 1000).toISOString();
  return {
    home: home.path,
    id,
    kid: key.kid,
    x: key.x,
    comment,
    socket: at.path,
    temporary: posix.join(posix.dirname(at.path), `.${deps.random(8).toString("hex")}`),
    ...(time === undefined || seconds === undefined ? {} : { expires: time, seconds }),
  };
};

/**
 * Starts an agent as a process of its own, in place of one that runs there. Throws `agent-unavailable`, `interrupted`, and what
 * `orderFor` throws.
 */
export const startSshAgent = async (home: Home, at: SocketPlace, held: AgentKey): Promise<SshOrder> => {
  const { deps } = home;
  const order = orderFor(home, at, held);
  await startAgentProcess(deps, "ssh-agent", writeSshOrder(order, held.key), unavailable);
  return order;
};

const unavailable = (cause: unknown): MeshError =>
  new MeshError("agent-unavailable", msg("ssh.agent-unavailable"), { hint: msg("ssh.agent-unavailable.hint"), cause });

/** True where an agent listens at a path. */
export const isAgentAt = ({ deps }: Home, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = deps.connectLocal(path, () => undefined);
    const stop = deps.every(END_LIMIT, () => connection.destroy());
    let isAlive = false;
    connection.once("connect", () => {
      isAlive = true;
      connection.destroy();
    });
    connection.once("error", () => connection.destroy());
    connection.once("close", () => {
      stop();
      resolve(isAlive);
    });
  });

/**
 * Makes all SSH agents of a keystore forget their keys and end: their sockets go first, so that nobody finds them, and then they are
 * asked something, so that they notice at once. Gives how many ran.
 */
export const stopSshAgents = async (home: Home, id: string): Promise<number> => {
  const ended = await Promise.all(socketsOf(home, id).map((path) => endAt(home, path)));
  return ended.filter(Boolean).length;
};

/** True where an agent listened there. */
const endAt = (home: Home, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { deps } = home;
    const inode = inodeAt(home, path);
    const connection = deps.connectLocal(path, () => undefined);
    let isAlive = false;
    const stop = deps.every(END_LIMIT, () => connection.destroy());
    connection.once("connect", () => {
      isAlive = true;
      removeSocket(home, path, inode);
      connection.write(QUESTION);
    });
    // Nobody listens, or the agent has ended the connection and itself.
    connection.once("error", () => connection.destroy());
    connection.once("close", () => {
      stop();
      removeSocket(home, path, inode);
      resolve(isAlive);
    });
  });
