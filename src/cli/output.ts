import type { Deps } from "../deps.js";
import { exitStatus, isMeshError, MeshError } from "../errors.js";
import { msg, type Message, type Translate } from "../messages/message.js";

export { exactTime, readableTime } from "../messages/time.js";

/** Text of a result: whole lines, put into words when they are printed. */
export type Text = (translate: Translate) => string;

/** What a command gives back: the object for scripts, the text for people, and an exit status that is itself a result. */
export interface Result {
  readonly value: object;
  readonly text: Text;
  /** What else a person should know: on standard error, behind the result, unless --quiet. */
  readonly note?: Message | undefined;
  readonly exit?: number;
  /**
   * True where the text is for programs, octet for octet: a password, or a file. No words of ours are in it. On a terminal it is made
   * safe for it all the same.
   */
  readonly exact?: boolean;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** Characters that move the cursor, hide, or turn text around: they are shown as escapes, wherever they come from. */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text of foreign origin, made safe for a terminal. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The same for text of several lines, whose line ends are ours: names in it have been made safe before. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

/** What stands in a cell or behind a label: words of ours, or a name, an identifier or a time. */
export type Cell = Message | string;

const worded = (cell: Cell, translate: Translate): string =>
  printable(typeof cell === "string" ? cell : translate(cell));

/** Sentences, a line each, whatever stands in the names that they quote. */
export const lines =
  (...messages: readonly Message[]): Text =>
  (translate) =>
    messages.map((message) => `${printable(translate(message))}\n`).join("");

/** Lines that are the same in every language: shares, records, commands to type. */
export const raw =
  (text: string): Text =>
  () =>
    text;

/** Several texts, one below the other. */
export const stack =
  (...texts: readonly (Text | undefined)[]): Text =>
  (translate) =>
    texts.map((text) => text?.(translate) ?? "").join("");

/** An empty line between texts. */
export const gap: Text = () => "\n";

/** Characters that take up two columns of a terminal (East Asian Wide and Fullwidth), and those that take up none. */
const columnClasses = (): { wide: RegExp; none: RegExp } => ({
  wide: /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u,
  none: /[\u1160-\u11ff\ud7b0-\ud7ff]|\p{Mn}|\p{Me}/u,
});

/** How many columns of a terminal a text takes up. */
export const columns = (text: string): number => {
  if (/^[ -~]*$/.test(text)) return text.length;
  const { wide, none } = columnClasses();
  return [...text].reduce((sum, character) => sum + (none.test(character) ? 0 : wide.test(character) ? 2 : 1), 0);
};

const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - columns(text)));

/** Lines of `label  value`, the values aligned. Rows without a value are left out. */
export const fields =
  (rows: readonly (readonly [label: Cell, value: Cell | undefined])[]): Text =>
  (translate) => {
    const shown = rows.flatMap(([label, value]) =>
      value === undefined ? [] : [[worded(label, translate), worded(value, translate)] as const],
    );
    const width = Math.max(0, ...shown.map(([label]) => columns(label)));
    return shown.map(([label, value]) => `${pad(label, width)}  ${value}\n`).join("");
  };

/** Aligned columns under headings (`undefined` for a column of marks), or `empty` where there are no rows. */
export const table =
  (headings: readonly (Message | undefined)[], rows: readonly (readonly Cell[])[], empty: Message): Text =>
  (translate) => {
    if (rows.length === 0) return `${translate(empty)}\n`;
    const cells = [
      headings.map((heading) => (heading ? translate(heading) : "")),
      ...rows.map((row) => row.map((cell) => worded(cell, translate))),
    ];
    const widths = headings.map((_, column) => Math.max(...cells.map((line) => columns(line[column] ?? ""))));
    return cells
      .map(
        (line) =>
          `${line
            .map((cell, column) => pad(cell, widths[column] ?? 0))
            .join("  ")
            .trimEnd()}\n`,
      )
      .join("");
  };

/** Loads the words when there is something to say. */
export type Translator = () => Promise<Translate>;

/**
 * Says something on standard error. What cannot be said there is lost: it changes neither what was done nor the exit status,
 * which a script goes by.
 */
export const say = async (deps: Deps, text: string): Promise<void> => {
  await deps.stderr.write(text).catch(() => undefined);
};

/** Prints a result: one JSON document, or its text. */
export const printResult = async (
  deps: Deps,
  result: Result,
  { json, quiet }: OutputOptions,
  translator: Translator,
): Promise<void> => {
  const shown = (text: string): string => (result.exact === true && !deps.stdout.isTTY ? text : printableLines(text));
  // Words take longer to load than much else.
  const words = async (): Promise<Translate> => (result.exact === true ? ({ key }) => key : translator());
  const text = json ? `${JSON.stringify(result.value)}\n` : shown(result.text(await words()));
  if (text !== "") await deps.stdout.write(text);
  if (result.note === undefined || quiet) return;
  const note = printable((await translator())(result.note));
  await say(deps, `${deps.stderr.isTTY ? "\n" : ""}${note}\n`);
};

const unexpected = (error: unknown): MeshError => {
  if (error instanceof Error && "code" in error && "syscall" in error && error.syscall === "write") {
    const gone = error.code === "EPIPE";
    return new MeshError(
      "io-failed",
      gone ? msg("output.reader-gone") : msg("output.unwritable", { reason: String(error.code) }),
      { cause: error },
    );
  }
  return new MeshError("internal", msg("output.unexpected"), { hint: msg("output.unexpected.hint"), cause: error });
};

/** Prints an error, on standard output as JSON or on standard error as text, and gives the exit status. */
export const printError = async (
  deps: Deps,
  thrown: unknown,
  { json, color, verbose }: OutputOptions & { verbose: boolean },
  translator: Translator,
): Promise<number> => {
  const error = isMeshError(thrown)
    ? thrown
    : deps.signal.aborted
      ? new MeshError("interrupted", msg("interrupted"))
      : unexpected(thrown);
  const { code } = error;
  const translate = await translator();
  const message = printable(translate(error.text));
  const hint = error.hint && printable(translate(error.hint));
  const paint = (style: string, text: string): string => (color ? `\u001b[${style}m${text}\u001b[0m` : text);
  const tell = async (): Promise<void> => {
    await say(deps, `${paint("31", translate(msg("output.error")))} ${message}\n`);
    if (hint !== undefined) await say(deps, `${paint("36", translate(msg("output.hint")))} ${hint}\n`);
  };
  if (json) {
    const value = { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
    // Standard error is left where nothing more can be written to standard output.
    await deps.stdout.write(`${JSON.stringify(value)}\n`).catch(tell);
  } else {
    await tell();
  }
  if (verbose) await say(deps, causes(error, translate));
  return exitStatus(code);
};

/** The chain of causes. Messages of ours hold no secrets; those of libraries may quote what they were given, so only their names show. */
const causes = (error: unknown, translate: Translate): string => {
  const found: string[] = [];
  for (let cause = error; cause instanceof Error && found.length < 8; cause = cause.cause) {
    const code = "code" in cause ? String(cause.code) : "";
    const place = cause.stack?.split("\n").find((line) => line.includes("    at ")) ?? "";
    const own = isMeshError(cause) ? translate(cause.text) : "syscall" in cause ? cause.message : undefined;
    const says = own === undefined ? "" : `: ${printable(own)}`;
    found.push(`  ${cause.name} ${code}${says}\n    ${printable(place.trim())}\n`);
  }
  return found.join("");
};
