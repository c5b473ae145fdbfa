/** A map that forgets: its entries weigh so much in all at most, and the one least lately used goes first. */
export interface Remembered<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  clear(): void;
  readonly size: number;
}

/** An entry, between the one that was used before it and the one that was used after it. */
interface Entry<Key, Value> {
  readonly key: Key;
  readonly value: Value;
  before: Entry<Key, Value> | undefined;
  after: Entry<Key, Value> | undefined;
}

/** Makes an empty one. Every entry weighs 1 where `weigh` says nothing else; one that weighs more than `limit` is not kept at all. */
export const remembered = <Key, Value>(
  limit: number,
  weigh: (value: Value) => number = () => 1,
): Remembered<Key, Value> => {
  // The order is kept in the entries: to take one out of a Map and put it in again takes much longer than to find it.
  const entries = new Map<Key, Entry<Key, Value>>();
  let first: Entry<Key, Value> | undefined;
  let last: Entry<Key, Value> | undefined;
  let weight = 0;
  const unlink = ({ before, after }: Entry<Key, Value>): void => {
    if (before) before.after = after;
    else first = after;
    if (after) after.before = before;
    else last = before;
  };
  const append = (entry: Entry<Key, Value>): void => {
    entry.before = last;
    entry.after = undefined;
    if (last) last.after = entry;
    else first = entry;
    last = entry;
  };
  const takeOut = (entry: Entry<Key, Value>): void => {
    weight -= weigh(entry.value);
    unlink(entry);
  };
  const remove = (key: Key): void => {
    const entry = entries.get(key);
    if (!entry) return;
    takeOut(entry);
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry && entry !== last) {
        unlink(entry);
        append(entry);
      }
      return entry?.value;
    },
    set: (key, value) => {
      const known = entries.get(key);
      if (known) takeOut(known);
      const entry: Entry<Key, Value> = { key, value, before: undefined, after: undefined };
      entries.set(key, entry);
      append(entry);
      weight += weigh(value);
      while (first && weight > limit) remove(first.key);
    },
    delete: remove,
    clear: () => {
      entries.clear();
      first = last = undefined;
      weight = 0;
    },
    get size() {
      return entries.size;
    },
  };
};
