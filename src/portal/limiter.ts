import { isIPv4, isIPv6 } from "node:net";
import type { Time } from "./store/store.js";

/** Gives 0 where a request may pass, or else the seconds after which the next one may. */
export interface Limiter {
  take(key: string, now: Time): number;
  /** The same without counting anything. */
  look(key: string, now: Time): number;
}

/** More addresses or accounts than this are not remembered; who is forgotten starts anew. */
const MAX_KEYS = 10_000;

/** A token bucket for every key: `perMinute` at once, and as many again in every minute. */
export const createLimiter = (perMinute: number): Limiter => {
  const buckets = new Map<string, { readonly tokens: number; readonly time: Time }>();
  const tokensOf = (key: string, now: Time): number => {
    const known = buckets.get(key);
    if (!known) return perMinute;
    return Math.min(perMinute, known.tokens + (Math.max(0, now - known.time) / 60_000) * perMinute);
  };
  const waitFor = (tokens: number): number => (tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perMinute) * 60));
  return {
    take: (key, now) => {
      const tokens = tokensOf(key, now);
      // Deleting first moves the key to the end, so that the first one is always the one longest unseen.
      buckets.delete(key);
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, time: now });
      if (buckets.size > MAX_KEYS) {
        for (const first of buckets.keys()) {
          buckets.delete(first);
          break;
        }
      }
      return waitFor(tokens);
    },
    look: (key, now) => waitFor(tokensOf(key, now)),
  };
};

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address, all of which one customer holds. */
export const addressKey = (address: string): string => {
  const bare = address.replace(/%.*$/, "").toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(bare)) return bare;
  const [head = "", tail] = bare.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    // A dotted IPv4 part at the end stands for two groups; it never reaches into the first four.
    const rest = tail === "" ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, "0:0").split(":");
    const zeros = Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill("0");
    groups.push(...zeros, ...rest);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
};
