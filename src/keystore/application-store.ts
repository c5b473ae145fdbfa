import { join } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import { utf8 } from "../mesh/bytes.js";
import type { Edit, StoredEntry } from "../mesh/application/entry.js";
import type { Exposure } from "../mesh/application/head.js";
import type { SignedRecord } from "../mesh/signed-record.js";
import { isUdf } from "../mesh/udf-text.js";
import { msg } from "../messages/message.js";
import { fileError, readPrivateFile, systemCode, writeLightly } from "./durable.js";
import { APPLICATIONS, ensureFolder, syncEntry, type Home } from "./home.js";
import type { Keystore } from "./keystore.js";

// What a home keeps of its applications, in one folder for each profile:
//   UDF.state    what is known of an application: its newest head, its key, and where which entry is
//   UDF.queue    the edits of this device that no portal has yet; there is none where nothing waits
//   UDF.segment  the entries of one segment: a cache
// Each is a line of JSON that may be read without the keystore, and octets that are sealed under a key of the keystore and bound to that
// line. What is sealed is authentic, so that it is not looked at a second time.

/** The longest file of each kind that is read, in octets. */
const LIMITS = { state: 64 * 1024 * 1024, queue: 256 * 1024 * 1024, segment: 4 * 1024 * 1024 } as const;
/** The longest line of JSON in front of what is sealed. */
const MAX_LINE = 4096;

type Kind = keyof typeof LIMITS;

/** An entry as a segment's index has it. The labels are those of its kind. */
export type IndexRow = readonly [id: string, stamp: string, marks: number, ...labels: readonly string[]];

/** What an index says of an entry beside its labels: a sum. */
export const MARKS = {
  /** There are other versions of it. */
  conflict: 1,
  /** Somebody who has gone may have seen it. */
  exposed: 2,
} as const;

/** A segment of the known head, and what is in it. */
export interface KnownSegment {
  readonly identifier: string;
  /** Of its record. */
  readonly hash: string;
  /** Octets that its entries take up in it. */
  readonly size: number;
  readonly rows: readonly IndexRow[];
  /** The rows as JSON, where they come from a file: what holds nothing that is looked for need not be read. */
  readonly rowsText?: string;
}

/** True unless it is certain that none of some texts is an identifier or a label in the segment's index. */
export const mayHaveRow = ({ rowsText }: KnownSegment, texts: readonly string[]): boolean =>
  rowsText === undefined || texts.some((text) => rowsText.includes(JSON.stringify(text)));

/** What can be read of an application without the keystore. */
export interface ApplicationFacts {
  readonly identifier: string;
  readonly type: string;
  readonly name: string;
  /** True where this device may change it, as it stood when it was last looked at. */
  readonly canWrite: boolean;
  readonly sequence: number;
  readonly updated: string;
  readonly entries: number;
  readonly conflicts: number;
  /** How many segments there are. */
  readonly parts: number;
}

/** What a home knows of an application. */
export interface ApplicationCopy extends ApplicationFacts {
  /** The newest head that was seen: none before it is accepted. */
  readonly head: SignedRecord;
  readonly hash: string;
  readonly payloadHash: string;
  /** The application key, in base64url. */
  readonly key: string;
  /** Who may have seen what is in it and has gone since, as its head says. */
  readonly exposures: readonly Exposure[];
  readonly segments: readonly KnownSegment[];
  /** Where it was seen. */
  readonly portal?: string;
  /** Hash of the head that the portal of a further account has, by account. */
  readonly reached?: Readonly<Record<string, string>>;
}

/** A head that this device has made and perhaps published: which edits are in it. */
export interface Sending {
  readonly hash: string;
  readonly payloadHash: string;
  readonly sequence: number;
  readonly stamps: readonly string[];
}

/** The edits of this device that no portal is known to have. */
export interface Queue {
  readonly edits: readonly Edit[];
  readonly sending: readonly Sending[];
}

export const EMPTY_QUEUE: Queue = { edits: [], sending: [] };

/** What can be read of a queue without the keystore. */
export interface QueueFacts {
  readonly identifier: string;
  readonly edits: number;
  /** When the oldest edit was made. */
  readonly since: string;
}

const folderOf = (home: Home, profile: string): string => join(home.path, APPLICATIONS, named(profile));

const named = (udf: string): string => {
  // Also keeps a path out of the file name.
  if (!isUdf(udf)) throw new MeshError("fingerprint-invalid", msg("keystore.fingerprint-not-canonical"));
  return udf;
};

/** Path of a file of an application, or of a segment. */
export const applicationPath = (home: Home, profile: string, udf: string, kind: Kind): string =>
  join(folderOf(home, profile), `${named(udf)}.${kind}`);

const damaged = (path: string, kind: Kind, cause?: unknown): MeshError =>
  new MeshError("state-corrupt", msg("app.file-damaged", { path }), {
    hint: kind === "queue" ? msg("app.queue-damaged.hint") : msg("app.file-damaged.hint"),
    cause,
  });

const bindingOf = (kind: Kind, profile: string, line: string): readonly string[] => [
  `meshman/application/${kind}`,
  profile,
  line,
];

/** Makes the folder of a profile's applications, durably, where there is none. */
const makeFolder = (home: Home, profile: string): void => {
  const folder = folderOf(home, profile);
  if (home.deps.fs.stat(folder)) return;
  ensureFolder(home.deps, folder);
  syncEntry(home.deps, folder);
};

/** Cuts what was read at the end of the line. Throws `state-corrupt`, and `keystore-version` where a newer program wrote it. */
const split = (octets: Buffer, path: string, kind: Kind): { line: string; facts: object; sealed: Buffer } => {
  const end = octets.indexOf(0x0a);
  if (end < 0 || end > MAX_LINE) throw damaged(path, kind);
  const line = octets.toString("utf8", 0, end);
  let facts: unknown;
  try {
    facts = JSON.parse(line);
  } catch (cause) {
    throw damaged(path, kind, cause);
  }
  const version: unknown =
    typeof facts === "object" && facts !== null && "version" in facts ? facts.version : undefined;
  if (typeof facts !== "object" || facts === null || typeof version !== "number") throw damaged(path, kind);
  if (version > 1) {
    throw new MeshError("keystore-version", msg("keystore.file-newer", { path, version }), {
      hint: msg("keystore.file-newer.hint"),
    });
  }
  return { line, facts, sealed: octets.subarray(end + 1) };
};

const readOctets = (home: Home, path: string, kind: Kind, limit: number): Buffer | undefined => {
  try {
    return readPrivateFile(home.deps.fs, path, limit, home.deps.platform);
  } catch (error) {
    if (isMeshError(error, "state-corrupt")) throw damaged(path, kind, error);
    throw error;
  }
};

/** What is sealed in a file, as `parse` reads it, or undefined where there is none. */
const readSealed = <Value>(
  home: Home,
  keystore: Keystore,
  profile: string,
  udf: string,
  kind: Kind,
  parse: (text: string) => Value,
): { readonly facts: object; readonly value: Value } | undefined => {
  const path = applicationPath(home, profile, udf, kind);
  const octets = readOctets(home, path, kind, LIMITS[kind]);
  if (!octets) return undefined;
  const { line, facts, sealed } = split(octets, path, kind);
  if (!("identifier" in facts) || facts.identifier !== udf) throw damaged(path, kind);
  let plaintext: Buffer | undefined;
  try {
    plaintext = keystore.openData(sealed, bindingOf(kind, profile, line));
    return { facts, value: parse(plaintext.toString("utf8")) };
  } catch (error) {
    if (isMeshError(error, "locked")) throw error;
    throw damaged(path, kind, error);
  } finally {
    plaintext?.fill(0);
  }
};

const sealedFile = (keystore: Keystore, profile: string, kind: Kind, facts: object, text: string): Buffer => {
  const line = JSON.stringify({ version: 1, ...facts });
  const plaintext = utf8(text);
  try {
    const sealed = keystore.sealData(plaintext, bindingOf(kind, profile, line));
    return Buffer.concat([utf8(`${line}\n`), sealed]);
  } finally {
    plaintext.fill(0);
  }
};

const checkedLength = (octets: Buffer, path: string, kind: Kind): Buffer => {
  if (octets.length <= LIMITS[kind]) return octets;
  throw new MeshError("too-large", msg("keystore.file-would-grow", { path, limit: LIMITS[kind] }));
};

const factsOf = (value: ApplicationFacts): ApplicationFacts => {
  const { identifier, type, name, canWrite, sequence, updated, entries, conflicts, parts } = value;
  return { identifier, type, name, canWrite, sequence, updated, entries, conflicts, parts };
};

const namesIn = (home: Home, profile: string): string[] => {
  const folder = folderOf(home, profile);
  try {
    return home.deps.fs.stat(folder)?.isDirectory === true ? home.deps.fs.list(folder) : [];
  } catch (cause) {
    throw fileError(cause, folder, "read");
  }
};

/** Fingerprints after which files of one kind are named. */
const udfsIn = (home: Home, profile: string, kind: Kind): string[] =>
  namesIn(home, profile)
    .filter((name) => name.endsWith(`.${kind}`))
    .map((name) => name.slice(0, -kind.length - 1))
    .filter(isUdf)
    .sort();

/** The line in front of what is sealed. It is not authenticated before the file is opened. */
const readLine = (home: Home, profile: string, udf: string, kind: Kind): object | undefined => {
  const path = applicationPath(home, profile, udf, kind);
  const octets = startOf(home, path);
  return octets && split(octets, path, kind).facts;
};

const startOf = (home: Home, path: string): Buffer | undefined => {
  try {
    // A longer file gives one octet more than was asked for, which is no fault here.
    const stat = home.deps.fs.stat(path);
    return stat && home.deps.fs.readFile(path, MAX_LINE);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw fileError(cause, path, "read");
  }
};

const isFacts = (facts: object): facts is ApplicationFacts => {
  const { identifier, type, name, canWrite, ...rest } = facts as Record<string, unknown>;
  const { sequence, updated, entries, conflicts, parts } = rest;
  const texts = [identifier, type, name, updated].every((text) => typeof text === "string");
  return texts && typeof canWrite === "boolean" && [sequence, entries, conflicts, parts].every(Number.isSafeInteger);
};

/**
 * What a home says of its applications without the keystore: to be shown, and to find the right one, and nothing more. Damaged files are
 * left out. Throws `io-failed`.
 */
export const listApplications = (home: Home, profile: string): ApplicationFacts[] =>
  udfsIn(home, profile, "state").flatMap((udf) => {
    try {
      const facts = readLine(home, profile, udf, "state");
      return facts && isFacts(facts) && facts.identifier === udf ? [factsOf(facts)] : [];
    } catch (error) {
      if (isMeshError(error, "state-corrupt", "keystore-version")) return [];
      throw error;
    }
  });

/** The queues of a profile, without the keystore. Of a damaged one nothing but its name is known. Throws `io-failed`. */
export const listQueues = (home: Home, profile: string): QueueFacts[] =>
  udfsIn(home, profile, "queue").map((identifier) => {
    try {
      const facts = readLine(home, profile, identifier, "queue") as Record<string, unknown> | undefined;
      const { edits, since } = facts ?? {};
      return typeof edits === "number" && typeof since === "string"
        ? { identifier, edits, since }
        : { identifier, edits: 0, since: "" };
    } catch (error) {
      if (isMeshError(error, "state-corrupt", "keystore-version")) return { identifier, edits: 0, since: "" };
      throw error;
    }
  });

type SealedCopy = Omit<ApplicationCopy, keyof ApplicationFacts>;

/** A segment whose rows are read when somebody looks at them: all of them take longer than all else that is in the file. */
const withRows = (segment: Omit<KnownSegment, "rows">, rowsText: string): KnownSegment => {
  let rows: readonly IndexRow[] | undefined;
  return {
    ...segment,
    rowsText,
    get rows() {
      return (rows ??= JSON.parse(rowsText) as readonly IndexRow[]);
    },
  };
};

/** A copy as it is sealed: a line of JSON, and for each segment one with its rows. */
const copyText = ({ segments, ...copy }: SealedCopy): string =>
  [
    JSON.stringify({ ...copy, segments: segments.map(({ identifier, hash, size }) => ({ identifier, hash, size })) }),
    ...segments.map((segment) => segment.rowsText ?? JSON.stringify(segment.rows)),
  ].join("\n");

const parseCopy = (text: string): SealedCopy => {
  const [line = "", ...rows] = text.split("\n");
  const copy = JSON.parse(line) as SealedCopy;
  if (rows.length !== copy.segments.length) throw new RangeError("A segment has no rows.");
  return { ...copy, segments: copy.segments.map((segment, at) => withRows(segment, rows[at] ?? "")) };
};

const parseQueue = (text: string): Queue => JSON.parse(text) as Queue;
const parseEntries = (text: string): readonly StoredEntry[] => JSON.parse(text) as readonly StoredEntry[];

/**
 * What this home knows of an application. Undefined where there is nothing. Throws `state-corrupt`, `keystore-version`,
 * `keystore-permissions`, `io-failed`.
 */
export const readCopy = (
  home: Home,
  keystore: Keystore,
  profile: string,
  application: string,
): ApplicationCopy | undefined => {
  const read = readSealed(home, keystore, profile, application, "state", parseCopy);
  return read && { ...factsOf(read.facts as ApplicationFacts), ...read.value };
};

/** Keeps what is known of an application, durably. Only inside `withLock`. */
export const writeCopy = (home: Home, keystore: Keystore, profile: string, copy: ApplicationCopy): void => {
  const { head, hash, payloadHash, key, exposures, segments, portal, reached } = copy;
  const path = applicationPath(home, profile, copy.identifier, "state");
  const value = {
    head,
    hash,
    payloadHash,
    key,
    exposures,
    segments,
    ...(portal !== undefined && { portal }),
    ...(reached && { reached }),
  };
  const octets = sealedFile(keystore, profile, "state", factsOf(copy), copyText(value));
  makeFolder(home, profile);
  home.write(path, checkedLength(octets, path, "state"));
};

/** The edits that wait. Throws as `readCopy` does: they may be the only ones, so that a damaged file is never passed over. */
export const readQueue = (home: Home, keystore: Keystore, profile: string, application: string): Queue =>
  readSealed(home, keystore, profile, application, "queue", parseQueue)?.value ?? EMPTY_QUEUE;

/** Replaces the edits that wait by what `change` makes of them, under the lock and durably. Gives what waits then. */
export const updateQueue = (
  home: Home,
  keystore: Keystore,
  profile: string,
  application: string,
  change: (queue: Queue) => Queue,
): Promise<Queue> =>
  home.withLock(() => {
    const before = readQueue(home, keystore, profile, application);
    const after = change(before);
    if (after !== before) writeQueue(home, keystore, profile, application, after);
    return after;
  });

/** Keeps the edits that wait, durably. Only inside `withLock`. */
export const writeQueue = (
  home: Home,
  keystore: Keystore,
  profile: string,
  application: string,
  { edits, sending }: Queue,
): void => {
  const path = applicationPath(home, profile, application, "queue");
  if (edits.length === 0) {
    home.remove(path);
    return;
  }
  const since = edits.reduce((oldest, { updated }) => (updated < oldest ? updated : oldest), edits[0]?.updated ?? "");
  const facts = { identifier: application, edits: edits.length, since };
  const octets = sealedFile(keystore, profile, "queue", facts, JSON.stringify({ edits, sending }));
  makeFolder(home, profile);
  home.write(path, checkedLength(octets, path, "queue"));
};

/** The entries of a segment, where they are kept here whole. `hash` is that of its record. A damaged file is none. */
export const readSegment = (
  home: Home,
  keystore: Keystore,
  profile: string,
  { identifier, hash }: Pick<KnownSegment, "identifier" | "hash">,
): readonly StoredEntry[] | undefined => {
  try {
    const read = readSealed(home, keystore, profile, identifier, "segment", parseEntries);
    return read && "hash" in read.facts && read.facts.hash === hash ? read.value : undefined;
  } catch (error) {
    // It is fetched again.
    if (isMeshError(error, "state-corrupt", "keystore-version", "keystore-permissions")) return undefined;
    throw error;
  }
};

/** Keeps the entries of a segment, where that is possible: they can be fetched again. */
export const keepSegment = (
  home: Home,
  keystore: Keystore,
  profile: string,
  { identifier, hash }: Pick<KnownSegment, "identifier" | "hash">,
  entries: readonly StoredEntry[],
): void => {
  const { fs, random } = home.deps;
  try {
    makeFolder(home, profile);
    const octets = sealedFile(keystore, profile, "segment", { identifier, hash }, JSON.stringify(entries));
    writeLightly(fs, applicationPath(home, profile, identifier, "segment"), octets, (length) => random(length));
  } catch (error) {
    if (!isMeshError(error, "read-only", "io-failed")) throw error;
  }
};

/** Forgets segments that no head lists any more. Not durably: what stays is only in the way. */
export const dropSegments = (home: Home, profile: string, identifiers: readonly string[]): void => {
  for (const identifier of identifiers) {
    try {
      home.deps.fs.unlink(applicationPath(home, profile, identifier, "segment"));
    } catch {
      // It was never here.
    }
  }
};

/** Segments that are kept here. */
export const keptSegments = (home: Home, profile: string): string[] => udfsIn(home, profile, "segment");

/**
 * Looks whether what is kept of a profile's applications can be read: with the keystore all of it, without it what stands in front.
 * Gives what is wrong with each file, and how many applications are in order. Segments are a cache, and not looked at.
 */
export const checkFiles = (
  home: Home,
  profile: string,
  keystore: Keystore | undefined,
): { readonly good: number; readonly faults: readonly MeshError[] } => {
  const faults: MeshError[] = [];
  const attempt = (look: () => unknown): boolean => {
    try {
      look();
      return true;
    } catch (error) {
      if (!isMeshError(error)) throw error;
      faults.push(error);
      return false;
    }
  };
  const states = udfsIn(home, profile, "state").map((udf) =>
    attempt(() => (keystore ? readCopy(home, keystore, profile, udf) : readLine(home, profile, udf, "state"))),
  );
  for (const udf of udfsIn(home, profile, "queue")) {
    attempt(() => (keystore ? readQueue(home, keystore, profile, udf) : readLine(home, profile, udf, "queue")));
  }
  return { good: states.filter(Boolean).length, faults };
};

/** Forgets an application, its segments first, and with `edits` what waits to be sent. Under the lock and durably. */
export const removeApplication = (
  home: Home,
  profile: string,
  application: string,
  segments: readonly string[],
  { edits = true } = {},
): Promise<void> =>
  home.withLock(() => {
    dropSegments(home, profile, segments);
    home.remove(applicationPath(home, profile, application, "state"));
    if (edits) home.remove(applicationPath(home, profile, application, "queue"));
  });

/** Forgets all applications of a profile: every file in its folder. Only inside `withLock`. */
export const removeApplications = (home: Home, profile: string): void => {
  const { fs } = home.deps;
  const folder = folderOf(home, profile);
  const names = namesIn(home, profile);
  try {
    for (const name of names) fs.unlink(join(folder, name));
    if (names.length > 0) fs.fsyncDirectory(folder);
  } catch (cause) {
    throw fileError(cause, folder, "write");
  }
};
