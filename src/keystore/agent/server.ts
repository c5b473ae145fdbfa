import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import type { Deps } from "../../deps.js";
import { utf8 } from "../../mesh/bytes.js";
import { discard, systemCode } from "../durable.js";
import { openHome, type Home } from "../home.js";
import { keystorePath, readKeystoreFile } from "../keystore-file.js";
import { linesOf } from "./lines.js";
import { ORDER_LIMIT, readOrder, type Order } from "./order.js";
import { clearPlace, endpointIn, placeText, readPlace, socketPath, type Place } from "./place.js";
import { greet, hear, reply, TOKEN_OCTETS } from "./protocol.js";

/** How long a client may take for its part of a conversation, and how often the agent looks around. In milliseconds. */
const STEP = 1000;
const TICK = 1000;

/** What `work` gives, or undefined where it takes longer than a step. */
const within = async <T>(deps: Deps, work: Promise<T>): Promise<T | undefined> => {
  const over = new AbortController();
  try {
    return await Promise.race([work, deps.sleep(STEP, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
};

/**
 * Runs an agent: a process that holds the key of one keystore in memory and gives it to whoever knows its token. It is told
 * what to do on standard input, says `ready` or `failed CODE` on standard output, and returns once it has forgotten the key:
 * at its time, when it is told to lock, on a signal, when its file or socket has gone or is another agent's, or when the
 * keystore has gone or is another one.
 */
export const runAgent = async (deps: Deps): Promise<void> => {
  const given = await deps.readStdin(ORDER_LIMIT);
  const told = readOrder(given);
  given.fill(0);
  if (!told) return;
  try {
    await hold(deps, told.order, told.key);
  } catch (error) {
    await deps.stdout.write(`failed ${systemCode(error) ?? ""}\n`).catch(() => undefined);
  } finally {
    told.key.fill(0);
  }
};

/** Listens and answers until the key is to be forgotten. Throws the system's error where it cannot begin. */
const hold = async (deps: Deps, order: Order, key: Buffer): Promise<void> => {
  const { id, socket, expires, seconds } = order;
  const home = openHome(deps, order.home);
  const place = { ...order.place, folder: order.place.folder };
  const token = deps.random(TOKEN_OCTETS);
  const text = placeText({ socket, token });
  const isSameKeystore = keystoreWatch(home, id);
  let inode: number | undefined;
  let close = (): void => undefined;
  const stop = new AbortController();
  const ended = AbortSignal.any([deps.signal, stop.signal]);

  const end = (): void => {
    key.fill(0);
    token.fill(0);
    clearPlace(home, place, text, socket);
    close();
    stop.abort();
  };
  /** True while the key may be given to anybody. What cannot be looked at has gone. */
  const isCurrent = (): boolean => {
    try {
      const isDue = deps.now().getTime() >= Date.parse(expires);
      return (
        !isDue && socketInode(home, place, socket) === inode && readPlace(home, place) === text && isSameKeystore()
      );
    } catch {
      return false;
    }
  };
  const serve = async (connection: Duplex): Promise<void> => {
    const lines = linesOf(connection);
    const { line, nonce } = greet(deps.random);
    connection.write(line);
    const heard = await within(deps, lines.next());
    // At every request, since much happens between two looks around.
    if (!ended.aborted && !isCurrent()) end();
    const exchange = heard === undefined || ended.aborted ? undefined : hear(heard, nonce, id, token);
    if (!exchange) {
      connection.destroy();
      return;
    }
    const answer = { expires, ...(exchange.request === "key" ? { key } : {}) };
    const last = reply(exchange, answer, token, deps.random);
    if (exchange.request === "lock") end();
    const closed = new Promise<void>((resolve) => connection.once("close", resolve));
    connection.end(last);
    await within(deps, closed);
    connection.destroy();
  };

  try {
    close = await deps.listenLocal(socketPath(place, socket), (connection) => {
      serve(connection).catch(() => connection.destroy());
    });
    inode = socketInode(home, place, socket);
    takeOver(home, place, text);
    // Where this fails, whoever wanted the agent has gone.
    await deps.stdout.write("ready\n");
    deps.sleep(seconds * 1000, ended).then(end, () => undefined);
    while (!ended.aborted) {
      await deps.sleep(TICK, ended).catch(() => undefined);
      if (!isCurrent()) end();
    }
  } finally {
    end();
  }
};

/** Looks whether a home still has the keystore with this id. The file is read only where it has changed. */
const keystoreWatch = (home: Home, id: string): (() => boolean) => {
  let seen = "";
  return () => {
    const stat = home.deps.fs.stat(keystorePath(home));
    if (!stat) return false;
    const mark = `${stat.inode} ${stat.size} ${stat.modified}`;
    if (mark !== seen && readKeystoreFile(home)?.id !== id) return false;
    seen = mark;
    return true;
  };
};

/** What tells the socket from another one of its name. */
const socketInode = ({ deps }: Home, place: Place, socket: string): number | undefined =>
  place.folder === undefined ? undefined : deps.fs.lstat(socketPath(place, socket))?.inode;

/** Puts this agent in the place of whichever was there, and removes the socket of that. */
const takeOver = (home: Home, place: Place, text: string): void => {
  const { fs, random } = home.deps;
  const before = readPlace(home, place);
  const temporary = join(dirname(place.file), `.${place.prefix}.${random(8).toString("hex")}.tmp`);
  const fd = fs.create(temporary, 0o600);
  try {
    fs.write(fd, utf8(text));
  } finally {
    fs.close(fd);
  }
  fs.rename(temporary, place.file);
  const old = before === undefined ? undefined : endpointIn(place, before);
  if (old && place.folder !== undefined) discard(fs, socketPath(place, old.socket));
};
