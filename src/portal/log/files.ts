import { PORTAL_PATH } from "../../mesh/protocol.js";
import { encodeEntries, parseTilePath, TILE_WIDTH, type Tile } from "../../mesh/log/tiles.js";
import { remembered } from "../../mesh/remembered.js";
import { msg } from "../../messages/message.js";
import { refuse } from "../answer.js";
import type { PortalResponse } from "../context.js";
import type { PortalLog } from "./log.js";

/** A file of the log (C2SP tlog-tiles). */
export type LogFile = "checkpoint" | Tile;

/** The file of the log that a path names, where it names one. */
export const logFileAt = (path: string): LogFile | undefined => {
  if (!path.startsWith(PORTAL_PATH)) return undefined;
  const rest = path.slice(PORTAL_PATH.length);
  return rest === "checkpoint" ? rest : parseTilePath(rest);
};

/** Full bundles are some 36 KiB each. */
const MAX_BUNDLES = 256;

/** Serves the log as files. Throws a Refusal: 404 for what the head does not cover, 405 for another method than GET and HEAD. */
export const createLogFiles = (log: PortalLog): ((file: LogFile, method: string) => Promise<PortalResponse>) => {
  const bundles = remembered<number, Buffer>(MAX_BUNDLES);

  const bundleOf = async ({ index, width }: Tile): Promise<Buffer | undefined> => {
    const known = width === TILE_WIDTH ? bundles.get(index) : undefined;
    if (known) return known;
    const leaves = await log.leaves(index * TILE_WIDTH, width);
    const bundle = leaves && encodeEntries(leaves);
    if (bundle && width === TILE_WIDTH) bundles.set(index, bundle);
    return bundle;
  };

  const contentOf = async (file: Tile): Promise<Buffer> => {
    const { level, index, width } = file;
    const content = level === "entries" ? await bundleOf(file) : await log.tile({ level, index }, width);
    return content ?? refuse(404, msg("portal.log-path"));
  };

  const response = (method: string, body: Buffer, headers: Record<string, string>): PortalResponse => ({
    status: 200,
    headers: { ...headers, "content-length": String(body.length), "x-content-type-options": "nosniff" },
    body: method === "HEAD" ? Buffer.alloc(0) : body,
  });

  return async (file, method) => {
    if (method !== "GET" && method !== "HEAD") {
      refuse(405, msg("portal.log-method"), { headers: { allow: "GET, HEAD" } });
    }
    if (file === "checkpoint") {
      const { checkpoint } = await log.head();
      return response(method, Buffer.from(checkpoint), {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-cache",
      });
    }
    return response(method, await contentOf(file), {
      "content-type": "application/octet-stream",
      "cache-control": "public, max-age=31536000, immutable",
    });
  };
};
