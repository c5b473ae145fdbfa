/** A map that forgets: its entries weigh so much in all at most, and the one least lately used goes first. */
export interface Remembered<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  clear(): void;
  readonly size: number;
}

/** Makes an empty one. Every entry weighs 1 where `weigh` says nothing else; one that weighs more than `limit` is not kept at all. */
export const remembered = <Key, Value>(
  limit: number,
  weigh: (value: Value) => number = () => 1,
): Remembered<Key, Value> => {
  // A Map keeps the order in which its entries were set, so that the first one is always the one least lately used.
  const entries = new Map<Key, Value>();
  let weight = 0;
  const remove = (key: Key): void => {
    const value = entries.get(key);
    if (value === undefined) return;
    weight -= weigh(value);
    entries.delete(key);
  };
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set: (key, value) => {
      remove(key);
      entries.set(key, value);
      weight += weigh(value);
      for (const first of entries.keys()) {
        if (weight <= limit) break;
        remove(first);
      }
    },
    clear: () => {
      entries.clear();
      weight = 0;
    },
    get size() {
      return entries.size;
    },
  };
};
