import * as v from "valibot";
import { isMeshError, MeshError } from "../errors.js";
import { decodeUtf8, utf8 } from "../mesh/bytes.js";
import { parseStrictJson } from "../mesh/json.js";
import { parseWith, problem } from "../mesh/schema.js";
import { msg, type Message } from "../messages/message.js";
import { readPrivateFile } from "./durable.js";
import { refuseNoFolder, type Home } from "./home.js";

/** How a JSON file of the home is read: its version-1 shape, its greatest length, and what to say where it is damaged. */
export interface Format<Schema extends v.GenericSchema> {
  readonly schema: Schema;
  readonly limit: number;
  readonly code: "keystore-corrupt" | "state-corrupt";
  readonly hint: Message;
}

const VersionSchema = v.object({ version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) });

/** A binary value: canonical unpadded base64url of `minimum` to `maximum` octets. */
export const octetsSchema = (minimum: number, maximum = minimum) =>
  v.pipe(
    v.string(),
    v.maxLength(Math.ceil((maximum * 4) / 3)),
    v.check((text) => {
      const octets = Buffer.from(text, "base64url");
      return octets.toString("base64url") === text && octets.length >= minimum && octets.length <= maximum;
    }, problem("problem.binary-length")),
  );

/** What a file held when it was read, which nobody changes: the same octets need not be understood again. */
export interface Remembered<Value> {
  last?: { readonly octets: Buffer; readonly value: Value };
}

/** What a file that this program has written for somebody to carry says that it is. */
export const kindOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "meshman" in value ? value.meshman : undefined;

/**
 * Reads a JSON file of the home, or gives undefined where there is none. Throws the format's code where the file is not
 * what we wrote, `keystore-version` where a newer program wrote it, `keystore-permissions`, `no-home`, `io-failed`.
 */
export const readStored = <Schema extends v.GenericSchema>(
  home: Home,
  path: string,
  format: Format<Schema>,
  remembered: Remembered<v.InferOutput<Schema>> = {},
): v.InferOutput<Schema> | undefined => {
  const { fs, platform } = home.deps;
  const { code, hint } = format;
  try {
    const octets = readPrivateFile(fs, path, format.limit, platform);
    if (!octets) return undefined;
    if (remembered.last?.octets.equals(octets)) return remembered.last.value;
    const value = parseStrictJson(decodeUtf8(octets));
    const what = msg("keystore.what.file", { path });
    const { version } = parseWith(VersionSchema, value, code, what);
    if (version > 1) {
      throw new MeshError("keystore-version", msg("keystore.file-newer", { path, version }), {
        hint: msg("keystore.file-newer.hint"),
      });
    }
    const stored = parseWith(format.schema, value, code, what);
    remembered.last = { octets, value: stored };
    return stored;
  } catch (cause) {
    if (isMeshError(cause, "io-failed")) refuseNoFolder(home, cause.cause);
    if (isMeshError(cause, "json-invalid")) {
      throw new MeshError(code, msg("keystore.file-not-json", { path }), { hint, cause });
    }
    if (isMeshError(cause, code, "state-corrupt")) throw new MeshError(code, cause.text, { hint, cause });
    throw cause;
  }
};

/** Writes a JSON file of the home durably, inside the lock. Refuses what could not be read again: `too-large`. */
export const writeStored = (home: Home, path: string, value: object, limit: number): void => {
  const octets = utf8(`${JSON.stringify(value, undefined, 2)}\n`);
  if (octets.length > limit) throw new MeshError("too-large", msg("keystore.file-would-grow", { path, limit }));
  home.write(path, octets);
};
