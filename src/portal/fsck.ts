import { isMeshError } from "../errors.js";
import { sha256, utf8 } from "../mesh/bytes.js";
import { readConnectionRequest, readConnectionResult } from "../mesh/connection.js";
import { openCheckpoint } from "../mesh/log/checkpoint.js";
import { openKeyChange } from "../mesh/log/key-change.js";
import { accountLeafHash, accountUdf, decodeLeaf, identifierHash, type Leaf } from "../mesh/log/leaf.js";
import { entryLeaf, resultLeaf, type RecordLeaf } from "../mesh/log/record-leaf.js";
import { parseVerifierKey } from "../mesh/log/note.js";
import { appendLeaves, TILE_WIDTH, tileReader } from "../mesh/log/tiles.js";
import { leafHash, treeRoot } from "../mesh/log/tree.js";
import { EntrySchema, type Entry } from "../mesh/protocol.js";
import { readApplication, verifyApplication } from "../mesh/records/application.js";
import { readMaster } from "../mesh/records/master.js";
import { findDevice, readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { parseWith } from "../mesh/schema.js";
import { recordHash, SignedRecordSchema, type SignedRecord } from "../mesh/signed-record.js";
import { isSuccessor } from "../mesh/succession.js";
import { msg, type Message } from "../messages/message.js";
import { administrationKeys } from "./transactions/connect-complete.js";
import { HEAD, LEAF_BEFORE, type HeadRow } from "./store/sequencer.js";
import type { Sql } from "./store/sql.js";
import type { AccountStatus, Store, StoredLeaf, StoredRecord } from "./store/store.js";

// Verifies a whole store against its log, without trusting anything in it but the keys that signed.

/** What may be wrong with a store. */
export type ProblemCode =
  | "storage"
  | "key"
  | "head"
  | "root"
  | "tile"
  | "leaf"
  | "leaf-link"
  | "leaf-order"
  | "item"
  | "item-leaf"
  | "record"
  | "signature"
  | "succession"
  | "newest"
  | "account"
  | "result"
  | "pending"
  | "device"
  | "name"
  | "usage";

export interface Problem {
  readonly code: ProblemCode;
  /** What is wrong, and with what: an item of the log, a leaf, a tile. */
  readonly text: Message;
}

export interface StoreReport {
  readonly ok: boolean;
  /** How many items the log has, and how many leaves. */
  readonly items: number;
  readonly leaves: number;
  /** How many problems there are; `problems` has the first of them. */
  readonly count: number;
  readonly problems: readonly Problem[];
}

export interface CheckOptions {
  /** Told now and then how many items and leaves have been verified. What it throws ends the work. */
  readonly progress?: (count: number) => void | Promise<void>;
  /** How many problems are kept at most. */
  readonly limit?: number;
}

/** How many items are read at once. Each may have a quarter of a mebibyte. */
const ITEMS = 64;
const ROWS = 256;
const DEFAULT_LIMIT = 100;

type Report = (code: ProblemCode, text: Message) => void;

/** What a check gives, or undefined where what is stored is not what it should be. */
const attempt = <Result>(check: () => Result): Result | undefined => {
  try {
    return check();
  } catch (error) {
    if (
      isMeshError(error) ||
      error instanceof TypeError ||
      error instanceof SyntaxError ||
      error instanceof RangeError
    ) {
      return undefined;
    }
    throw error;
  }
};

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Verifies the keys of the log and its signed head. Gives the head, where there is one. */
const checkHead = async (sql: Sql, report: Report): Promise<HeadRow | undefined> => {
  const keys = (await sql.all("SELECT number, verifier, change FROM log_key ORDER BY number")) as {
    readonly number: number;
    readonly verifier: string;
    readonly change: string | null;
  }[];
  let previous: string | undefined;
  for (const [index, { number, verifier, change }] of keys.entries()) {
    const before = previous;
    const follows =
      before === undefined
        ? change === null && parseVerifierKey(verifier) !== undefined
        : change !== null && attempt(() => openKeyChange(change, before))?.verifier === verifier;
    if (!follows || number !== index + 1) report("key", msg("fsck.key", { number }));
    previous = verifier;
  }
  const head = (await sql.get(HEAD)) as HeadRow | undefined;
  const checkpoint = head && attempt(() => openCheckpoint(head.checkpoint, previous ?? ""));
  if (
    !checkpoint ||
    head.verifier !== previous ||
    checkpoint.size !== head.size ||
    !checkpoint.root.equals(head.root) ||
    checkpoint.time.getTime() !== head.time
  ) {
    report("head", msg("fsck.head"));
  }
  return head;
};

/** True where the sequences of a leaf may stand behind those of the leaf before it. */
const isInOrder = (leaf: Leaf, previous: Leaf | undefined): boolean => {
  switch (leaf.kind) {
    case "personal":
      return !previous || (leaf.masterSequence - previous.masterSequence || leaf.sequence - previous.sequence) > 0;
    case "application":
      return leaf.masterSequence === 0 && leaf.sequence > (previous?.sequence ?? 0);
    case "account":
      return leaf.masterSequence === 0 && leaf.sequence === (previous?.sequence ?? 0) + 1;
    // What is written once has no second leaf.
    case "device":
    case "escrow":
    case "master":
      return previous === undefined && leaf.sequence === 0;
    default:
      return leaf.masterSequence === 0 && leaf.sequence === 0;
  }
};

/** Verifies one leaf: that it can be read, names the leaf before it, and stands behind it. */
const checkLeaf = async (sql: Sql, stored: StoredLeaf, report: Report): Promise<void> => {
  const { index, key, data } = stored;
  const leaf = attempt(() => decodeLeaf(data));
  if (!leaf || !data.subarray(KEY_START, KEY_END).equals(key)) {
    report("leaf", msg("fsck.leaf", { index }));
    return;
  }
  const before = (await sql.get(LEAF_BEFORE, key, index)) as StoredLeaf | undefined;
  const names = leaf.previous
    ? before?.index === leaf.previous.index && leafHash(before.data).equals(leaf.previous.hash)
    : before === undefined;
  if (!names) report("leaf-link", msg("fsck.leaf-link", { index }));
  else if (!isInOrder(leaf, before && attempt(() => decodeLeaf(before.data)))) {
    report("leaf-order", msg("fsck.leaf-order", { index }));
  }
};

/** Where the kind and the identifier's hash stand in a leaf. */
const KEY_START = 16;
const KEY_END = 49;

/** Verifies every leaf, computes the tree anew, and holds its tiles and its root against those stored. Gives how many leaves there are. */
const checkTree = async (
  sql: Sql,
  head: HeadRow | undefined,
  report: Report,
  progress: (count: number) => Promise<void>,
): Promise<number> => {
  const edge = new Map<number, { readonly index: number; readonly hashes: Uint8Array }>();
  const read = (level: number, index: number): Uint8Array | undefined => {
    const tile = edge.get(level);
    return tile?.index === index ? tile.hashes : undefined;
  };
  let tiles = 0;
  const checkTile = async (level: number, index: number, hashes: Uint8Array): Promise<void> => {
    const row = (await sql.get("SELECT hashes FROM tile WHERE level = ? AND idx = ?", level, index)) as
      { readonly hashes: Buffer } | undefined;
    tiles += 1;
    if (!row?.hashes.equals(hashes)) report("tile", msg("fsck.tile", { level, index }));
  };
  let size = 0;
  for (;;) {
    const leaves = (await sql.all(
      'SELECT idx AS "index", key, data FROM leaf WHERE idx >= ? ORDER BY idx LIMIT ?',
      size,
      TILE_WIDTH,
    )) as StoredLeaf[];
    const gap = leaves.findIndex(({ index }, at) => index !== size + at);
    if (gap >= 0) {
      report("leaf", msg("fsck.leaf", { index: size + gap }));
      return size + gap;
    }
    for (const leaf of leaves) await checkLeaf(sql, leaf, report);
    const hashes = leaves.map(({ data }) => leafHash(data));
    for (const changed of appendLeaves(size, hashes, read)) {
      edge.set(changed.level, changed);
      if (changed.hashes.length === TILE_WIDTH * 32) await checkTile(changed.level, changed.index, changed.hashes);
    }
    size += leaves.length;
    await progress(leaves.length);
    if (leaves.length < TILE_WIDTH) break;
  }
  for (const [level, { index, hashes }] of edge) {
    if (hashes.length < TILE_WIDTH * 32) await checkTile(level, index, hashes);
  }
  const { count } = (await sql.get("SELECT count(*) AS count FROM tile")) as { readonly count: number };
  if (count !== tiles) report("tile", msg("fsck.tiles", { count }));
  if (head && (head.size !== size || !treeRoot(size, tileReader(read)).equals(head.root))) {
    report("root", msg("fsck.root", { count: size }));
  }
  return size;
};

/** One item of the log, with what the index says of it where it is a record. */
interface ItemRow {
  readonly tid: number;
  readonly primary_key: string;
  readonly action: string;
  readonly added: number;
  readonly keys: string;
  readonly text: string | null;
  readonly published: number;
  readonly type: StoredRecord["type"] | null;
  readonly identifier: string;
  readonly kind: string;
  readonly owner: string;
  readonly hash: string;
  readonly since: number;
  readonly newest: number;
  readonly leaf: number;
}

const ITEMS_AFTER = `SELECT l.tid, l.primary_key, l.action, l.added, l.keys, l.text, l.published, r.type, r.identifier, r.kind, r.owner,
    r.hash, r.added AS since, r.newest, r.leaf FROM log l LEFT JOIN record r ON r.tid = l.tid WHERE l.tid > ? ORDER BY l.tid LIMIT ?`;

/** A leaf that was read, in its place. */
interface PlacedLeaf {
  readonly index: number;
  readonly key: Buffer;
  readonly leaf: Leaf;
}

/** Gives the leaves that can be read one after the other. */
const leafCursor = (sql: Sql) => {
  let page: StoredLeaf[] = [];
  let next = 0;
  return async (): Promise<PlacedLeaf | undefined> => {
    if (page.length === 0) {
      page = (await sql.all(
        'SELECT idx AS "index", key, data FROM leaf WHERE idx >= ? ORDER BY idx LIMIT ?',
        next,
        ROWS,
      )) as StoredLeaf[];
    }
    const stored = page.shift();
    next = (stored?.index ?? next) + 1;
    const leaf = stored && attempt(() => decodeLeaf(stored.data));
    return leaf && { index: stored.index, key: stored.key, leaf };
  };
};

const says = ({ leaf }: PlacedLeaf, expected: RecordLeaf): boolean =>
  leaf.kind === expected.kind &&
  leaf.identifierHash.equals(identifierHash(expected.identifier)) &&
  leaf.masterSequence === expected.masterSequence &&
  leaf.sequence === expected.sequence &&
  leaf.recordHash.equals(expected.recordHash);

/** Remembers the transaction identifiers of the versions seen last, as many as there is room for. */
const createNewest = (sql: Sql) => {
  const seen = new Map<string, number>();
  const nameOf = (type: string, identifier: string): string => `${type} ${identifier}`;
  return {
    set: (type: string, identifier: string, tid: number): void => {
      const name = nameOf(type, identifier);
      seen.delete(name);
      seen.set(name, tid);
      for (const oldest of seen.keys()) {
        if (seen.size <= 50_000) break;
        seen.delete(oldest);
      }
    },
    /** The text of the newest version before an item. */
    before: async (type: string, identifier: string, tid: number): Promise<string | undefined> => {
      const known = seen.get(nameOf(type, identifier));
      const row =
        known === undefined
          ? await sql.get(
              `SELECT l.text FROM record r JOIN log l ON l.tid = r.tid
                WHERE r.identifier = ? AND r.type = ? AND r.tid < ? ORDER BY r.tid DESC LIMIT 1`,
              identifier,
              type,
              tid,
            )
          : await sql.get("SELECT text FROM log WHERE tid = ?", known);
      return (row as { readonly text: string } | undefined)?.text;
    },
  };
};

interface ItemChecks {
  readonly sql: Sql;
  readonly report: Report;
  readonly newest: ReturnType<typeof createNewest>;
  /** What the log took away from the index later, by what it is called there, with the item that put it there. */
  readonly awaited: Map<string, number>;
}

const parseEntry = (text: string | null): Entry | undefined =>
  attempt(() => parseWith(EntrySchema, JSON.parse(text ?? ""), "record-invalid", msg("mesh.what.protected-header")));

const personalOf = (text: string | undefined): PersonalProfile | undefined =>
  text === undefined
    ? undefined
    : attempt(() => readPersonal((JSON.parse(text) as Record<string, unknown>)["SignedPersonalProfile"]));

const applicationOf = (text: string | undefined) =>
  text === undefined
    ? undefined
    : attempt(() => readApplication((JSON.parse(text) as Record<string, unknown>)["SignedApplicationProfile"]));

/** What the index must say of a record that has been read, and whose own signature holds. */
interface Facts {
  readonly kind: string;
  readonly owner: string | undefined;
  readonly names: readonly string[];
}

const factsOf = (entry: Entry): Facts => {
  if ("SignedPersonalProfile" in entry) {
    const { udf, names } = readPersonal(entry.SignedPersonalProfile);
    return { kind: "PersonalProfile", owner: udf, names };
  }
  if ("SignedMasterProfile" in entry) {
    return { kind: "MasterProfile", owner: readMaster(entry.SignedMasterProfile).udf, names: [] };
  }
  if ("SignedApplicationProfile" in entry) {
    const { type, owner } = readApplication(entry.SignedApplicationProfile);
    return { kind: type, owner, names: [] };
  }
  return {
    kind: "SignedDeviceProfile" in entry ? "DeviceProfile" : "OfflineEscrowEntry",
    owner: undefined,
    names: [],
  };
};

/** True where whoever signed or published a record was allowed to, by the profile that its owner had at the time. */
const wasAllowed = async ({ newest }: ItemChecks, row: ItemRow, entry: Entry): Promise<boolean> => {
  if ("SignedMasterProfile" in entry) {
    const note = readMaster(entry.SignedMasterProfile);
    return note.revoked !== undefined;
  }
  if (!("SignedApplicationProfile" in entry || "SignedDeviceProfile" in entry)) return true;
  const owner = personalOf(await newest.before("SignedPersonalProfile", row.owner, row.tid));
  if (!owner) return false;
  if ("SignedDeviceProfile" in entry) {
    const listed = findDevice(owner, row.identifier);
    return listed !== undefined && recordHash(listed.record) === row.hash;
  }
  const application = readApplication(entry.SignedApplicationProfile);
  return attempt(() => (verifyApplication(application, owner, new Date(row.added)), true)) === true;
};

/** True where a record follows the version before it, or is the first. */
const followsOn = async ({ newest }: ItemChecks, row: ItemRow, entry: Entry): Promise<boolean> => {
  if ("SignedPersonalProfile" in entry) {
    const before = await newest.before("SignedPersonalProfile", row.identifier, row.tid);
    const [old, next] = [personalOf(before), readPersonal(entry.SignedPersonalProfile)];
    return before === undefined || (old !== undefined && isSuccessor(old, next));
  }
  if ("SignedApplicationProfile" in entry) {
    const before = await newest.before("SignedApplicationProfile", row.identifier, row.tid);
    const [old, next] = [applicationOf(before), readApplication(entry.SignedApplicationProfile)];
    if (before === undefined) return true;
    return (
      old?.type === next.type &&
      old.owner === next.owner &&
      next.sequence === old.sequence + 1 &&
      next.previous === old.payloadHash
    );
  }
  return true;
};

/** Holds what the index has of the devices and names of a record against the record. */
const checkIndex = async (
  { sql, report }: ItemChecks,
  row: ItemRow,
  entry: Entry,
  names: readonly string[],
): Promise<void> => {
  const { tid } = row;
  for (const name of new Set(names)) {
    const found = await sql.get("SELECT tid FROM record_name WHERE name = ? AND tid = ?", name, tid);
    if (found === undefined) report("name", msg("fsck.name", { tid }));
  }
  if (!("SignedPersonalProfile" in entry) || row.newest !== 1) return;
  const rows = (await sql.all(
    `SELECT d.device, d.authentication, r.tid AS version FROM device d LEFT JOIN record r
      ON r.tid = d.since AND r.identifier = d.profile AND r.type = 'SignedPersonalProfile' WHERE d.profile = ?`,
    row.identifier,
  )) as {
    readonly device: string;
    readonly authentication: string;
    readonly version: number | null;
  }[];
  const stored = new Map(rows.map(({ device, authentication }) => [device, authentication]));
  const { devices } = readPersonal(entry.SignedPersonalProfile);
  const same =
    devices.length === stored.size &&
    devices.every(({ udf, authenticationKey: key }) => stored.get(udf) === key.udf) &&
    rows.every(({ version }) => version !== null);
  if (!same) report("device", msg("fsck.device", { tid }));
};

/** Holds the devices that are said to be listed since a version against that version and the one before it. */
const checkSince = async ({ sql, report, newest }: ItemChecks, row: ItemRow, entry: Entry): Promise<void> => {
  if (!("SignedPersonalProfile" in entry)) return;
  const { tid, identifier } = row;
  const rows = (await sql.all("SELECT device FROM device WHERE profile = ? AND since = ?", identifier, tid)) as {
    readonly device: string;
  }[];
  if (rows.length === 0) return;
  const before = personalOf(await newest.before("SignedPersonalProfile", identifier, tid));
  const next = readPersonal(entry.SignedPersonalProfile);
  const isNew = ({ device }: { readonly device: string }): boolean =>
    next.devices.some(({ udf }) => udf === device) && before?.devices.some(({ udf }) => udf === device) !== true;
  if (!rows.every(isNew)) report("device", msg("fsck.device", { tid }));
};

const newestLeaf = async (sql: Sql, key: Uint8Array): Promise<number | undefined> =>
  ((await sql.get(LEAF_BEFORE, key, Number.MAX_SAFE_INTEGER)) as StoredLeaf | undefined)?.index;

/** The hash by which the index and the leaf know a record: of its octets, whatever they say. */
const checkRecord = async (checks: ItemChecks, row: ItemRow, placed: PlacedLeaf | undefined): Promise<void> => {
  const { sql, report, newest } = checks;
  const { tid, type, identifier } = row;
  const entry = parseEntry(row.text);
  const expected = entry && attempt(() => entryLeaf(entry));
  if (!entry || Object.keys(entry)[0] !== type) return report("record", msg("fsck.record", { tid }));
  if (!expected) return report("signature", msg("fsck.signature", { tid }));
  if (row.leaf !== placed?.index || !says(placed, expected)) report("item-leaf", msg("fsck.item-leaf", { tid }));
  const facts = factsOf(entry);
  const keys = [{ Key: "Type", Value: facts.kind }, ...facts.names.map((name) => ({ Key: "Name", Value: name }))];
  const isRight =
    expected.identifier === identifier &&
    row.primary_key === identifier &&
    expected.recordHash.toString("base64url") === row.hash &&
    row.kind === facts.kind &&
    (facts.owner ?? row.owner) === row.owner &&
    row.keys === JSON.stringify(keys) &&
    row.added === row.since &&
    row.action === (placed?.leaf.previous ? "Update" : "New") &&
    row.published === (type === "OfflineEscrowEntry" ? 0 : 1);
  if (!isRight) report("record", msg("fsck.record", { tid }));
  if (!(await wasAllowed(checks, row, entry))) report("signature", msg("fsck.signature", { tid }));
  if (!(await followsOn(checks, row, entry))) report("succession", msg("fsck.succession", { tid }));
  if (placed && (row.newest === 1) !== ((await newestLeaf(sql, placed.key)) === placed.index)) {
    report("newest", msg("fsck.newest", { tid }));
  }
  await checkSince(checks, row, entry);
  await checkIndex(checks, row, entry, facts.names);
  newest.set(entryTypeOf(entry), identifier, tid);
};

const entryTypeOf = (entry: Entry): string => Object.keys(entry)[0] ?? "";

interface AccountText {
  readonly AccountID: string;
  readonly UserProfileUDF: string;
  readonly Status: AccountStatus;
  readonly Created: string;
  readonly Modified: string;
}

/** True where an item says beside its text, to whoever is given the log, what it is to say there. */
const isDressed = (row: ItemRow, action: string, ...keys: readonly (readonly [string, string])[]): boolean =>
  row.action === action && row.keys === JSON.stringify(keys.map(([Key, Value]) => ({ Key, Value })));

const checkAccount = async (
  { sql, report }: ItemChecks,
  row: ItemRow,
  placed: PlacedLeaf | undefined,
): Promise<void> => {
  const { tid } = row;
  const text = attempt(() => (JSON.parse(row.text ?? "") as { readonly Account: AccountText }).Account);
  const udf = attempt(() => accountUdf(text?.AccountID ?? ""));
  const hash = text && attempt(() => accountLeafHash(udf ?? "", text.UserProfileUDF, text.Status));
  if (!text || !udf || !hash || row.primary_key !== `Account$${text.AccountID}`) {
    return report("item", msg("fsck.item", { tid }));
  }
  const leaf = placed?.leaf;
  const isCovered =
    leaf?.kind === "account" &&
    leaf.identifierHash.equals(identifierHash(udf)) &&
    leaf.recordHash.equals(hash) &&
    isDressed(row, leaf.previous ? "Update" : "New", ["UserProfileUDF", text.UserProfileUDF]) &&
    row.added === Date.parse(text.Modified);
  if (!placed || !isCovered) return report("item-leaf", msg("fsck.item-leaf", { tid }));
  if ((await newestLeaf(sql, placed.key)) !== placed.index) return;
  const stored = (await sql.get(
    "SELECT profile, status, created, modified, leaf FROM account WHERE account = ?",
    text.AccountID,
  )) as Record<string, unknown> | undefined;
  const isStored =
    stored?.["profile"] === text.UserProfileUDF &&
    stored["status"] === text.Status &&
    stored["created"] === Date.parse(text.Created) &&
    stored["modified"] === Date.parse(text.Modified) &&
    stored["leaf"] === placed.index;
  if (!isStored) report("account", msg("fsck.account", { tid }));
};

/** The account that an item of the log belongs to. */
const accountOf = (row: ItemRow): string | undefined =>
  attempt(() => {
    const keys = JSON.parse(row.keys) as readonly { readonly Key: string; readonly Value: string }[];
    return keys.find(({ Key }) => Key === "AccountID")?.Value;
  });

const signedRecordOf = (value: unknown): SignedRecord | undefined =>
  attempt(() => parseWith(SignedRecordSchema, value, "record-invalid", msg("mesh.what.protected-header")));

/** Verifies a result: that an administrator of the time gave it, and that it is still there unless another took its place. */
const checkResult = async (checks: ItemChecks, row: ItemRow, placed: PlacedLeaf | undefined): Promise<void> => {
  const { sql, report, newest, awaited } = checks;
  const { tid } = row;
  const device = row.primary_key.slice("Result-".length);
  const account = accountOf(row);
  const name = `${row.primary_key} ${account ?? ""}`;
  const stored = (await sql.get(
    "SELECT tid, hash, leaf FROM result WHERE account = ? AND device = ?",
    account ?? "",
    device,
  )) as { readonly tid: number; readonly hash: string; readonly leaf: number } | undefined;
  if (row.action === "Delete") {
    awaited.delete(name);
    if (stored && stored.tid < tid) report("result", msg("fsck.result", { tid }));
    return;
  }
  const record = signedRecordOf(
    attempt(() => (JSON.parse(row.text ?? "") as { SignedConnectionResult: unknown }).SignedConnectionResult),
  );
  if (!record || account === undefined) return report("item", msg("fsck.item", { tid }));
  const isCovered = placed && says(placed, resultLeaf(device, record)) && isDressed(row, "New", ["AccountID", account]);
  if (!isCovered) report("item-leaf", msg("fsck.item-leaf", { tid }));
  const owner = (await sql.get("SELECT profile FROM account WHERE account = ?", account)) as
    { readonly profile: string } | undefined;
  const profile = personalOf(await newest.before("SignedPersonalProfile", owner?.profile ?? "", tid));
  const result = profile && attempt(() => readConnectionResult(record, administrationKeys(profile)));
  if (!result || record.Identifier !== device) report("signature", msg("fsck.signature", { tid }));
  if (!stored) awaited.set(name, tid);
  else if (
    stored.tid < tid ||
    (stored.tid === tid && (stored.leaf !== placed?.index || stored.hash !== recordHash(record)))
  ) {
    report("result", msg("fsck.result", { tid }));
  }
};

interface PendingRow {
  readonly tid: number;
  readonly hash: string;
  readonly record: string;
}

/** Verifies a request that waits: it is there as long as the log does not take it away, and its device has signed it. */
const checkPending = async ({ sql, report, awaited }: ItemChecks, row: ItemRow): Promise<void> => {
  const { tid } = row;
  const device = row.primary_key.slice("Pending-".length);
  const account = accountOf(row);
  const name = `${row.primary_key} ${account ?? ""}`;
  const stored = (await sql.get(
    "SELECT tid, hash, record FROM pending WHERE account = ? AND device = ?",
    account ?? "",
    device,
  )) as PendingRow | undefined;
  if (row.action === "Delete") {
    awaited.delete(name);
    if (stored && stored.tid < tid) report("pending", msg("fsck.pending", { tid }));
  } else if (stored?.tid !== tid) {
    awaited.set(name, tid);
  } else {
    const request = attempt(() => readConnectionRequest(JSON.parse(stored.record)));
    if (!request || request.device.udf !== device || recordHash(request.record) !== stored.hash) {
      report("pending", msg("fsck.pending", { tid }));
    }
  }
};

const checkKeyChange = ({ report }: ItemChecks, row: ItemRow, placed: PlacedLeaf | undefined): void => {
  const change = attempt(() => (JSON.parse(row.text ?? "") as { readonly LogKeyChange: string }).LogKeyChange);
  const leaf = placed?.leaf;
  const isCovered =
    typeof change === "string" &&
    leaf?.kind === "key" &&
    leaf.recordHash.equals(sha256(utf8(change))) &&
    isDressed(row, "Update");
  if (!isCovered) {
    report("item-leaf", msg("fsck.item-leaf", { tid: row.tid }));
  }
};

/** True for an item that says only that something was asked for or taken away: the log keeps nothing of what a stranger sends. */
const hasNoText = ({ primary_key: name, action }: ItemRow): boolean =>
  name.startsWith("Pending-") || (name.startsWith("Result-") && action === "Delete");

/** Verifies every item of the log with its leaf, if it is to have one, and what the index says of it. Gives how many there are. */
const checkItems = async (sql: Sql, report: Report, progress: (count: number) => Promise<void>): Promise<number> => {
  const nextLeaf = leafCursor(sql);
  const checks: ItemChecks = { sql, report, newest: createNewest(sql), awaited: new Map() };
  const checkItem = async (row: ItemRow): Promise<void> => {
    const { primary_key: name, tid } = row;
    if (row.type !== null) await checkRecord(checks, row, await nextLeaf());
    else if (row.published !== 0 || (hasNoText(row) && row.text !== null)) report("item", msg("fsck.item", { tid }));
    else if (name.startsWith("Account$")) await checkAccount(checks, row, await nextLeaf());
    else if (name.startsWith("Result-")) {
      await checkResult(checks, row, row.action === "Delete" ? undefined : await nextLeaf());
    } else if (name.startsWith("Pending-")) await checkPending(checks, row);
    else if (name === "LogKey") checkKeyChange(checks, row, await nextLeaf());
    else report("item", msg("fsck.item", { tid }));
  };
  let count = 0;
  for (let after = 0; ;) {
    const rows = (await sql.all(ITEMS_AFTER, after, ITEMS)) as ItemRow[];
    for (const row of rows) await checkItem(row);
    const last = rows.at(-1);
    if (!last) break;
    after = last.tid;
    count += rows.length;
    await progress(rows.length);
  }
  const surplus = await nextLeaf();
  if (surplus) report("leaf", msg("fsck.leaf-surplus", { index: surplus.index }));
  for (const tid of checks.awaited.values()) report("item", msg("fsck.awaited", { tid }));
  return count;
};

/** Sums of what the records take up, from which those kept are taken away, so that nothing is left where they are right. */
const USAGE = `SELECT owner FROM (
    SELECT r.owner AS owner, octet_length(l.text) AS bytes,
      CASE WHEN r.type IN ('SignedApplicationProfile', 'OfflineEscrowEntry') AND l.action = 'New' THEN 1 ELSE 0 END AS records
      FROM record r JOIN log l ON l.tid = r.tid
    UNION ALL SELECT owner, 0 - bytes, 0 - records FROM usage
  ) sums GROUP BY owner HAVING sum(bytes) <> 0 OR sum(records) <> 0 ORDER BY owner LIMIT ?`;
/** Devices of profiles, and names of records, that are not there. Those that are were held against their record. */
const SURPLUS_DEVICES = `SELECT d.profile FROM device d LEFT JOIN record r ON r.identifier = d.profile AND r.newest = 1
    AND r.type = 'SignedPersonalProfile' WHERE r.tid IS NULL LIMIT ?`;
const NAMES = "SELECT name, tid FROM record_name WHERE name > ? OR (name = ? AND tid > ?) ORDER BY name, tid LIMIT ?";

/** Verifies what the index holds beside what each item of the log is asked for: that it holds nothing more. */
const checkRows = async (sql: Sql, report: Report, progress: (count: number) => Promise<void>): Promise<void> => {
  for (const { owner } of (await sql.all(USAGE, ROWS)) as { readonly owner: string }[]) {
    report("usage", msg("fsck.usage", { profile: owner }));
  }
  for (const { profile } of (await sql.all(SURPLUS_DEVICES, ROWS)) as { readonly profile: string }[]) {
    report("device", msg("fsck.device-surplus", { profile }));
  }
  for (let after = ""; ;) {
    const rows = (await sql.all(
      "SELECT account, leaf FROM account WHERE account > ? ORDER BY account LIMIT ?",
      after,
      ROWS,
    )) as { readonly account: string; readonly leaf: number }[];
    const last = rows.at(-1);
    if (!last) break;
    for (const { account, leaf } of rows) {
      const key = Buffer.concat([Buffer.of(ACCOUNT_CODE), identifierHash(accountUdf(account))]);
      if ((await newestLeaf(sql, key)) !== leaf) report("account", msg("fsck.account-surplus", { leaf }));
    }
    after = last.account;
    await progress(rows.length);
  }
  // Every row of these points to an item of the log, which was held against it where it names the row.
  const stray = (await sql.all(
    `SELECT x.tid FROM (
        SELECT tid, 'Result-' || device AS name FROM result UNION ALL SELECT tid, 'Pending-' || device AS name FROM pending
      ) x JOIN log l ON l.tid = x.tid WHERE l.primary_key <> x.name OR l.action <> 'New' ORDER BY x.tid LIMIT ?`,
    ROWS,
  )) as { readonly tid: number }[];
  for (const { tid } of stray) report("result", msg("fsck.result", { tid }));
  for (let name = "", at = 0; ;) {
    const rows = (await sql.all(NAMES, name, name, at, ROWS)) as { readonly name: string; readonly tid: number }[];
    const last = rows.at(-1);
    if (!last) break;
    for (const row of rows) {
      const item = (await sql.get("SELECT keys FROM log WHERE tid = ?", row.tid)) as
        { readonly keys: string } | undefined;
      if (!item?.keys.includes(JSON.stringify({ Key: "Name", Value: row.name }))) {
        report("name", msg("fsck.name", { tid: row.tid }));
      }
    }
    ({ name, tid: at } = last);
    await progress(rows.length);
  }
};

/** The code of an account's leaf. */
const ACCOUNT_CODE = 6;

/**
 * Verifies a whole store against its log: the keys, the head and its signature; every leaf, its link to the leaf before it and the tree
 * over all; every item of the log with its leaf, its record's signatures and its place behind the version before it; and all that the
 * index holds. Memory does not grow with the store. Throws what the store throws where it cannot be read at all.
 */
export const checkStore = async (store: Store, options: CheckOptions = {}): Promise<StoreReport> => {
  const { limit = DEFAULT_LIMIT } = options;
  const problems: Problem[] = [];
  let count = 0;
  const report: Report = (code, text) => {
    count += 1;
    if (problems.length < limit) problems.push({ code, text });
  };
  let done = 0;
  const progress = async (more: number): Promise<void> => {
    done += more;
    await options.progress?.(done);
    // Whoever waits for an answer, or wants to interrupt this, gets a turn.
    await nextTurn();
  };
  for (const text of await store.checkStorage()) report("storage", msg("fsck.storage", { text }));
  const { items, leaves } = await store.readTables(async (sql) => {
    const head = await checkHead(sql, report);
    const found = await checkTree(sql, head, report, progress);
    const read = await checkItems(sql, report, progress);
    await checkRows(sql, report, progress);
    return { items: read, leaves: found };
  });
  return { ok: count === 0, items, leaves, count, problems };
};
