import { fingerprint } from "../mesh/udf.js";
import type { Run } from "./context.js";
import { readNamedFile } from "./input.js";
import { MeshError } from "../errors.js";

const MAX_INPUT = 256 * 1024 * 1024;

export const run: Run = async (context, input) => {
  const file = input.argument(0) ?? "";
  const data = file === "-" ? await context.deps.readStdin(MAX_INPUT) : readNamedFile(context, file, MAX_INPUT);
  if (data.length > MAX_INPUT) throw new MeshError("too-large", "The input is larger than 256 MiB.");
  const contentType = input.text("contentType") ?? "application/octet-stream";
  if (!/^[!-~]{1,255}$/.test(contentType)) throw new MeshError("usage", "The content type is not a media type.");
  const udf = fingerprint(contentType, data, input.whole("bits") ?? 140);
  return { value: { udf }, text: `${udf}\n` };
};
