import { MeshError } from "../../errors.js";
import { referencesIn, replaceReferences } from "../../mesh/application/password/reference.js";
import { decodeUtf8 } from "../../mesh/bytes.js";
import { msg } from "../../messages/message.js";
import type { Context, Run } from "../context.js";
import { newFilePath, writeNewFile } from "../files.js";
import { readNamedFile } from "../input.js";
import { lines } from "../output.js";
import { resolveReferences } from "./resolve.js";

const MAX_TEMPLATE = 8 * 1024 * 1024;

export const run: Run = async (context, input) => {
  const out = input.text("out");
  if (out === undefined && context.globals.json) throw new MeshError("usage", msg("password.inject-json"));
  if (out !== undefined) newFilePath(context, out);
  const template = await readTemplate(context, input.argument(0) ?? "");
  const references = referencesIn(template);
  const resolved = await resolveReferences(context, input, references);
  const text = replaceReferences(template, (reference) => resolved.get(reference.text) ?? "");
  if (out === undefined) return { value: {}, text: () => text, exact: true };
  const file = writeNewFile(context, out, text);
  return {
    value: { file, references: references.length },
    text: lines(msg("password.injected", { count: references.length, file })),
  };
};

/** The text of a template. Throws `file-unreadable`, `too-large`, `usage`. */
const readTemplate = async (context: Context, path: string): Promise<string> => {
  const octets = path === "-" ? await context.deps.readStdin(MAX_TEMPLATE) : readNamedFile(context, path, MAX_TEMPLATE);
  if (octets.length > MAX_TEMPLATE)
    throw new MeshError("too-large", msg("file.too-large", { path: JSON.stringify(path) }));
  try {
    return decodeUtf8(octets);
  } catch (cause) {
    throw new MeshError("usage", msg("password.not-text", { what: path }), { cause });
  }
};
