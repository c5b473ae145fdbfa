import { MeshError } from "../errors.js";
import { createVerifier } from "../mesh/verification.js";
import type { Run } from "./context.js";
import { readNamedFile } from "./input.js";
import { table } from "./output.js";

const MAX_INPUT = 256 * 1024 * 1024;

export const run: Run = async (context, input) => {
  const verifier = createVerifier();
  for (const file of input.arguments(0)) {
    const octets = file === "-" ? await context.deps.readStdin(MAX_INPUT) : readNamedFile(context, file, MAX_INPUT);
    if (octets.length > MAX_INPUT) throw new MeshError("too-large", "The input is larger than 256 MiB.");
    const sink = verifier.add(file);
    sink.write(octets);
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
