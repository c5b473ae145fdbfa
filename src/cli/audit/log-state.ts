import { join } from "node:path";
import * as v from "valibot";
import { isMeshError } from "../../errors.js";
import { readPrivateFile, systemCode } from "../../keystore/durable.js";
import type { Home } from "../../keystore/home.js";
import { encodeBase64url, sha256, utf8 } from "../../mesh/bytes.js";
import { parseStrictJsonOctets } from "../../mesh/json.js";
import { Sha256Schema, textSchema } from "../../mesh/schema.js";
import { openChains, type Chains } from "./chains.js";

/** How far a portal's log has been verified. */
export interface LogState {
  readonly origin: string;
  /** So many full bundles. */
  readonly bundles: number;
  /** The root of the tree of their leaves. */
  readonly root: Buffer;
  /** The signed head under which that was. */
  readonly checkpoint: string;
  readonly chains: Chains;
}

/** The longest file that is read, in octets: some three million identifiers. */
const LIMIT = 256 * 1024 * 1024;

// One line of JSON, and the rows behind it.
const HeaderSchema = v.strictObject({
  meshman: v.literal("log-audit"),
  version: v.literal(1),
  portal: textSchema(4096),
  origin: textSchema(255),
  bundles: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  root: Sha256Schema,
  checkpoint: textSchema(4096),
  checksum: Sha256Schema,
});

const pathOf = (home: Home, url: string): string =>
  join(home.path, `audit-${sha256(utf8(url)).toString("hex").slice(0, 16)}.state`);

/**
 * How far this home has verified the log of a portal; undefined where it has not begun, or what it kept is damaged: then it begins
 * again. Throws `keystore-permissions` and `io-failed`.
 */
export const readLogState = (home: Home, url: string): LogState | undefined => {
  const { fs, platform } = home.deps;
  try {
    const octets = readPrivateFile(fs, pathOf(home, url), LIMIT, platform);
    const end = octets?.indexOf("\n") ?? -1;
    if (!octets || end < 0) return undefined;
    const header = v.safeParse(HeaderSchema, parseStrictJsonOctets(octets.subarray(0, end)));
    const rows = octets.subarray(end + 1);
    if (!header.success || header.output.checksum !== encodeBase64url(sha256(rows))) return undefined;
    const { portal, origin, bundles, root, checkpoint } = header.output;
    const chains = openChains(rows);
    return portal === url && chains
      ? { origin, bundles, root: Buffer.from(root, "base64url"), checkpoint, chains }
      : undefined;
  } catch (error) {
    if (isMeshError(error, "json-invalid", "state-corrupt")) return undefined;
    throw error;
  }
};

/** True where there is a home: looking at a portal does not make one. */
const exists = ({ deps, path }: Home): boolean => {
  try {
    return deps.fs.stat(path) !== undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
};

/** Keeps how far a log has been verified, durably. Gives false where it could not be kept: then it begins again next time. */
export const saveLogState = async (home: Home, url: string, state: LogState): Promise<boolean> => {
  const rows = state.chains.rows();
  if (!exists(home) || rows.length > LIMIT - 16 * 1024) return false;
  const header = {
    meshman: "log-audit",
    version: 1,
    portal: url,
    origin: state.origin,
    bundles: state.bundles,
    root: encodeBase64url(state.root),
    checkpoint: state.checkpoint,
    checksum: encodeBase64url(sha256(rows)),
  };
  try {
    await home.withLock(() =>
      home.write(pathOf(home, url), Buffer.concat([utf8(`${JSON.stringify(header)}\n`), rows])),
    );
    return true;
  } catch (error) {
    if (!isMeshError(error, "read-only", "busy")) throw error;
    return false;
  }
};
