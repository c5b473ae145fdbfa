import type { Transaction } from "../mesh/protocol.js";
import { remembered } from "../mesh/remembered.js";
import { addressKey, createLimiter, type Limiter } from "./limiter.js";
import type { Time } from "./store/store.js";

/**
 * How many requests a minute are answered, by what they are. The first six are counted by the address that a request comes
 * from; those of accounts by the account that it is about, wherever it comes from.
 */
export const DEFAULT_RATES = {
  /** Everything that changes nothing. */
  read: 6000,
  write: 1200,
  /** Checkpoints and tiles of the log. */
  log: 12_000,
  validate: 600,
  "connect-start": 120,
  /** A stranger's profile is verified before anything can refuse it, which costs milliseconds for every device in it. */
  "create-account": 60,
  // Anyone may name any account, so these two are far above what one address may ask for: nobody alone can use them up.
  "account-read": 30_000,
  "account-connect": 1200,
  /** Changes that were accepted, and so were signed by the account's own profile: nobody else can use them up. */
  "account-write": 600,
} as const;

/** Addresses of which it is known what counts as the same one. */
const MAX_ADDRESSES = 1024;

export type RateKind = keyof typeof DEFAULT_RATES;

/** Requests a minute, or that they are not counted. */
export type Rate = number | "none";
export type Rates = Readonly<Record<RateKind, Rate>>;

export const RATE_KINDS = Object.keys(DEFAULT_RATES) as readonly RateKind[];

export const isAccountRate = (kind: RateKind): boolean => kind.startsWith("account-");

export interface Limits {
  /** Counts a request of an address or about an account. Gives 0 where it may pass, else the seconds until the next one may. */
  take(kind: RateKind, key: string, now: Time): number;
  /** Seconds for which an address has neither a read nor a write left, so that nothing it sends need be looked at; else 0. */
  spent(address: string, now: Time): number;
}

export interface LimitsOptions {
  readonly rates?: Partial<Rates> | undefined;
  /** How many processes share the requests: each keeps to its part of every rate, and lets one a minute through at least. */
  readonly processes?: number | undefined;
  /** Told of every request that was over its rate. */
  readonly onLimited?: ((kind: RateKind) => void) | undefined;
}

/** Counts requests in memory, for the addresses and accounts seen last. */
export const createLimits = ({ rates = {}, processes = 1, onLimited }: LimitsOptions = {}): Limits => {
  const limiters = new Map<RateKind, Limiter>();
  for (const kind of RATE_KINDS) {
    const rate: Rate = rates[kind] ?? DEFAULT_RATES[kind];
    if (rate !== "none") limiters.set(kind, createLimiter(Math.max(1, Math.floor(rate / processes))));
  }
  // Of those whose requests come one after the other.
  const known = remembered<string, string>(MAX_ADDRESSES);
  const addressOf = (address: string): string => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const key = addressKey(address);
    known.set(address, key);
    return key;
  };
  const keyOf = (kind: RateKind, key: string): string => (isAccountRate(kind) ? key : addressOf(key));
  return {
    take: (kind, key, now) => {
      const limiter = limiters.get(kind);
      if (!limiter) return 0;
      const wait = limiter.take(keyOf(kind, key), now);
      if (wait > 0) onLimited?.(kind);
      return wait;
    },
    spent: (address, now) => {
      const [reads, writes] = [limiters.get("read"), limiters.get("write")];
      if (!reads || !writes) return 0;
      const key = addressOf(address);
      const wait = Math.min(reads.look(key, now), writes.look(key, now));
      if (wait > 0) onLimited?.("read");
      return wait;
    },
  };
};

const WRITES: readonly Transaction[] = ["CreateAccount", "DeleteAccount", "Publish", "ConnectStart", "ConnectComplete"];

/** What a transaction counts as for the address that asks for it. */
export const addressRate = (transaction: Transaction): "read" | "write" =>
  WRITES.includes(transaction) ? "write" : "read";

/** What a transaction that anyone may ask for counts as for the account that it names. Those that are signed count when they are done. */
export const accountRate = (transaction: Transaction): "account-read" | "account-connect" | undefined => {
  if (transaction === "Get" || transaction === "ConnectStatus") return "account-read";
  return transaction === "ConnectStart" ? "account-connect" : undefined;
};
