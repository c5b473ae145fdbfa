import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import type { LogSigner } from "./store.js";

export interface StoreOptions {
  readonly random: (length: number) => Uint8Array;
  /**
   * Signs the heads of the log. Without it nothing can be written that the log is to hold, and no store is made where there is none.
   */
  readonly signer?: LogSigner | undefined;
  /** False where no store is to be made: `store-not-found` is thrown in its place. */
  readonly create?: boolean;
  /**
   * True where a backup is to be restored: a store is made without a log, and one whose restoring was not finished is opened. Needs no
   * signer. All others refuse such a store with `store-unfinished`.
   */
  readonly restoring?: boolean;
  /** True where a store of an older version is to be brought up to date; else it is refused with `store-version`. */
  readonly migrate?: boolean;
  /** Told of every version that the store has been brought up to. */
  readonly onMigrate?: (from: number, to: number) => void;
  /** Told of every commit, and how many transactions shared it. */
  readonly onCommit?: (transactions: number) => void;
  /** How long another process's lock is waited for, in milliseconds. */
  readonly busyWait?: number;
}

/** True where a store may be made that is not there yet. */
export const mayCreate = ({ signer, create, restoring }: StoreOptions): boolean =>
  create !== false && (restoring === true || signer !== undefined);

/** There is no store there, and none is to be made. `place` may be shown to anybody. */
export const storeNotFound = (place: string): MeshError =>
  new MeshError("store-not-found", msg("portal.store-missing", { place: JSON.stringify(place) }), {
    hint: msg("portal.store-missing.hint"),
  });

/** Half a backup is there, or one that nobody has checked. */
export const storeUnfinished = (place: string): MeshError =>
  new MeshError("store-unfinished", msg("portal.store-unfinished", { place: JSON.stringify(place) }), {
    hint: msg("portal.store-unfinished.hint"),
  });

/** The name in the table `meta` of what is there as long as a backup is being restored. */
export const RESTORING = "restoring";
