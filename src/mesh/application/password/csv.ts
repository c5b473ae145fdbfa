// Tables of text (RFC 4180), strictly: what is not quite right is not guessed at, since a password may be any text.

/** A row, and the line of the file on which it begins. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** What is wrong with a file, and on which line, counted from 1. */
export interface Fault {
  readonly line: number;
  readonly fault:
    | "encoding"
    | "utf-16"
    | "nul"
    | "quote"
    | "quote-open"
    | "quote-behind"
    | "columns"
    | "empty"
    | "header"
    | "value"
    | "json"
    | "encrypted"
    | "many"
    | "size";
}

export const isFault = (value: unknown): value is Fault =>
  typeof value === "object" && value !== null && "fault" in value && "line" in value;

const lineAt = (octets: Uint8Array, end: number): number => {
  let line = 1;
  for (let index = octets.indexOf(0x0a); index >= 0 && index < end; index = octets.indexOf(0x0a, index + 1)) line++;
  return line;
};

/** The first octet that is not UTF-8, found by halves: what a decoder accepts up to an octet it accepts up to each before. */
const firstBad = (octets: Uint8Array): number => {
  const isFine = (end: number): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(octets.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [low, high] = [0, octets.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isFine(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** The text of a file, which must be UTF-8, with or without a byte order mark. */
export const decodeFile = (octets: Uint8Array): string | Fault => {
  const [first, second] = octets;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return { line: 1, fault: "utf-16" };
  const nul = octets.indexOf(0);
  if (nul >= 0) return { line: lineAt(octets, nul), fault: nul < 2 ? "utf-16" : "nul" };
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return { line: lineAt(octets, firstBad(octets)), fault: "encoding" };
  }
};

const COMMA = 0x2c;
const QUOTE = 0x22;
const RETURN = 0x0d;
const NEWLINE = 0x0a;

/**
 * Reads rows, whose lines end with CRLF, or with LF as many programs write them. Empty lines are left out. Where there are more than
 * `most` nothing behind them is looked at.
 */
export const parseCsv = (text: string, most = Infinity): readonly Row[] | Fault => {
  const rows: Row[] = [];
  let [at, line] = [0, 1];
  let cells: string[] = [];
  let start = line;
  const endRow = (): void => {
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: start, cells });
    cells = [];
    start = ++line;
  };
  while (at < text.length || cells.length > 0) {
    if (rows.length > most) return { line: rows.at(-1)?.line ?? line, fault: "many" };
    if (text.charCodeAt(at) === QUOTE) {
      const cell: string[] = [];
      const opened = line;
      for (at++; ; at++) {
        const end = text.indexOf('"', at);
        if (end < 0) return { line: opened, fault: "quote-open" };
        const part = text.slice(at, end);
        for (let index = part.indexOf("\n"); index >= 0; index = part.indexOf("\n", index + 1)) line++;
        cell.push(part);
        at = end + 1;
        if (text.charCodeAt(at) !== QUOTE) break;
        cell.push('"');
      }
      cells.push(cell.join(""));
    } else {
      const from = at;
      let code = text.charCodeAt(at);
      while (at < text.length && code !== COMMA && code !== NEWLINE) {
        if (code === QUOTE) return { line, fault: "quote" };
        if (code === RETURN && text.charCodeAt(at + 1) === NEWLINE) break;
        code = text.charCodeAt(++at);
      }
      cells.push(text.slice(from, at));
    }
    const code = text.charCodeAt(at);
    if (at >= text.length) endRow();
    else if (code === COMMA) {
      at++;
      // A comma at the very end has an empty cell behind it.
      if (at >= text.length) {
        cells.push("");
        endRow();
      }
    } else if (code === NEWLINE || (code === RETURN && text.charCodeAt(at + 1) === NEWLINE)) {
      at += code === NEWLINE ? 1 : 2;
      endRow();
    } else return { line, fault: "quote-behind" };
  }
  return rows.length > most ? { line: rows.at(-1)?.line ?? line, fault: "many" } : rows;
};

const formatCell = (cell: string): string => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Rows as text, each line ended as `lineEnd` says. Cells are written as they are: nothing is put in front of what a table program might calculate. */
export const formatCsv = (rows: readonly (readonly string[])[], lineEnd = "\r\n"): string =>
  rows
    .map((cells) => (cells.length === 1 && cells[0] === "" ? '""' : cells.map(formatCell).join(",")) + lineEnd)
    .join("");
