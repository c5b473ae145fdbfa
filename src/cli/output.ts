import type { Deps } from "../deps.js";
import { exitStatus, isMeshError, MeshError } from "../errors.js";

/** What a command gives back: the object for scripts, the text for people, and an exit status that is itself a result. */
export interface Result {
  readonly value: object;
  readonly text: string;
  /** What else a person should know: on standard error, behind the result, unless --quiet. */
  readonly note?: string;
  readonly exit?: number;
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

/** Lines of `label  value`, the values aligned. Rows without a value are left out. */
export const fields = (rows: readonly (readonly [label: string, value: string | undefined])[]): string => {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== undefined);
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}\n`).join("");
};

/** Aligned columns under headings, or `empty` where there are no rows. */
export const table = (headings: readonly string[], rows: readonly (readonly string[])[], empty: string): string => {
  if (rows.length === 0) return `${empty}\n`;
  const lines = [headings, ...rows.map((row) => row.map(printable))];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
};

/** A duration or a date as a person reads it: local conventions differ, so it is always `YYYY-MM-DD HH:MM UTC`. */
export const readableTime = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

/** Prints a result: one JSON document, or its text. */
export const printResult = async (deps: Deps, result: Result, { json, quiet }: OutputOptions): Promise<void> => {
  const text = json ? `${JSON.stringify(result.value)}\n` : printableLines(result.text);
  if (text !== "") await deps.stdout.write(text);
  if (result.note !== undefined && !quiet) await deps.stderr.write(`${deps.stderr.isTTY ? "\n" : ""}${result.note}\n`);
};

const unexpected = (error: unknown): MeshError => {
  if (error instanceof Error && "code" in error && "syscall" in error && error.syscall === "write") {
    const gone = error.code === "EPIPE";
    return new MeshError(
      "io-failed",
      gone
        ? "Whoever read the output went away before all of it was written."
        : `The output cannot be written: ${String(error.code)}.`,
      { cause: error },
    );
  }
  return new MeshError("internal", "Something went wrong that should not have.", {
    hint: "Please report it, with what you typed. `--verbose` shows more.",
    cause: error,
  });
};

/** Prints an error, on standard output as JSON or on standard error as text, and gives the exit status. */
export const printError = async (
  deps: Deps,
  thrown: unknown,
  { json, color, verbose }: OutputOptions & { verbose: boolean },
): Promise<number> => {
  const error = isMeshError(thrown)
    ? thrown
    : deps.signal.aborted
      ? new MeshError("interrupted", "Interrupted.")
      : unexpected(thrown);
  const { code, hint } = error;
  const message = printable(error.message);
  const paint = (style: string, text: string): string => (color ? `\u001b[${style}m${text}\u001b[0m` : text);
  if (json) {
    const value = { error: { code, message, ...(hint === undefined ? {} : { hint: printable(hint) }) } };
    await deps.stdout.write(`${JSON.stringify(value)}\n`);
  } else {
    await deps.stderr.write(`${paint("31", "error:")} ${message}\n`);
    if (hint !== undefined) await deps.stderr.write(`${paint("36", "hint:")} ${printable(hint)}\n`);
  }
  if (verbose) await deps.stderr.write(causes(error));
  return exitStatus(code);
};

/** The chain of causes. Messages of ours hold no secrets; those of libraries may quote what they were given, so only their names show. */
const causes = (error: unknown): string => {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error && lines.length < 8; cause = cause.cause) {
    const code = "code" in cause ? String(cause.code) : "";
    const place = cause.stack?.split("\n").find((line) => line.includes("    at ")) ?? "";
    const own = isMeshError(cause) || "syscall" in cause;
    lines.push(
      `  ${cause.name} ${code}${own ? `: ${printable(cause.message)}` : ""}\n    ${printable(place.trim())}\n`,
    );
  }
  return lines.join("");
};
