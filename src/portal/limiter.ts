import { isIPv4, isIPv6 } from "node:net";
import type { Time } from "./store/store.js";

/** Gives 0 where a request may pass, or else the seconds after which the next one may. */
export type Limiter = (address: string, now: Time) => number;

/** More addresses than this are not remembered; who is forgotten starts anew. */
const MAX_ADDRESSES = 10_000;

/** A token bucket for every address: `perMinute` at once, and as many again in every minute. */
export const createLimiter = (perMinute: number): Limiter => {
  const buckets = new Map<string, { tokens: number; time: Time }>();
  return (address, now) => {
    const key = addressKey(address);
    const known = buckets.get(key);
    const gained = known ? (Math.max(0, now - known.time) / 60_000) * perMinute : perMinute;
    const tokens = Math.min(perMinute, (known?.tokens ?? 0) + gained);
    // Deleting first moves the address to the end, so that the first one is always the one longest unseen.
    buckets.delete(key);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, time: now });
    if (buckets.size > MAX_ADDRESSES) {
      for (const first of buckets.keys()) {
        buckets.delete(first);
        break;
      }
    }
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perMinute) * 60);
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
