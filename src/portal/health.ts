import { MeshError } from "../errors.js";
import { openCheckpoint } from "../mesh/log/checkpoint.js";
import { msg } from "../messages/message.js";
import type { Head, Reader, Store, Time } from "./store/store.js";

/** How long what was found counts, and how long the store may take, in milliseconds. */
const FRESH = 1000;
const PATIENCE = 5000;
/** A head that was signed longer ago is soon refused by clients, in milliseconds. */
const OLD = 15 * 60_000;

/** What was found: the signed head where the store gives one that is good, and whether requests can be answered. */
export interface Condition {
  readonly head: Head | undefined;
  readonly isReady: boolean;
}

/** How the store is. Asking often costs nothing. */
export type Health = () => Promise<Condition>;

export interface HealthOptions {
  readonly now: () => Time;
  /** Has the head signed anew where that was long ago. */
  readonly freshen: () => Promise<void>;
}

const UNREADY: Condition = { head: undefined, isReady: false };

/** The head, which the log's present key must have signed. Throws `log-signature`, or `state-corrupt` where it says something else. */
const goodHead = async (tx: Reader): Promise<Head> => {
  const head = await tx.head();
  const verifier = (await tx.logKeys()).at(-1)?.verifier ?? "";
  const { size, root } = openCheckpoint(head.checkpoint, verifier);
  if (size !== head.size || !root.equals(head.root)) throw new MeshError("state-corrupt", msg("portal.tree-damaged"));
  return head;
};

export const createHealth = (store: Store, { now, freshen }: HealthOptions): Health => {
  let found: Promise<Condition> | undefined;
  const isOld = ({ time }: Head): boolean => time < now() - OLD;
  const examine = async (): Promise<Condition> => {
    let head = await store.read(goodHead);
    if (isOld(head)) {
      await freshen();
      head = await store.read(goodHead);
    }
    return { head, isReady: !isOld(head) };
  };
  const look = async (): Promise<Condition> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Condition>((resolve) => {
      timer = setTimeout(() => resolve(UNREADY), PATIENCE);
    });
    try {
      return await Promise.race([examine(), late]);
    } catch {
      return UNREADY;
    } finally {
      clearTimeout(timer);
    }
  };
  return () => {
    if (!found) {
      const looked = look();
      found = looked;
      void looked.then(() => setTimeout(() => (found = undefined), FRESH).unref());
    }
    return found;
  };
};
