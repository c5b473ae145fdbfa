import { resolve } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import { createVerifier } from "../mesh/verification.js";
import type { Context, Run } from "./context.js";
import { table } from "./output.js";

/** A file or standard input, piece by piece, so that its size does not matter. Throws `file-unreadable`. */
async function* read(context: Context, file: string): AsyncGenerator<Buffer> {
  try {
    yield* context.deps.openStream(file === "-" ? file : resolve(context.deps.cwd, file));
  } catch (cause) {
    if (isMeshError(cause)) throw cause;
    throw new MeshError("file-unreadable", `The file ${file} cannot be read.`, {
      cause,
      hint: "Check the path, and that you may read the file.",
    });
  }
}

export const run: Run = async (context, input) => {
  const verifier = createVerifier();
  for (const file of input.arguments(0)) {
    const sink = verifier.add(file);
    for await (const octets of read(context, file)) sink.write(octets);
    sink.end();
  }
  const { ok, records } = verifier.finish();
  const rows = records.map((record) => [
    record.ok ? "ok" : "BAD",
    record.type,
    record.identifier,
    record.format,
    record.reason ?? "",
    record.file,
  ]);
  const bad = records.filter((record) => !record.ok).length;
  return {
    value: { ok, records },
    text:
      table(["", "TYPE", "IDENTIFIER", "FORMAT", "REASON", "FILE"], rows, "No signed records.") +
      `\n${records.length} signatures checked, ${bad === 0 ? "all good" : `${bad} bad`}.\n`,
    ...(ok ? {} : { exit: 7 }),
  };
};
