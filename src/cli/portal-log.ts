import { isMeshError, MeshError } from "../errors.js";
import { pinnedHead, type PortalClient } from "../client/client.js";
import type { KnownHead, LogMemory, Unproven } from "../client/log.js";
import {
  isWorthKeeping,
  keepCheckpoint,
  knownLog,
  noteHeads,
  readCheckpoints,
  standingOf,
} from "../keystore/checkpoints.js";
import { systemCode } from "../keystore/durable.js";
import type { Home } from "../keystore/home.js";
import type { PortalPin } from "../keystore/pins.js";
import { readCheckpoint, type Checkpoint } from "../mesh/log/checkpoint.js";
import type { EvidenceRecord } from "../mesh/log/evidence.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";

/** What each home remembers of logs in this process: a command may open one portal more than once. */
const memories = new WeakMap<Home, Map<string, LogMemory>>();

const isCheckpoint = (head: KnownHead | undefined): head is Checkpoint =>
  head?.note !== undefined && head.time !== undefined;

/** True where there is a home to keep anything in: looking at a portal does not make one. */
const exists = ({ deps, path }: Home): boolean => {
  try {
    return deps.fs.stat(path) !== undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
};

/** What is known at first: of the kept head and the pinned one the later, and the other to be proved where it is not behind the pin. */
const begin = (
  home: Home,
  url: string,
  pin: PortalPin | undefined,
): Pick<LogMemory, "verifier" | "newest" | "unproven"> => {
  const known = knownLog(home, url);
  const floor = pinnedHead(pin);
  const unproven: Unproven[] = known?.unproven ?? [];
  if (!floor || (known && known.head.size > floor.size)) {
    return { verifier: known?.verifier ?? pin?.log?.verifier, newest: known?.head, unproven };
  }
  if (known?.head.size === floor.size && known.head.root.equals(floor.root)) {
    return { verifier: known.verifier, newest: known.head, unproven };
  }
  // The file has been put back, or somebody has written it: the pins count, and what it says must go with them.
  const behind = known ? [{ checkpoint: known.checkpoint }] : [];
  return { verifier: pin?.log?.verifier, newest: floor, unproven: [...unproven, ...behind] };
};

const open = (home: Home, url: string, pin: PortalPin | undefined): LogMemory => {
  const first = begin(home, url, pin);
  let kept = first.newest;
  let noted = first.unproven;
  const report: LogMemory["report"] = async (finding) => {
    const { keepEvidence } = await import("./evidence.js");
    return keepEvidence(home, url, finding);
  };

  const save = async (): Promise<void> => {
    const { newest, verifier, unproven, disputed } = memory;
    if (disputed || !isCheckpoint(newest) || verifier === undefined || !exists(home)) return;
    const proved = noted.filter((head) => !unproven.includes(head)).map(({ checkpoint }) => checkpoint);
    const isKnown = isCheckpoint(kept) ? kept : undefined;
    if (proved.length === 0 && !isWorthKeeping(isKnown, newest)) return;
    const after = await keepCheckpoint(home, url, { verifier, head: newest, from: kept, proved });
    const there = after && readCheckpoint(after.checkpoint);
    if (after && there && there.origin !== newest.origin) {
      const finding = { code: "log-key-changed", heads: [after.checkpoint], announced: verifier } as const;
      const hint = await report({ ...finding, verifier: after.verifier });
      throw new MeshError("log-key-changed", msg("client.log-other", { url }), {
        hint: hint ?? msg("client.log.hint"),
      });
    }
    if (after && there?.size === newest.size && !there.root.equals(newest.root)) {
      const text = msg("client.log-fork", { url, shown: newest.size, known: there.size });
      const hint = await report({ code: "log-fork", verifier, heads: [after.checkpoint, newest.note] });
      throw new MeshError("log-fork", text, { hint: hint ?? msg("client.log.hint") });
    }
    kept = newest;
    noted = unproven;
  };

  const memory: LogMemory = {
    ...first,
    disputed: false,
    save: async () => {
      try {
        await save();
      } catch (error) {
        // The next command that writes does it.
        if (!isMeshError(error, "read-only", "busy")) throw error;
      }
    },
    report,
  };
  return memory;
};

/** What this home knows of the log of a portal, from now on too. Throws `state-corrupt` and what reading the file throws. */
export const logMemory = (home: Home, url: string, pin: PortalPin | undefined): LogMemory => {
  const known = memories.get(home) ?? new Map<string, LogMemory>();
  memories.set(home, known);
  const memory = known.get(url) ?? open(home, url, pin);
  known.set(url, memory);
  return memory;
};

/** A checkpoint that stands in a record. */
export interface Token {
  readonly note: string;
  /** Fingerprint of the device that it comes from. */
  readonly by: string;
  readonly record: EvidenceRecord;
}

/**
 * Holds checkpoints of records against the log of a portal. Those of other portals that this home knows are noted, and held against
 * theirs at the next contact. Of what no known key of a known log has signed the user is told: it says more about the device than about
 * a portal. Throws `log-split` and `proof-missing`.
 */
export const checkTokens = async (
  { home, note: tell }: Pick<Context, "home" | "note">,
  { log }: PortalClient,
  tokens: readonly Token[],
): Promise<void> => {
  const elsewhere: { checkpoint: string; by: string }[] = [];
  for (const { note, by, record } of tokens) {
    const here = await log?.checkToken(note, by, record);
    if (here === "held") continue;
    const standing = standingOf(readCheckpoints(home), note);
    if (standing === "replaced") continue;
    if (standing === "signed" || (standing === "unsigned" && here !== "unsigned")) {
      elsewhere.push({ checkpoint: note, by });
    }
    if (standing === "signed") continue;
    const origin = readCheckpoint(note)?.origin;
    await tell(
      standing === "unknown" && here !== "unsigned" && origin !== undefined
        ? msg("client.token-foreign", { by, origin })
        : msg("client.token-unsigned", { by }),
    );
  }
  if (elsewhere.length === 0 || !exists(home)) return;
  try {
    await noteHeads(home, elsewhere);
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy")) throw error;
  }
};

/** The newest checkpoint that this home knows of a portal, without asking it. */
export const knownCheckpoint = (home: Home, url: string): string | undefined =>
  memories.get(home)?.get(url)?.newest?.note ?? knownLog(home, url)?.checkpoint;
