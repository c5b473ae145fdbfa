import { MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import { openLogKey, type LogKeys } from "../../portal/log/key-file.js";
import type { StoreOptions } from "../../portal/store/options.js";
import type { Store } from "../../portal/store/store.js";
import type { Context } from "../context.js";
import { statNamed } from "../files.js";
import type { StoreSettings } from "./config.js";
import { openStorePlace } from "./store-place.js";

/** How often a person hears how far a long work has come, in milliseconds. */
const REPORT_INTERVAL = 5000;

/** Opens a portal's store, does something with it, and closes it. A store that is not there is not made, unless the options say so. */
export const withStore = async <Result>(
  context: Context,
  { store: place }: StoreSettings,
  work: (store: Store) => Promise<Result>,
  options: Omit<Partial<StoreOptions>, "random"> = {},
): Promise<Result> => {
  const store = await openStorePlace(place, { create: false, ...options, random: context.deps.random });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};

/** The keys of the log, which must be there. Throws `log-key-missing`, and before that what is wrong with the store. */
export const openSigner = async (context: Context, settings: StoreSettings): Promise<LogKeys> => {
  const file = settings.logKeyFile();
  if (!statNamed(context, file)) {
    await withStore(context, settings, () => Promise.resolve());
    throw new MeshError("log-key-missing", msg("store.no-key-file", { file }), { hint: msg("store.no-key-file.hint") });
  }
  return createSigner(context, settings);
};

/** The keys of the log. Where there are none the first is made. */
export const createSigner = (context: Context, settings: StoreSettings): Promise<LogKeys> =>
  openLogKey(settings.logKeyFile(), { random: context.deps.random, origin: settings.logOrigin });

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/**
 * Tells a person on standard error, every now and then, how far something has come. Each call lets the process hear signals; throws
 * `interrupted` where it is to stop.
 */
export const reporter = (context: Context, word: (count: number) => Message): ((count: number) => Promise<void>) => {
  const { deps } = context;
  let last = deps.now().getTime();
  return async (count) => {
    await nextTurn();
    if (deps.signal.aborted) throw new MeshError("interrupted", msg("interrupted"));
    const now = deps.now().getTime();
    if (now - last < REPORT_INTERVAL) return;
    last = now;
    // Where nobody reads it, the work goes on.
    await context.note(word(count)).catch(() => undefined);
  };
};
