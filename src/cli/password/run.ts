import { constants } from "node:os";
import { MeshError } from "../../errors.js";
import { systemCode } from "../../keystore/durable.js";
import { parseEnvFile } from "../../mesh/application/password/env-file.js";
import { hasReference, referencesIn, replaceReferences } from "../../mesh/application/password/reference.js";
import { decodeUtf8 } from "../../mesh/bytes.js";
import { msg } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { resolveReferences } from "./resolve.js";

const MAX_ENV_FILE = 1024 * 1024;
/** What shells say of a program that a signal has ended. */
const SIGNAL_BASE = 128;

type Environment = Readonly<Record<string, string>>;

export const run: Run = async (context, input) => {
  const [command = "", ...words] = input.arguments(0);
  if (command === "") throw new MeshError("usage", msg("password.no-command"));
  const env = await resolvedEnvironment(context, input, environmentOf(context, input));
  // With --json standard output is one document, so what the command prints goes to standard error.
  const status = await start(context, command, words, env);
  return { value: { exit: status }, text: () => "", exit: status };
};

/** The environment of the command, with the references in it as they are. Throws `usage`, `file-unreadable`. */
const environmentOf = (context: Context, input: Input): Environment => {
  const own = Object.entries(context.deps.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const files = input.list("envFile").flatMap((path) => {
    const octets = readNamedFile(context, path, MAX_ENV_FILE);
    let text: string;
    try {
      text = decodeUtf8(octets);
    } catch (cause) {
      throw new MeshError("usage", msg("password.not-text", { what: path }), { cause });
    }
    const parsed = parseEnvFile(text);
    if ("line" in parsed) throw new MeshError("usage", msg("password.env-file-line", { path, line: parsed.line }));
    return parsed.variables;
  });
  return Object.fromEntries([...own, ...files]);
};

/** The same with what the references stand for. All of them are looked up before anything is put in. */
const resolvedEnvironment = async (context: Context, input: Input, env: Environment): Promise<Environment> => {
  const holding = Object.entries(env).filter(([, value]) => hasReference(value));
  const resolved = await resolveReferences(
    context,
    input,
    holding.flatMap(([, value]) => referencesIn(value)),
  );
  const replaced = holding.map(([name, value]) => {
    const text = replaceReferences(value, (reference) => resolved.get(reference.text) ?? "");
    if (text.includes("\0")) throw new MeshError("reference-unresolved", msg("password.env-nul", { name }));
    return [name, text] as const;
  });
  return { ...env, ...Object.fromEntries(replaced) };
};

const start = async (
  context: Context,
  command: string,
  words: readonly string[],
  env: Environment,
): Promise<number> => {
  const { deps, globals } = context;
  try {
    const program = await deps.startProgram({
      command,
      arguments: words,
      env,
      piped: false,
      forwarding: true,
      ...(globals.json && { output: "stderr" }),
    });
    const { status, signal } = await program.ended;
    if (status !== undefined) return status;
    const numbers: Readonly<Record<string, number | undefined>> = constants.signals;
    return SIGNAL_BASE + (numbers[signal ?? ""] ?? 0);
  } catch (cause) {
    const reason = systemCode(cause);
    if (reason === undefined) throw cause;
    throw new MeshError("usage", msg("password.not-started", { command, reason }), {
      cause,
      hint: msg("password.not-started.hint"),
    });
  }
};
