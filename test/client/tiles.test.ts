import { describe, expect, it } from "vitest";
import { shortMemory, type LogMemory } from "../../src/client/log.js";
import { checkpointText } from "../../src/mesh/log/checkpoint.js";
import { appendLeaves, parseTilePath, tileReader } from "../../src/mesh/log/tiles.js";
import { leafHash, treeRoot } from "../../src/mesh/log/tree.js";
import { EXTENSIONS, PORTAL_PATH } from "../../src/mesh/protocol.js";
import { errorCode } from "../support/deps.js";
import { makeSigner } from "../support/log-key.js";
import { open, reply, serve, type TestServer } from "./support.js";

// What a client proves by itself out of a large log's tiles.

const signer = makeSigner();

/** A log with so many leaves, of which each is its own number. */
const makeLog = (size: number) => {
  const tiles = new Map<string, Buffer>();
  const read = (level: number, index: number): Buffer | undefined => tiles.get(`${level}/${index}`);
  const hashes = Array.from({ length: size }, (_, index) => leafHash(Buffer.from(String(index))));
  for (const { level, index, hashes: all } of appendLeaves(0, hashes, read)) tiles.set(`${level}/${index}`, all);
  const headOf = (count: number) => ({ size: count, root: treeRoot(count, tileReader(read)) });
  return { read, headOf };
};

const SIZE = 70_000;
const log = makeLog(SIZE);

/** A portal that knows nothing but its log; `partial` false where it keeps no part of a tile that has become whole. */
const serveLog = (partial: boolean): Promise<TestServer> =>
  serve((request, response) => {
    const tile = parseTilePath(request.path.slice(PORTAL_PATH.length));
    if (!tile || tile.level === "entries") {
      const { RequestID } = request.message;
      const note = signer.sign(checkpointText({ origin: signer.origin, ...log.headOf(SIZE), time: new Date() }));
      const hello = { Status: 201, Extensions: [EXTENSIONS.transparency], Log: { Key: signer.verifier } };
      reply(
        response,
        request.outer === "Hello"
          ? { HelloResponse: hello }
          : { StatusResponse: { Status: 201, RequestID, Checkpoint: note } },
      );
      return;
    }
    const hashes = log.read(tile.level, tile.index);
    const isThere = hashes && hashes.length >= tile.width * 32;
    if (!isThere || (!partial && tile.width < 256 && hashes.length === 256 * 32)) reply(response, "", 404);
    else reply(response, hashes.subarray(0, tile.width * 32));
  });

const remembering = (newest: LogMemory["newest"]): LogMemory => shortMemory({ verifier: signer.verifier, newest });

describe("a head of a large log that is known by its root alone", () => {
  it.each([true, false])("is proved to come before the present one (partial tiles: %s)", async (partial) => {
    const server = await serveLog(partial);
    for (const size of [0, 1, 2, 255, 256, 257, 300, 512, 4096, 65_535, 65_536, 65_537, 69_632, 69_999, SIZE]) {
      const memory = remembering(log.headOf(size));
      await (await open(server.url, { memory })).send("Status", {});
      expect(memory.newest?.size).toBe(SIZE);
    }
  });

  it("is noticed where it does not", async () => {
    const server = await serveLog(true);
    for (const size of [1, 256, 300, 65_536, 69_999, SIZE]) {
      const memory = remembering({ size, root: log.headOf(size === 1 ? 2 : size - 1).root });
      const client = await open(server.url, { memory });
      expect([size, await errorCode(() => client.send("Status", {}))]).toEqual([size, "log-fork"]);
    }
  });
});
