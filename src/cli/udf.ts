import { fingerprint } from "../mesh/udf.js";
import type { Run } from "./context.js";
import { readNamedFile } from "./input.js";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { raw } from "./output.js";

const MAX_INPUT = 256 * 1024 * 1024;

export const run: Run = async (context, input) => {
  const file = input.argument(0) ?? "";
  const data = file === "-" ? await context.deps.readStdin(MAX_INPUT) : readNamedFile(context, file, MAX_INPUT);
  if (data.length > MAX_INPUT) throw new MeshError("too-large", msg("udf.too-large"));
  const contentType = input.text("contentType") ?? "application/octet-stream";
  if (!/^[!-~]{1,255}$/.test(contentType)) throw new MeshError("usage", msg("udf.content-type"));
  const udf = fingerprint(contentType, data, input.whole("bits") ?? 140);
  return { value: { udf }, text: raw(`${udf}\n`) };
};
