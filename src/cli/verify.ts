import { resolve } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import { createVerifier } from "../mesh/verification.js";
import { msg } from "../messages/message.js";
import type { Context, Run } from "./context.js";
import { gap, lines, stack, table } from "./output.js";

/** A file or standard input, piece by piece, so that its size does not matter. Throws `file-unreadable`. */
async function* read(context: Context, file: string): AsyncGenerator<Buffer> {
  try {
    yield* context.deps.openStream(file === "-" ? file : resolve(context.deps.cwd, file));
  } catch (cause) {
    if (isMeshError(cause)) throw cause;
    throw new MeshError("file-unreadable", msg("file.unreadable", { path: file }), {
      cause,
      hint: msg("file.unreadable.hint"),
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
    record.ok ? msg("verify.ok") : msg("verify.bad"),
    record.type,
    record.identifier,
    record.format,
    record.reason ?? "",
    record.file,
  ]);
  const headings = [
    undefined,
    msg("heading.type"),
    msg("heading.identifier"),
    msg("heading.format"),
    msg("heading.reason"),
    msg("heading.file"),
  ];
  const count = records.length;
  const bad = records.filter((record) => !record.ok).length;
  return {
    value: { ok, records },
    text: stack(
      table(headings, rows, msg("verify.no-records")),
      gap,
      lines(bad === 0 ? msg("verify.all-good", { count }) : msg("verify.some-bad", { count, bad })),
    ),
    ...(ok ? {} : { exit: 7 }),
  };
};
