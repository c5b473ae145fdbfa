import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendLeaves,
  decodeEntries,
  encodeEntries,
  parseTilePath,
  tileCache,
  tilePath,
  tileReader,
  tilesFor,
  tileWidth,
  type TileCache,
} from "../../../src/mesh/log/tiles.js";
import {
  consistencyNodes,
  EMPTY_ROOT,
  inclusionNodes,
  inclusionProof,
  leafHash,
  nodeHash,
  rootNodes,
  treeRoot,
  verifyInclusion,
} from "../../../src/mesh/log/tree.js";
import { refusal } from "../support.js";
import { plainRoot } from "./support.js";

const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));

type Tiles = Map<string, Buffer>;

/** The tiles of a tree whose leaves are appended in batches of these sizes. */
const built = (leaves: readonly Uint8Array[], batches: readonly number[]): Tiles => {
  const tiles: Tiles = new Map();
  let size = 0;
  for (const batch of [...batches, leaves.length]) {
    const added = leaves.slice(size, size + batch).map((leaf) => leafHash(leaf));
    for (const { level, index, hashes } of appendLeaves(size, added, (l, i) => tiles.get(`${l}/${i}`))) {
      tiles.set(`${level}/${index}`, hashes);
    }
    size += added.length;
  }
  return tiles;
};
const readerOf = (tiles: Tiles, cache?: TileCache) =>
  tileReader((level, index) => tiles.get(`${level}/${index}`), cache);

describe("the path of a tile", () => {
  test.each([
    ["tile/0/000", { level: 0, index: 0, width: 256 }],
    ["tile/0/x001/x234/067", { level: 0, index: 1234067, width: 256 }],
    ["tile/0/x001/234.p/17", { level: 0, index: 1234, width: 17 }],
    ["tile/63/999.p/255", { level: 63, index: 999, width: 255 }],
    ["tile/entries/x001/000.p/1", { level: "entries", index: 1000, width: 1 }],
    ["tile/entries/255", { level: "entries", index: 255, width: 256 }],
  ] as const)("%s", (path, tile) => {
    expect(parseTilePath(path)).toEqual(tile);
    expect(tilePath(tile.level, tile.index, tile.width)).toBe(path);
  });

  test("a full tile needs no width", () => expect(tilePath(1, 5)).toBe("tile/1/005"));

  test("every path reads back", () => {
    const level = fc.oneof(fc.constant("entries" as const), fc.integer({ min: 0, max: 63 }));
    const width = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(level, fc.maxSafeNat(), width, (...[tileLevel, index, tileWide]) => {
        const tile = { level: tileLevel, index, width: tileWide };
        expect(parseTilePath(tilePath(tileLevel, index, tileWide))).toEqual(tile);
      }),
    );
  });

  test.each([
    "",
    "tile/0",
    "tile/0/",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/x000/000",
    "tile/0/x000/x001/000",
    "tile/0/x001",
    "tile/0/001/000",
    "tile/0/x1/000",
    "tile/0/000/",
    "tile/0/000.p",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/1/",
    "tile/0/x001.p/1/000",
    "tile/entries",
    "tile/data/000",
    "tile/ENTRIES/000",
    "/tile/0/000",
    "tile//0/000",
    "tile/0/000\n",
    "tile/0/000.p/1\n",
    "tile/0/٠٠٠",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/x001/x000/x000/x000/x000/x000/000",
    `tile/0/${"x001/".repeat(20)}000`,
    "checkpoint",
  ])("%j is none", (path) => expect(parseTilePath(path)).toBeUndefined());

  test("no two paths name one tile", () => {
    const nearly = fc.stringMatching(/^tile\/(entries|\d{1,3})\/(x?\d{1,4}\/){0,3}x?\d{1,4}(\.p\/\d{0,4})?$/);
    fc.assert(
      fc.property(nearly, (path) => {
        const tile = parseTilePath(path);
        if (tile) expect(tilePath(tile.level, tile.index, tile.width)).toBe(path);
      }),
      { numRuns: 1000 },
    );
  });
});

test("tiles are as wide as the example of the specification says", () => {
  const size = 70_000;
  expect([0, 272, 273, 274].map((index) => tileWidth(0, index, size))).toEqual([256, 256, 112, 0]);
  expect([0, 1, 2].map((index) => tileWidth(1, index, size))).toEqual([256, 17, 0]);
  expect([tileWidth(2, 0, size), tileWidth(3, 0, size)]).toEqual([1, 0]);
  expect([tileWidth("entries", 273, size), tileWidth("entries", 274, size)]).toEqual([112, 0]);
  expect([tileWidth(0, 0, 256), tileWidth(1, 0, 256), tileWidth(0, 1, 256)]).toEqual([256, 1, 0]);
  expect(tileWidth(0, 0, 0)).toBe(0);
});

describe("a tree in tiles", () => {
  // Enough for a second tile of level 1.
  const many = leavesOf(66_000);
  const whole = built(many, []);

  test("has the tiles of its size and no other", () => {
    const widths = Object.fromEntries([...whole].map(([name, hashes]) => [name, hashes.length / 32]));
    for (const [name, width] of Object.entries(widths)) {
      const [level, index] = name.split("/").map(Number);
      expect(width).toBe(tileWidth(level!, index!, many.length));
    }
    expect(whole.size).toBe(258 + 2 + 1);
    expect([widths["0/257"], widths["1/1"], widths["2/0"]]).toEqual([208, 1, 1]);
  });

  test("its root is that of the leaves, at every size", () => {
    const read = readerOf(whole);
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 600, 1000]) {
      expect(treeRoot(size, read)).toEqual(plainRoot(many.slice(0, size), EMPTY_ROOT));
    }
    const halves = [many.slice(0, 65_536), many.slice(65_536)].map((part) => plainRoot(part, EMPTY_ROOT));
    expect(treeRoot(66_000, read)).toEqual(nodeHash(halves[0]!, halves[1]!));
  });

  test("in whatever batches leaves are appended, the tiles are the same", () => {
    const batch = fc.oneof(fc.integer({ min: 0, max: 600 }), fc.constantFrom(0, 1, 255, 256, 257, 512));
    const text = (tiles: Tiles): string =>
      [...tiles]
        .map(([name, hashes]) => `${name} ${hashes.toString("hex")}`)
        .sort()
        .join("\n");
    fc.assert(
      fc.property(fc.nat({ max: 1400 }), fc.array(batch, { maxLength: 12 }), (count, batches) => {
        const leaves = many.slice(0, count);
        expect(text(built(leaves, batches)) === text(built(leaves, []))).toBe(true);
      }),
    );
    expect(text(built(many, [65_535, 1, 1, 300])) === text(whole)).toBe(true);
  });

  test("appending gives only what has changed, and does not touch what was there", () => {
    const before = whole.get("0/257")!;
    const copy = Buffer.from(before);
    const changed = appendLeaves(66_000, [leafHash(Buffer.from("one more"))], (l, i) => whole.get(`${l}/${i}`));
    expect(changed.map(({ level, index }) => [level, index])).toEqual([[0, 257]]);
    expect(changed[0]!.hashes.subarray(0, -32)).toEqual(before);
    expect(before).toEqual(copy);
    expect(appendLeaves(66_000, [], () => undefined)).toEqual([]);
  });

  test("tiles that are not as wide as the size says are damage", () => {
    const hash = leafHash(Buffer.from("one more"));
    expect(refusal(() => appendLeaves(5, [hash], () => undefined))).toBe("state-corrupt");
    expect(refusal(() => appendLeaves(5, [hash], () => Buffer.alloc(4 * 32)))).toBe("state-corrupt");
    expect(refusal(() => appendLeaves(5, [hash], () => Buffer.alloc(6 * 32)))).toBe("state-corrupt");
    expect(refusal(() => appendLeaves(5, [hash], () => Buffer.alloc(5 * 32)))).toBeUndefined();
  });

  test("every proof can be read from the tiles that were asked for", () => {
    const size = fc.integer({ min: 1, max: 66_000 });
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (to, a, b) => {
        const [index, from] = [a % to, b % to];
        const nodes = [...inclusionNodes(index, to), ...consistencyNodes(from, to), ...rootNodes(to)];
        const fetched: Tiles = new Map();
        for (const { level, index: at, width } of tilesFor(nodes, to)) {
          expect(width).toBe(tileWidth(level, at, to));
          fetched.set(`${level}/${at}`, whole.get(`${level}/${at}`)!.subarray(0, width * 32));
        }
        const read = readerOf(fetched);
        const head = { size: to, root: treeRoot(to, read) };
        const leaf = { index, hash: leafHash(many[index]!) };
        expect(verifyInclusion(leaf, head, inclusionProof(index, to, read))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("one node needs one tile, named once", () => {
    const nodes = [
      { level: 0, index: 256 },
      { level: 7, index: 2 },
      { level: 8, index: 0 },
      { level: 0, index: 257 },
    ];
    expect(tilesFor(nodes, 600)).toEqual([
      { level: 0, index: 1, width: 256 },
      { level: 1, index: 0, width: 2 },
    ]);
  });

  test("what a tile lacks is missing, whether at its end or in the middle of a node", () => {
    const tiles: Tiles = new Map([["0/0", whole.get("0/0")!.subarray(0, 3 * 32)]]);
    const read = readerOf(tiles);
    expect(read(1, 0)).toEqual(plainRoot(many.slice(0, 2), EMPTY_ROOT));
    expect(refusal(() => read(0, 3))).toBe("proof-missing");
    expect(refusal(() => read(1, 1))).toBe("proof-missing");
    expect(refusal(() => read(2, 0))).toBe("proof-missing");
    expect(refusal(() => read(8, 0))).toBe("proof-missing");
    expect(refusal(() => read(0, 256))).toBe("proof-missing");
  });

  test("a reader asks for each tile once", () => {
    const asked: string[] = [];
    const read = tileReader((level, index) => {
      asked.push(`${level}/${index}`);
      return whole.get(`${level}/${index}`);
    });
    for (const index of [0, 1, 2, 300, 301]) inclusionProof(index, 1000, read);
    expect(asked.length).toBe(new Set(asked).size);
  });
});

describe("a cache of inner nodes", () => {
  const leaves = leavesOf(700);

  test("gives what a fresh reader computes, while the tree grows, shrinks and changes", () => {
    const cache = tileCache(3);
    const step = fc.record({ size: fc.integer({ min: 1, max: 700 }), history: fc.constantFrom("a", "b") });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        for (const { size, history } of steps) {
          const mine = leaves
            .slice(0, size)
            .map((leaf, index) => (history === "b" && index >= 100 ? Buffer.from(`b ${index}`) : leaf));
          const tiles = built(mine, []);
          const read = readerOf(tiles, cache);
          expect(treeRoot(size, read)).toEqual(plainRoot(mine, EMPTY_ROOT));
          const index = size - 1;
          expect(inclusionProof(index, size, read)).toEqual(inclusionProof(index, size, readerOf(tiles)));
        }
      }),
      { numRuns: 15 },
    );
  });

  test("two readers of one cache at two sizes do not mix", () => {
    const cache = tileCache();
    const [small, large] = [100, 200].map((size) => readerOf(built(leaves.slice(0, size), []), cache));
    expect(treeRoot(100, small!)).toEqual(plainRoot(leaves.slice(0, 100), EMPTY_ROOT));
    expect(treeRoot(200, large!)).toEqual(plainRoot(leaves.slice(0, 200), EMPTY_ROOT));
    expect(treeRoot(64, small!)).toEqual(plainRoot(leaves.slice(0, 64), EMPTY_ROOT));
    expect(refusal(() => treeRoot(101, small!))).toBe("proof-missing");
  });
});

describe("entry bundles", () => {
  const entry = fc.uint8Array({ maxLength: 300 });

  test("are read back", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 256 }), (entries) => {
        expect(decodeEntries(encodeEntries(entries))).toEqual(entries.map((octets) => Buffer.from(octets)));
      }),
    );
    expect(encodeEntries([Buffer.from("ab"), Buffer.alloc(0)]).toString("hex")).toBe("000261620000");
    expect(decodeEntries(encodeEntries([Buffer.alloc(65_535)]))).toHaveLength(1);
  });

  test("end with their last entry, and hold no more than a tile does", () => {
    const bundle = encodeEntries([Buffer.from("abc"), Buffer.from("de")]);
    for (let length = 1; length < bundle.length; length++) {
      expect(decodeEntries(bundle.subarray(0, length))?.length).toBe(length === 5 ? 1 : undefined);
    }
    expect(decodeEntries(Buffer.concat([bundle, Buffer.of(0)]))).toBeUndefined();
    expect(decodeEntries(Buffer.alloc(2 * 256))).toHaveLength(256);
    expect(decodeEntries(Buffer.alloc(2 * 257))).toBeUndefined();
    expect(() => encodeEntries([Buffer.alloc(65_536)])).toThrow(RangeError);
  });

  test("are read in place", () => {
    const inside = Buffer.concat([Buffer.from("xx"), encodeEntries([Buffer.from("abc")]), Buffer.from("yy")]);
    expect(decodeEntries(new Uint8Array(inside.buffer, inside.byteOffset + 2, 5))).toEqual([Buffer.from("abc")]);
  });
});
