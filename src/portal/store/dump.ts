import { createHash } from "node:crypto";
import * as v from "valibot";
import { isMeshError, MeshError } from "../../errors.js";
import { openCheckpoint, checkpointText, type Checkpoint } from "../../mesh/log/checkpoint.js";
import { decodeLeaf, encodeLeaf } from "../../mesh/log/leaf.js";
import { MAX_NOTE } from "../../mesh/log/note.js";
import { appendLeaves, TILE_WIDTH, tileReader } from "../../mesh/log/tiles.js";
import { leafHash, treeRoot } from "../../mesh/log/tree.js";
import { Sha256Schema, TimeSchema } from "../../mesh/schema.js";
import { msg, type Message } from "../../messages/message.js";
import { SCHEMA_VERSION } from "./schema.js";
import type { Sql, Value } from "./sql.js";
import type { LogSigner, Time } from "./store.js";

// A backup of a store: JSON lines, the same whatever database they come from. The first line says what store it is and how far its log
// had come; then the name and the columns of each table stand before its rows; the last line has the SHA-256 of everything before it.
// The tiles of the tree are left out, since they follow from its leaves. The key of the log is not in the store at all.

const FORMAT = "mmm/portal/backup/v1";
/** The longest line, in octets. A record has a quarter of a mebibyte, and at most twice that as a JSON string. */
const MAX_LINE = 4 * 1024 * 1024;
/** How many rows are read from the database at once, and written with one statement. Each may have a quarter of a mebibyte. */
const PAGE = 64;
/** How many lines lie between two reports of progress. */
const PROGRESS = 1000;

/** What a column holds; `text?` may be null, and `octets` are unpadded base64url in the file. */
type ColumnType = "integer" | "text" | "text?" | "octets";

interface Table {
  readonly name: string;
  /** The columns that its rows are in the order of. */
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, ColumnType>>;
}

/** The tables in an order in which every row comes behind what it refers to. */
const TABLES: readonly Table[] = [
  { name: "log_key", key: ["number"], columns: { number: "integer", verifier: "text", change: "text?" } },
  { name: "leaf", key: ["idx"], columns: { idx: "integer", key: "octets", data: "octets" } },
  {
    name: "log",
    key: ["tid"],
    columns: {
      tid: "integer",
      primary_key: "text",
      action: "text",
      added: "integer",
      keys: "text",
      text: "text?",
      published: "integer",
    },
  },
  {
    name: "record",
    key: ["tid"],
    columns: {
      tid: "integer",
      type: "text",
      identifier: "text",
      kind: "text",
      owner: "text",
      hash: "text",
      added: "integer",
      newest: "integer",
      leaf: "integer",
    },
  },
  { name: "record_name", key: ["name", "tid"], columns: { name: "text", tid: "integer" } },
  {
    name: "device",
    key: ["profile", "device"],
    columns: { device: "text", authentication: "text", profile: "text", since: "integer" },
  },
  { name: "usage", key: ["owner"], columns: { owner: "text", bytes: "integer", records: "integer" } },
  {
    name: "account",
    key: ["account"],
    columns: {
      account: "text",
      profile: "text",
      status: "text",
      created: "integer",
      modified: "integer",
      leaf: "integer",
    },
  },
  {
    name: "pending",
    key: ["tid"],
    columns: {
      tid: "integer",
      account: "text",
      device: "text",
      address: "text",
      hash: "text",
      added: "integer",
      record: "text",
    },
  },
  {
    name: "result",
    key: ["account", "device"],
    columns: { account: "text", device: "text", hash: "text", tid: "integer", leaf: "integer" },
  },
  // Without the answers, which may be long and are asked for within minutes or never. That a nonce was used is what must not be lost.
  {
    name: "nonce",
    key: ["key", "nonce"],
    columns: { key: "text", public: "text", nonce: "text", digest: "text", expires: "integer" },
  },
  {
    name: "reservation",
    key: ["account"],
    columns: { account: "text", key: "text", expires: "integer" },
  },
];
/** The columns and tables that are left out, for the test that nothing else is. */
export const LEFT_OUT: readonly string[] = ["meta", "head", "tile", "nonce.answer"];
/** Every column that is in a backup, as `table.column`. */
export const DUMPED: readonly string[] = TABLES.flatMap(({ name, columns }) =>
  Object.keys(columns).map((column) => `${name}.${column}`),
);

const HeaderSchema = v.strictObject({
  format: v.literal(FORMAT),
  /** Version of the tables. */
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** The store's id. */
  store: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  made: TimeSchema,
  /** The present key of the log, and the signed head. */
  verifier: v.pipe(v.string(), v.maxLength(512)),
  checkpoint: v.pipe(v.string(), v.maxLength(MAX_NOTE)),
});

/** What a backup says of itself. */
export interface DumpHeader {
  readonly store: string;
  /** When it was made. */
  readonly made: string;
  readonly verifier: string;
  /** The signed head; its signature holds. */
  readonly head: Checkpoint;
}

const TableSchema = v.strictObject({
  table: v.picklist(TABLES.map(({ name }) => name)),
  columns: v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(64)),
});

const EndSchema = v.strictObject({
  lines: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  sha256: Sha256Schema,
});

const isBase64url = (text: string): boolean => Buffer.from(text, "base64url").toString("base64url") === text;

const COLUMN_SCHEMAS = {
  integer: v.pipe(v.number(), v.safeInteger()),
  text: v.string(),
  "text?": v.nullable(v.string()),
  octets: v.pipe(
    v.string(),
    v.check(isBase64url),
    v.transform((text) => Buffer.from(text, "base64url")),
  ),
} satisfies Record<ColumnType, v.GenericSchema<unknown, Value>>;

const rowSchema = ({ columns }: Table) =>
  v.strictTuple(Object.values(columns).map((type): v.GenericSchema<unknown, Value> => COLUMN_SCHEMAS[type]));

const invalid = (text: Message, cause?: unknown): MeshError =>
  new MeshError("backup-invalid", text, {
    hint: msg("backup.invalid.hint"),
    ...(cause === undefined ? {} : { cause }),
  });

/** Told, now and then, how many lines are done. What it throws ends the work. */
export type Progress = (lines: number) => Promise<void> | void;

/**
 * Writes a backup out of one consistent view of the tables, line by line, and gives its header. Memory does not grow with the store.
 * Throws `log-signature` where the head is not signed with the key of its log.
 * `made` is the time now.
 */
export const dumpTables = async (
  sql: Sql,
  made: Date,
  write: (octets: Buffer) => void,
  progress: Progress = () => undefined,
): Promise<DumpHeader> => {
  const hash = createHash("sha256");
  let lines = 0;
  const line = (value: unknown): Buffer => {
    const octets = Buffer.from(`${JSON.stringify(value)}\n`);
    if (octets.length > MAX_LINE) throw new RangeError("A row is too long for a backup.");
    return octets;
  };
  const put = async (...values: readonly unknown[]): Promise<void> => {
    const octets = Buffer.concat(values.map(line));
    hash.update(octets);
    write(octets);
    const before = lines;
    lines += values.length;
    if (Math.floor(before / PROGRESS) < Math.floor(lines / PROGRESS)) await progress(lines);
  };
  const head = (await sql.get("SELECT checkpoint, verifier FROM head")) as { checkpoint: string; verifier: string };
  const id = (await sql.get("SELECT value FROM meta WHERE name = 'id'")) as { value: string };
  const header = { store: id.value, made: made.toISOString(), ...head };
  // A backup without a head that holds could never be restored.
  const checkpoint = openCheckpoint(head.checkpoint, head.verifier);
  await put({ format: FORMAT, version: SCHEMA_VERSION, ...header } satisfies v.InferInput<typeof HeaderSchema>);
  for (const table of TABLES) {
    await put({ table: table.name, columns: Object.keys(table.columns) });
    for await (const rows of pages(sql, table)) await put(...rows);
  }
  write(line({ lines, sha256: hash.digest("base64url") }));
  await progress(lines);
  return { ...header, head: checkpoint };
};

/** All rows of a table in the order of its key, as they stand in a backup. */
async function* pages(sql: Sql, { name, key, columns }: Table): AsyncGenerator<unknown[][]> {
  const types = Object.entries(columns);
  const list = types.map(([column]) => column).join(", ");
  const order = key.join(", ");
  let after: Value[] | undefined;
  for (;;) {
    const where = after ? ` WHERE (${order}) > (${key.map(() => "?").join(", ")})` : "";
    const rows = (await sql.all(
      `SELECT ${list} FROM ${name}${where} ORDER BY ${order} LIMIT ?`,
      ...(after ?? []),
      PAGE,
    )) as Record<string, Value>[];
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map((row) =>
      types.map(([column, type]) => {
        const value = row[column];
        return type === "octets" ? Buffer.from(value as Uint8Array).toString("base64url") : value;
      }),
    );
    after = key.map((column) => last[column] as Value);
  }
}

/** One row of a backup, ready for its table. */
interface DumpedRow {
  readonly table: Table;
  readonly values: Value[];
}

const parseLine = (octets: Buffer, number: number): unknown => {
  try {
    return JSON.parse(octets.toString("utf8")) as unknown;
  } catch (cause) {
    throw invalid(msg("store-backup.line-wrong", { number }), cause);
  }
};

const parse = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  number: number,
): v.InferOutput<Schema> => {
  const result = v.safeParse(schema, value, { abortEarly: true });
  // The text of an issue quotes what was received.
  if (!result.success) throw invalid(msg("store-backup.line-wrong", { number }));
  return result.output;
};

/** The lines of a stream of octets, without their line feeds. Throws `backup-invalid` for one that is too long or never ends. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  let number = 1;
  for await (const piece of pieces) {
    let octets = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let end = octets.indexOf(0x0a); end >= 0; end = octets.indexOf(0x0a)) {
      yield Buffer.concat([...rest, octets.subarray(0, end)]);
      octets = octets.subarray(end + 1);
      rest = [];
      length = 0;
      number++;
    }
    length += octets.length;
    if (length > MAX_LINE) throw invalid(msg("store-backup.line-wrong", { number }));
    if (octets.length > 0) rest.push(octets);
  }
  if (length > 0) throw invalid(msg("store-backup.unfinished"));
}

const isEnd = (value: unknown): boolean => typeof value === "object" && value !== null && "sha256" in value;

/** Reads a version before anything else: a newer program may have written all else in another way. */
const VersionSchema = v.looseObject({ format: v.string(), version: v.number() });

const parseHeader = (octets: Buffer): DumpHeader => {
  let value: unknown;
  try {
    value = JSON.parse(octets.toString("utf8"));
  } catch {
    value = undefined;
  }
  const outline = v.safeParse(VersionSchema, value);
  const [, family] = /^(mmm\/portal\/backup)\/v\d{1,3}$/.exec(outline.success ? outline.output.format : "") ?? [];
  if (!outline.success || family === undefined) throw invalid(msg("store-backup.none"));
  if (outline.output.format !== FORMAT || outline.output.version > SCHEMA_VERSION) {
    throw new MeshError("not-supported", msg("store-backup.newer"), { hint: msg("portal.store-newer.hint") });
  }
  // Stores of older versions are never backed up by a program of this one.
  const { store, made, verifier, checkpoint } = parse(
    v.pipe(
      HeaderSchema,
      v.check(({ version }) => version === SCHEMA_VERSION),
    ),
    value,
    1,
  );
  try {
    return { store, made, verifier, head: openCheckpoint(checkpoint, verifier) };
  } catch (error) {
    if (!isMeshError(error)) throw error;
    throw invalid(msg("store-backup.head-wrong"), error);
  }
};

/** A backup as it is read: its header first, then its rows, in the order of their tables. */
interface Reading {
  readonly header: DumpHeader;
  readonly rows: AsyncGenerator<DumpedRow>;
}

const readLines = async (lines: AsyncGenerator<Buffer>, progress: Progress): Promise<Reading> => {
  const hash = createHash("sha256");
  const count = (octets: Buffer): void => void hash.update(octets).update("\n");
  const first = await lines.next();
  if (first.done === true) throw invalid(msg("store-backup.none"));
  const header = parseHeader(first.value);
  count(first.value);
  const rows = async function* (): AsyncGenerator<DumpedRow> {
    let number = 1;
    let at = -1;
    let schema: ReturnType<typeof rowSchema> | undefined;
    let ended = false;
    for await (const octets of lines) {
      number++;
      const value = parseLine(octets, number);
      if (ended) throw invalid(msg("store-backup.line-wrong", { number }));
      if (isEnd(value)) {
        const end = parse(EndSchema, value, number);
        const right = end.lines === number - 1 && end.sha256 === hash.digest("base64url") && at === TABLES.length - 1;
        if (!right) throw invalid(msg("store-backup.checksum"));
        ended = true;
        continue;
      }
      count(octets);
      if (number % PROGRESS === 0) await progress(number);
      const table = TABLES[at];
      if (Array.isArray(value) && table && schema) {
        yield { table, values: parse(schema, value, number) };
        continue;
      }
      const named = parse(TableSchema, value, number);
      const next = TABLES[++at];
      if (next?.name !== named.table || named.columns.join() !== Object.keys(next.columns).join()) {
        throw invalid(msg("store-backup.line-wrong", { number }));
      }
      schema = rowSchema(next);
    }
    if (!ended) throw invalid(msg("store-backup.unfinished"));
    await progress(number);
  };
  return { header, rows: rows() };
};

/**
 * Reads a whole backup through, from its first line to its checksum, and gives its header. Throws `backup-invalid` for what is no
 * backup, damaged or cut off, and `not-supported` for one of a newer version.
 */
export const checkDump = async (
  pieces: AsyncIterable<Uint8Array>,
  progress: Progress = () => undefined,
): Promise<DumpHeader> => {
  const { header, rows } = await readLines(linesOf(pieces), progress);
  while ((await rows.next()).done !== true);
  return header;
};

/** Takes the leaves of a log in order, and writes their tiles. Only the right edge of the tree is kept. */
const createTiles = (sql: Sql) => {
  const edge = new Map<number, { readonly index: number; readonly hashes: Uint8Array }>();
  const read = (level: number, index: number): Uint8Array | undefined => {
    const tile = edge.get(level);
    return tile?.index === index ? tile.hashes : undefined;
  };
  let size = 0;
  let waiting: Buffer[] = [];
  const flush = (): void => {
    for (const { level, index, hashes } of appendLeaves(size, waiting, read)) {
      edge.set(level, { index, hashes });
      sql.write(
        "INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes",
        level,
        index,
        hashes,
      );
    }
    size += waiting.length;
    waiting = [];
  };
  return {
    size: () => size + waiting.length,
    add: (data: Uint8Array): void => {
      waiting.push(leafHash(data));
      if (waiting.length >= TILE_WIDTH) flush();
    },
    root: (): Buffer => {
      flush();
      return treeRoot(size, tileReader(read));
    },
  };
};

/** What a log begins anew with: the signer of the new log, and the time now. */
export interface NewLog {
  readonly signer: LogSigner;
  readonly at: Time;
}

/** True for the error of a database that finds a row to contradict others. */
const isContradiction = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  /^(SQLITE_CONSTRAINT|SQLITE_MISMATCH|2[23][0-9A-Z]{3}$)/.test(error.code);

/**
 * Fills the tables of a store that has nothing in it, within a transaction, and gives the head that it stands at. With `newLog` the tree
 * is built anew for another log: the same leaves in the same order, without those by which the former log changed its key. Throws
 * `backup-invalid` and `not-supported` as `checkDump` does, and `backup-invalid` where the leaves do not come to the signed head.
 */
export const loadTables = async (
  sql: Sql,
  pieces: AsyncIterable<Uint8Array>,
  { newLog, progress = () => undefined }: { readonly newLog?: NewLog | undefined; readonly progress?: Progress } = {},
): Promise<DumpHeader> => {
  const { header, rows } = await readLines(linesOf(pieces), progress);
  const tiles = createTiles(sql);
  /** Where the former log changed its key: everything behind these leaves moves up. */
  const dropped: number[] = [];
  const moved = (index: number): number => index - dropped.filter((at) => at < index).length;
  let lastKey: Value | undefined;
  let waiting: DumpedRow[] = [];
  const flush = async (): Promise<void> => {
    const [first] = waiting;
    if (!first) return;
    const { name, columns } = first.table;
    const names = Object.keys(columns);
    const group = `(${names.map(() => "?").join(", ")})`;
    await sql.run(
      `INSERT INTO ${name} (${names.join(", ")}) VALUES ${waiting.map(() => group).join(", ")}`,
      ...waiting.flatMap(({ values }) => values),
    );
    waiting = [];
  };

  /** The octets of a leaf in the new log: the same but for the place and the hash of the leaf before it. */
  const moveLeaf = async (data: Buffer): Promise<Buffer> => {
    const leaf = decodeLeaf(data);
    if (!leaf.previous || dropped.length === 0) return data;
    const index = moved(leaf.previous.index);
    await flush();
    const row = (await sql.get("SELECT data FROM leaf WHERE idx = ?", index)) as { data: Buffer } | undefined;
    if (!row) throw invalid(msg("store-backup.leaf-wrong"));
    return encodeLeaf({ ...leaf, previous: { index, hash: leafHash(row.data) } });
  };

  const loadLeaf = async ({ table, values }: DumpedRow): Promise<void> => {
    const [index, key, data] = values as [number, Buffer, Buffer];
    if (index !== tiles.size() + dropped.length) throw invalid(msg("store-backup.leaf-wrong"));
    if (newLog && decodeLeaf(data).kind === "key") {
      dropped.push(index);
      return;
    }
    const content = newLog ? await moveLeaf(data) : data;
    waiting.push({ table, values: [tiles.size(), key, content] });
    tiles.add(content);
  };

  const load = async (row: DumpedRow): Promise<void> => {
    const { table, values } = row;
    if (waiting.length >= PAGE || (waiting[0] && waiting[0].table !== table)) await flush();
    if (table.name === "leaf") return loadLeaf(row);
    // Neither is of the new log: its keys begin anew.
    if (table.name === "log_key") lastKey = values[1];
    if (newLog && (table.name === "log_key" || (table.name === "log" && values[1] === "LogKey"))) return;
    const leaf = Object.keys(table.columns).indexOf("leaf");
    waiting.push(newLog && leaf >= 0 ? { table, values: values.with(leaf, moved(values[leaf] as number)) } : row);
  };

  try {
    for await (const row of rows) await load(row);
    await flush();
  } catch (error) {
    if (isContradiction(error) || isMeshError(error, "proof-invalid"))
      throw invalid(msg("store-backup.contradiction"), error);
    throw error;
  }
  const size = tiles.size();
  const root = tiles.root();
  if (!newLog && (size !== header.head.size || !root.equals(header.head.root))) {
    throw invalid(msg("store-backup.leaf-wrong"));
  }
  if (lastKey !== header.verifier) throw invalid(msg("store-backup.contradiction"));
  const { verifier, head } = newLog ? beginLog(newLog, size, root) : header;
  if (newLog) await sql.run("INSERT INTO log_key (number, verifier, change) VALUES (1, ?, NULL)", verifier);
  await sql.run(
    "INSERT INTO head (number, size, root, checkpoint, time, verifier) VALUES (1, ?, ?, ?, ?, ?)",
    size,
    root,
    head.note,
    head.time.getTime(),
    verifier,
  );
  await sql.run("UPDATE meta SET value = ? WHERE name = 'id'", header.store);
  return { ...header, verifier, head };
};

const beginLog = ({ signer, at }: NewLog, size: number, root: Buffer): { verifier: string; head: Checkpoint } => {
  const { origin, verifier } = signer;
  const note = signer.sign(checkpointText({ origin, size, root, time: new Date(at) }));
  return { verifier, head: openCheckpoint(note, verifier) };
};

/** Removes every row of the tables that a backup fills, and what follows from them. */
export const clearTables = async (sql: Sql): Promise<void> => {
  for (const name of ["head", "tile", ...TABLES.map((table) => table.name).reverse()])
    await sql.run(`DELETE FROM ${name}`);
};
