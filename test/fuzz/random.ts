import { createHash } from "node:crypto";
import { seeded } from "../support/seeded.js";

/** Reproducible choices. */
export interface Random {
  /** From 0 to 1, the end not included. */
  next(): number;
  /** A whole number from 0 to `limit`, the end not included. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  octets(length: number): Buffer;
}

/** The choices that belong to a text: every input has its own, so that it can be made again without those before it. */
export const randomFor = (text: string): Random => {
  const next = seeded(createHash("sha256").update(text).digest().readUInt32BE());
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("There is nothing to pick from.");
      return item;
    },
    octets: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
};
