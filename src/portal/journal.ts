import { harmless } from "./answer.js";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["json", "text", "none"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export type FieldValue = string | number | boolean | readonly string[] | undefined;

/** What a portal says of itself, a line for each event. (Its log of published records is another thing.) */
export interface Journal {
  /** Fields come behind the time, the level and the event, in their order; those that are undefined are left out. */
  note(level: LogLevel, event: string, fields?: Readonly<Record<string, FieldValue>>): void;
  /** Resolves when everything is written. */
  flush(): Promise<void>;
}

export interface JournalOptions {
  readonly format: LogFormat;
  /** Events of a lower level are left out. */
  readonly level: LogLevel;
  readonly now: () => Date;
  readonly write: (text: string) => Promise<void>;
  /** Fields that every line has. */
  readonly always?: Readonly<Record<string, FieldValue>>;
  /** Told how many lines were lost, since they could not be written as fast as they came. */
  readonly onDropped?: (lines: number) => void;
}

/** Several processes write to one pipe: what is written at once and is no longer than this stays in one piece (POSIX's PIPE_BUF). */
const MAX_PIECE = 4096;
/** What waits to be written. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Lines are gathered for so many milliseconds. */
const DELAY = 20;
const MAX_TEXT = 2000;

const textValue = (value: Exclude<FieldValue, undefined>): string => {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /^[\w.:/@+[\]-]+$/.test(text) ? text : JSON.stringify(text);
};

const textLine = (fields: Readonly<Record<string, FieldValue>>): string => {
  const { time, level, event, ...others } = fields;
  const known = Object.entries(others).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${textValue(value)}`],
  );
  return [time, level, event, ...known].join(" ");
};

/** Text of foreign origin in one line, without what would move a cursor. */
const bounded = (value: FieldValue): FieldValue =>
  typeof value === "string" ? harmless(value.slice(0, MAX_TEXT)) : value;

/** Opens a journal. Nobody waits for it: what cannot be written in time is dropped, and counted. */
export const createJournal = (options: JournalOptions): Journal => {
  const { format, level: least, now, write, always = {}, onDropped } = options;
  const lines: string[] = [];
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const takePiece = (): string => {
    let piece = lines.shift() ?? "";
    for (let next = lines[0]; next !== undefined && piece.length + next.length <= MAX_PIECE; next = lines[0]) {
      piece += next;
      lines.shift();
    }
    waiting -= piece.length;
    return piece;
  };
  const writeAll = async (): Promise<void> => {
    while (lines.length > 0) {
      const count = lines.length;
      const piece = takePiece();
      try {
        await write(piece);
      } catch {
        // Nobody reads any more. The portal goes on all the same.
        onDropped?.(count - lines.length);
      }
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => (writing = undefined));
    return writing;
  };
  return {
    note: (level, event, fields = {}) => {
      if (format === "none" || LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(least)) return;
      const known = Object.entries({ ...always, ...fields }).map(([name, value]) => [name, bounded(value)]);
      const all = { time: now().toISOString(), level, event, ...Object.fromEntries(known) } as Record<
        string,
        FieldValue
      >;
      const line = `${format === "json" ? JSON.stringify(all) : textLine(all)}\n`;
      if (waiting + line.length > MAX_WAITING) {
        onDropped?.(1);
        return;
      }
      lines.push(line);
      waiting += line.length;
      timer ??= setTimeout(() => void flush(), DELAY);
    },
    flush: async () => {
      await flush();
      // What came meanwhile.
      await flush();
    },
  };
};
