import type { Head, Store } from "./store/store.js";

/** How long what was found counts, and how long the store may take, in milliseconds. */
const FRESH = 1000;
const PATIENCE = 5000;

/** Whether the store answers: its signed head, or undefined where it cannot be read. Asking often costs nothing. */
export type Health = () => Promise<Head | undefined>;

export const createHealth = (store: Store): Health => {
  let found: Promise<Head | undefined> | undefined;
  const look = async (): Promise<Head | undefined> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE);
    });
    try {
      return await Promise.race([store.read((tx) => tx.head()), late]);
    } catch {
      return undefined;
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
