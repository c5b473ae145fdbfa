import { createHmac, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import type { Deps } from "../../deps.js";
import { clipboardTools, type ClipboardTool } from "./clipboard-tools.js";

const INPUT_LIMIT = 256 * 1024;
/** What is in the clipboard may be long; then it is not ours. */
const PASTE_LIMIT = 1024 * 1024;
/** For one program, in milliseconds. */
const TIMEOUT = 5_000;

const RequestSchema = v.strictObject({
  platform: v.string(),
  env: v.record(v.string(), v.optional(v.string())),
  seconds: v.pipe(v.number(), v.minValue(1), v.maxValue(3600)),
});
type Environment = Readonly<Record<string, string | undefined>>;

/** Runs a program to its end, or kills it where it takes too long. Gives what it prints, or undefined where it fails. */
const runTool = async (
  deps: Deps,
  env: Environment,
  [command, ...words]: readonly [string, ...string[]],
  input: Buffer | undefined,
): Promise<Buffer | undefined> => {
  const isCopying = input !== undefined;
  const chunks: Buffer[] = [];
  try {
    const program = await deps.startProgram({
      command,
      arguments: words,
      env,
      piped: true,
      // Some stay behind for as long as they have the text, and would keep a pipe open.
      ...(isCopying && { output: "none" }),
    });
    const timer = setTimeout(() => program.kill("SIGKILL"), TIMEOUT);
    let length = 0;
    program.pipes?.stderr.resume();
    program.pipes?.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > PASTE_LIMIT) program.kill("SIGKILL");
    });
    program.input?.end(input ?? "");
    try {
      const { status } = await program.ended;
      return status === 0 ? Buffer.concat(chunks) : undefined;
    } finally {
      clearTimeout(timer);
    }
  } catch {
    return undefined;
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
};

const encoded = (text: Buffer, { encoding }: ClipboardTool): Buffer =>
  encoding === "utf8" ? Buffer.from(text) : Buffer.from(`\ufeff${text.toString("utf8")}`, "utf16le");

/** The first program that takes the text. */
const copy = async (
  deps: Deps,
  env: Environment,
  tools: readonly ClipboardTool[],
  text: Buffer,
): Promise<ClipboardTool | undefined> => {
  for (const tool of tools) {
    const input = encoded(text, tool);
    const isDone = (await runTool(deps, env, tool.copy, input)) !== undefined;
    input.fill(0);
    if (isDone) return tool;
  }
  return undefined;
};

/** Says whether some text is the one that was copied, without keeping that. */
const recogniser = (text: Buffer, key: Buffer): ((other: Buffer) => boolean) => {
  const digest = (octets: Buffer): Buffer => createHmac("sha256", key).update(octets).digest();
  const known = digest(text);
  return (other) => timingSafeEqual(digest(other), known);
};

/** Where a line end begins that some programs put behind the text. */
const contentOf = (octets: Buffer): Buffer => {
  const end = octets.at(-1) === 0x0a ? octets.length - 1 : octets.length;
  return octets.subarray(0, octets.at(end - 1) === 0x0d && end < octets.length ? end - 1 : end);
};

const clear = async (
  deps: Deps,
  env: Environment,
  tool: ClipboardTool,
  isOurs: (octets: Buffer) => boolean,
): Promise<void> => {
  const present = await runTool(deps, env, tool.paste, undefined);
  // Where it cannot be looked into it is cleared: a lost text is better than a password that stays.
  const isKept = present !== undefined && !isOurs(present) && !isOurs(contentOf(present));
  present?.fill(0);
  if (!isKept) await runTool(deps, env, tool.clear ?? tool.copy, Buffer.alloc(0));
};

/**
 * Puts what stands behind the first line of standard input into the clipboard, says so in a line, and takes it away again when its time is
 * up, or when this process is to end.
 */
export const runClipboard = async (deps: Deps): Promise<void> => {
  const input = await deps.readStdin(INPUT_LIMIT);
  const end = input.indexOf("\n");
  const { platform, env, seconds } = v.parse(RequestSchema, JSON.parse(input.toString("utf8", 0, Math.max(0, end))));
  const text = input.subarray(end + 1);
  const tool = await copy(deps, env, clipboardTools(platform, env), text);
  const isOurs = recogniser(text, deps.random(32));
  input.fill(0);
  await deps.stdout.write(tool ? "done\n" : "failed\n");
  if (!tool) return;
  await deps.sleep(seconds * 1000).catch(() => undefined);
  await clear(deps, env, tool, isOurs);
};
