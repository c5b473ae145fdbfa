import { sign, type KeyObject } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Deps } from "../../../deps.js";
import { systemCode } from "../../../keystore/durable.js";
import { openHome, type Home } from "../../../keystore/home.js";
import { keystorePath, readKeystoreFile } from "../../../keystore/keystore-file.js";
import {
  AGENT_FAILURE,
  AGENT_SUCCESS,
  agentMessages,
  identitiesAnswer,
  queryAnswer,
  readAgentRequest,
  sessionBindings,
  signResponse,
} from "../../../mesh/application/ssh/agent-protocol.js";
import { ed25519Blob } from "../../../mesh/application/ssh/public-key.js";
import { ed25519KeyObject } from "../../../mesh/private-keys.js";
import { readSshOrder, SSH_ORDER_LIMIT, type SshOrder } from "./order.js";
import { inodeAt, removeSocket } from "./place.js";

/** How often the agent looks around. In milliseconds. */
const TICK = 1000;
/** More clients at a time are not served, nor one that asks without reading the answers. */
const MAX_CONNECTIONS = 128;
const MAX_UNREAD = 1024 * 1024;

/**
 * Runs an SSH agent: a process that holds the SSH key of one device in memory and signs with it for whoever can reach its socket,
 * over the SSH agent protocol. The key itself it gives to nobody. It is told what to do on standard input, says `ready` or
 * `failed CODE` on standard output, and returns once it has forgotten the key: see `holdSshKey`.
 */
export const runSshAgent = async (deps: Deps): Promise<void> => {
  const given = await deps.readStdin(SSH_ORDER_LIMIT);
  const told = readSshOrder(given);
  given.fill(0);
  if (!told) return;
  const key = ed25519KeyObject(told.secret);
  told.secret.fill(0);
  try {
    await holdSshKey(openHome(deps, told.order.home), told.order, key, () => deps.stdout.write("ready\n"));
  } catch (error) {
    await deps.stdout.write(`failed ${systemCode(error) ?? ""}\n`).catch(() => undefined);
  }
};

/**
 * Listens and answers until the key is to be forgotten: at its time, on a signal or that of `until`, when its socket has gone or is
 * another agent's, or when the keystore has gone, is another one, or has the key no more. Calls `ready` once it listens. Throws the
 * system's error where it cannot begin, and what `ready` throws.
 */
export const holdSshKey = async (
  home: Home,
  order: SshOrder,
  key: KeyObject,
  ready: () => Promise<void>,
  until?: AbortSignal,
): Promise<void> => {
  const { deps } = home;
  const { socket, temporary, comment, expires, seconds } = order;
  const identity = { blob: ed25519Blob(order.x), comment };
  const hasKey = keyWatch(home, order);
  const connections = new Set<Duplex>();
  let inode: number | undefined;
  let close = (): void => undefined;
  const stop = new AbortController();
  const ended = AbortSignal.any([deps.signal, stop.signal, ...(until ? [until] : [])]);

  const end = (): void => {
    stop.abort();
    removeSocket(home, socket, inode);
    removeSocket(home, temporary, inode);
    close();
    for (const connection of connections) connection.destroy();
  };
  /** True while the key may be used. What cannot be looked at has gone. */
  const isCurrent = (): boolean => {
    try {
      const isDue = expires !== undefined && deps.now().getTime() >= Date.parse(expires);
      return !ended.aborted && !isDue && inodeAt(home, socket) === inode && hasKey();
    } catch {
      return false;
    }
  };

  const answer = (message: Buffer, { bind }: ReturnType<typeof sessionBindings>): Buffer => {
    const request = readAgentRequest(message);
    if (request.kind === "identities") return identitiesAnswer([identity]);
    if (request.kind === "query") return queryAnswer();
    if (request.kind === "bind") return bind(request.binding) ? AGENT_SUCCESS : AGENT_FAILURE;
    if (request.kind !== "sign" || !request.blob.equals(identity.blob)) return AGENT_FAILURE;
    return signResponse(sign(null, request.data, key));
  };
  const serve = (connection: Duplex): void => {
    const drop = (): void => {
      connections.delete(connection);
      connection.destroy();
    };
    if (connections.size >= MAX_CONNECTIONS || ended.aborted) {
      connection.destroy();
      return;
    }
    connections.add(connection);
    const cut = agentMessages();
    const bindings = sessionBindings();
    for (const event of ["error", "end", "close"]) connection.on(event, drop);
    connection.on("data", (octets: Buffer) => {
      // At every request, since much happens between two looks around.
      if (!isCurrent()) {
        end();
        return;
      }
      const messages = cut(octets);
      if (!messages || connection.writableLength > MAX_UNREAD) drop();
      for (const message of messages ?? []) if (!connection.destroyed) connection.write(answer(message, bindings));
    });
  };

  try {
    close = await deps.listenLocal(temporary, serve);
    inode = inodeAt(home, temporary);
    deps.fs.rename(temporary, socket);
    await ready();
    if (seconds !== undefined) deps.sleep(seconds * 1000, ended).then(end, () => undefined);
    while (isCurrent()) await deps.sleep(TICK, ended).catch(() => undefined);
  } finally {
    end();
  }
};

/** Looks whether a home still has the keystore with this id, and the key in it. The file is read only where it has changed. */
const keyWatch = (home: Home, { id, kid }: Pick<SshOrder, "id" | "kid">): (() => boolean) => {
  let seen = "";
  return () => {
    const stat = home.deps.fs.stat(keystorePath(home));
    if (!stat) return false;
    const mark = `${stat.inode} ${stat.size} ${stat.modified}`;
    if (mark === seen) return true;
    const file = readKeystoreFile(home);
    if (file?.id !== id || !file.keys.some((entry) => entry.kid === kid)) return false;
    seen = mark;
    return true;
  };
};
