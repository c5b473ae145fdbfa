/** Variables of a file, in their order; the last of a name counts. Or the line that is none. */
export type EnvFile =
  { readonly variables: readonly (readonly [name: string, value: string])[] } | { readonly line: number };

const UNQUOTED = /^[^#'"\s](?:[^#]|(?<=\S)#)*$/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

const valueOf = (text: string): string | undefined => {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const single = /^'([^']*)'\s*(?:#.*)?$/.exec(trimmed)?.[1];
  if (single !== undefined) return single;
  const double = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(trimmed)?.[1];
  if (double !== undefined) return double.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
  const plain = trimmed.replace(/\s+#.*$/, "");
  return plain.startsWith("#") ? "" : UNQUOTED.test(plain) ? plain : undefined;
};

/**
 * Reads lines of `NAME=value`, as files named `.env` have them: with `export` in front or not, in quotes or not, with comments behind `#`.
 * Nothing is put in for what looks like a variable.
 */
export const parseEnvFile = (text: string): EnvFile => {
  const variables: (readonly [string, string])[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, rest] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/.exec(line) ?? [];
    const value = rest === undefined ? undefined : valueOf(rest);
    if (name === undefined || value === undefined || value.includes("\0")) return { line: index + 1 };
    variables.push([name, value]);
  }
  return { variables };
};
