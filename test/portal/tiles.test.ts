import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { decodeLeaf, identifierHash, accountUdf } from "../../src/mesh/log/leaf.js";
import { decodeEntries, TILE_WIDTH, tilePath, tileReader, tileWidth } from "../../src/mesh/log/tiles.js";
import { leafHash, treeRoot, verifyInclusion, inclusionProof } from "../../src/mesh/log/tree.js";
import { CHECKPOINT_INTERVAL, PORTAL_PATH } from "../../src/mesh/protocol.js";
import { createTreeCache, Lacking } from "../../src/portal/log/tree-cache.js";
import type { PortalEvent, PortalResponse } from "../../src/portal/portal.js";
import { errorCode } from "../support/deps.js";
import { watch } from "../support/log.js";
import { makeRequestId } from "../support/log.js";
import { makePerson, openTestPortal, type TestPortal } from "../support/portal.js";

let portal: TestPortal;
let events: PortalEvent[];

const fetch = (path: string, { method = "GET", authority = portal.authority } = {}): Promise<PortalResponse> =>
  portal.portal.handle({ method, authority, path, headers: {}, body: Buffer.alloc(0), address: "192.0.2.1" });
const fetchFile = (path: string, options = {}) => fetch(PORTAL_PATH + path, options);

/** Makes so many accounts, each a leaf. */
const grow = async (from: number, to: number): Promise<void> => {
  const { store } = portal;
  const name = (index: number): string => `n${index}@localhost`;
  await Promise.all(
    Array.from({ length: to - from }, (_, index) =>
      store.transact((tx) => tx.createAccount(name(from + index), "MAAA", portal.clock.time)),
    ),
  );
};

beforeEach(async () => {
  events = [];
  portal = await openTestPortal({ log: (event) => events.push(event) });
});

describe("the checkpoint", () => {
  it("is the signed head, not to be kept without asking", async () => {
    await grow(0, 3);
    const { status, headers, body } = await fetchFile("checkpoint");
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" });
    expect(headers["content-length"]).toBe(String(body.length));
    const { message } = await portal.call("Hello", {});
    expect(openCheckpoint(body.toString(), message.Log.Key)).toMatchObject({ size: 3 });
    expect((await portal.call("Status", {})).message.CheckpointValue).toBe(body.toString());
    expect(events[0]).toMatchObject({ transaction: "checkpoint", status: 200 });
  });

  it("is signed anew where it is old", async () => {
    const { message } = await portal.call("Hello", {});
    const time = async () => openCheckpoint((await fetchFile("checkpoint")).body.toString(), message.Log.Key).time;
    expect(await time()).toEqual(portal.clock.now());
    portal.clock.advance(CHECKPOINT_INTERVAL * 1000 + 1);
    expect(await time()).toEqual(portal.clock.now());
  });
});

describe("tiles", () => {
  const SIZE = 256 * 3 + 77;

  it("are the whole tree, from which anyone computes the root and proves a leaf", async () => {
    await grow(0, SIZE);
    const watcher = await watch(portal);
    const { checkpoint } = await watcher.ask("Status", {});
    expect(checkpoint.size).toBe(SIZE);
    const tiles = new Map<string, Buffer>();
    const leaves: Buffer[] = [];
    for (let level = 0, hashes = SIZE; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
      for (let index = 0; index * TILE_WIDTH < hashes; index++) {
        const width = tileWidth(level, index, SIZE);
        const { status, headers, body } = await fetchFile(tilePath(level, index, width));
        expect(status).toBe(200);
        expect(headers).toMatchObject({
          "content-type": "application/octet-stream",
          "cache-control": "public, max-age=31536000, immutable",
        });
        expect(body.length).toBe(width * 32);
        tiles.set(`${level}/${index}`, body);
        if (level > 0) continue;
        const bundle = await fetchFile(tilePath("entries", index, width));
        expect(bundle.status).toBe(200);
        expect(bundle.headers["cache-control"]).toBe(headers["cache-control"]);
        leaves.push(...decodeEntries(bundle.body)!);
      }
    }
    const read = tileReader((level, index) => tiles.get(`${level}/${index}`));
    expect(treeRoot(SIZE, read)).toEqual(checkpoint.root);
    expect(leaves).toHaveLength(SIZE);
    const names = new Set(leaves.map((leaf) => decodeLeaf(leaf).identifierHash.toString("hex")));
    for (let index = 0; index < SIZE; index++) {
      expect(names.has(identifierHash(accountUdf(`n${index}@localhost`)).toString("hex"))).toBe(true);
    }
    for (const index of [0, 1, 255, 256, 511, 768, SIZE - 1]) {
      const leaf = { index, hash: leafHash(leaves[index]!) };
      expect(verifyInclusion(leaf, checkpoint, inclusionProof(index, SIZE, read))).toBe(true);
    }
    // The portal's own proofs are of this very tree, whatever it has in memory.
    for (const name of ["n0", "n300", "n844"]) {
      watcher.prove((await watcher.ask("Get", { Account: name })).message.AccountProof);
    }
  });

  it("are served as far as the head covers them, and their beginnings for ever", async () => {
    await grow(0, 300);
    const found = ["tile/0/000", "tile/0/000.p/1", "tile/0/000.p/255", "tile/0/001.p/44", "tile/0/001.p/7"];
    const more = ["tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44", "tile/entries/001.p/1"];
    const bodies = new Map<string, Buffer>();
    for (const path of [...found, ...more]) {
      const { status, body } = await fetchFile(path);
      expect({ path, status }).toEqual({ path, status: 200 });
      bodies.set(path, body);
    }
    for (const path of [
      "tile/0/001",
      "tile/0/001.p/45",
      "tile/0/002.p/1",
      "tile/0/x001/000.p/1",
      "tile/1/000",
      "tile/1/000.p/2",
      "tile/1/001.p/1",
      "tile/2/000.p/1",
      "tile/63/000.p/1",
      "tile/0/x900/x719/x925/x474/099",
      "tile/entries/001",
      "tile/entries/001.p/45",
      "tile/entries/x900/x719/x925/x474/099",
    ]) {
      const { status, headers } = await fetchFile(path);
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(headers["cache-control"]).toBe("no-store");
    }
    await grow(300, 520);
    for (const [path, body] of bodies) expect((await fetchFile(path)).body).toEqual(body);
    expect((await fetchFile("tile/0/001")).body.subarray(0, 44 * 32)).toEqual(bodies.get("tile/0/001.p/44"));
    expect((await fetchFile("tile/1/000.p/2")).status).toBe(200);
  });

  it.each([
    "tile/0/0",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/00/000",
    "tile/0/000/",
    "tile/0/../0/000",
    "tile/0/x000/000",
    "tile/64/000",
    "tile/entries/",
    "tile/Entries/000",
    "tile",
    "checkpoint/",
    "Checkpoint",
    "checkpoint.txt",
    "tile/0/%30%30%30",
  ])("have one name: %s is none", async (path) => {
    await grow(0, 257);
    expect((await fetchFile(path)).status).toBe(404);
  });

  it("may be asked for without their content, and with parameters that mean nothing", async () => {
    await grow(0, 5);
    for (const path of ["checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5"]) {
      const whole = await fetchFile(path);
      const head = await fetchFile(path, { method: "HEAD" });
      expect(head).toEqual({ ...whole, body: Buffer.alloc(0) });
      expect(await fetchFile(`${path}?x=1`)).toEqual(whole);
    }
  });

  it("are read and nothing else", async () => {
    for (const path of ["checkpoint", "tile/0/000"]) {
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const { status, headers } = await fetchFile(path, { method });
        expect({ status, allow: headers["allow"] }).toEqual({ status: 405, allow: "GET, HEAD" });
      }
    }
    expect((await fetchFile("checkpoint", { authority: "elsewhere.example" })).status).toBe(400);
    expect((await fetchFile("")).status).toBe(405);
  });

  it("have a rate of their own", async () => {
    const { store, clock } = portal;
    portal = await openTestPortal({ rateLimit: { log: 2 }, store: { ...store, close: async () => undefined } }, clock);
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await fetchFile("checkpoint")).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await portal.call("Hello", {})).status).toBe(201);
  });

  it("fail where the store does", async () => {
    await grow(0, 3);
    const { store, clock } = portal;
    const broken = { ...store, read: () => Promise.reject(new Error("gone")), close: async () => undefined };
    portal = await openTestPortal({ store: broken }, clock);
    for (const path of ["checkpoint", "tile/0/000.p/1"]) expect((await fetchFile(path)).status).toBe(500);
  });
});

describe("the tree in memory", () => {
  /** A tree of leaves that are their indices. */
  const hashes = (from: number, to: number): Buffer =>
    Buffer.concat(Array.from({ length: to - from }, (_, index) => leafHash(Buffer.from(String(from + index)))));
  let full: Buffer;
  beforeAll(() => {
    full = hashes(0, 256);
  });

  it("reads what tiles say, however they came to grow", () => {
    // What a tile of the level above holds is not looked into.
    const above = hashes(0, 1);
    const whole = new Map<string, Buffer>([
      ["0/0", full],
      ["1/0", above],
    ]);
    const expected = tileReader((level, index) => whole.get(`${level}/${index}`));
    const cache = createTreeCache();
    cache.put({ level: 1, index: 0 }, above, 256);
    for (const size of [1, 2, 3, 31, 32, 33, 200, 255, 256]) {
      cache.put({ level: 0, index: 0 }, full.subarray(0, size * 32), size);
      // What has been read before is there still, and a tile that is behind changes nothing.
      cache.put({ level: 0, index: 0 }, full.subarray(0, 32), 1);
      expect(treeRoot(size, cache.reader(size))).toEqual(treeRoot(size, expected));
    }
    for (const index of [0, 100, 255]) {
      expect(inclusionProof(index, 256, cache.reader(256))).toEqual(inclusionProof(index, 256, expected));
    }
    expect(cache.hashes({ level: 0, index: 0 }, 256)).toEqual(full);
  });

  it("knows what it lacks", () => {
    const cache = createTreeCache();
    expect(() => cache.reader(3)(0, 0)).toThrow(Lacking);
    cache.put({ level: 0, index: 0 }, full.subarray(0, 64), 2);
    expect(() => cache.reader(3)(0, 0)).toThrow(Lacking);
    expect(cache.has({ level: 0, index: 0 }, 3)).toBe(false);
    expect(cache.hashes({ level: 0, index: 0 }, 3)).toBeUndefined();
    expect(cache.leaf(0)).toBeUndefined();
  });

  it.each([
    ["nothing", () => undefined],
    ["fewer hashes than the tree has", () => full.subarray(0, 64)],
    ["a part of a hash", () => full.subarray(0, 100)],
    ["more than a tile", () => Buffer.concat([full, full.subarray(0, 32)])],
  ])("takes no tile of %s", async (_, content) => {
    const cache = createTreeCache();
    expect(await errorCode(async () => cache.put({ level: 0, index: 0 }, content(), 3))).toBe("state-corrupt");
  });

  it("forgets everything where a tile turns out to be another", () => {
    const cache = createTreeCache();
    cache.put({ level: 0, index: 0 }, full, 256);
    cache.put({ level: 0, index: 1 }, hashes(256, 260), 260);
    cache.putLeaf(7, Buffer.from("7"));
    cache.put({ level: 0, index: 1 }, hashes(300, 310), 266);
    expect(cache.has({ level: 0, index: 0 }, 256)).toBe(false);
    expect(cache.leaf(7)).toBeUndefined();
    expect(cache.hashes({ level: 0, index: 1 }, 10)).toEqual(hashes(300, 310));
  });

  it("has its bounds", () => {
    const cache = createTreeCache({ tiles: 2, leaves: 2 });
    for (let index = 0; index < 4; index++) {
      cache.put({ level: 0, index }, full, 256 * 4);
      cache.putLeaf(index, Buffer.from([index]));
    }
    expect([0, 1, 2, 3].map((index) => cache.has({ level: 0, index }, 256 * 4))).toEqual([false, false, true, true]);
    expect([0, 1, 2, 3].map((index) => cache.leaf(index)?.[0])).toEqual([undefined, undefined, 2, 3]);
  });

  it("proves every leaf of a tree of several levels of tiles", async () => {
    await grow(0, 256 * 2 + 3);
    const alice = makePerson("alice", portal.clock.now());
    await portal.createAccount("alice", alice);
    const watcher = await watch(portal);
    await watcher.ask("Status", {});
    const { message } = await portal.call("Get", { Account: "alice", Full: true, RequestID: makeRequestId() });
    watcher.prove(message.AccountProof);
    for (let index = 0; index < 515; index += 37) {
      watcher.prove((await watcher.ask("Get", { Account: `n${index}` })).message.AccountProof);
    }
  });
});
