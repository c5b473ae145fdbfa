import { createVerifier } from "../mesh/verification.js";
import { msg } from "../messages/message.js";
import type { Run } from "./context.js";
import { readInPieces } from "./input.js";
import { gap, lines, stack, table } from "./output.js";

export const run: Run = async (context, input) => {
  const verifier = createVerifier();
  for (const file of input.arguments(0)) {
    const sink = verifier.add(file);
    for await (const octets of readInPieces(context, file)) sink.write(octets);
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
