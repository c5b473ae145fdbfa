import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entrySize, MAX_ENTRIES, MAX_ENTRY, type StoredEntry } from "../../../src/mesh/application/entry.js";
import { createHead, MAX_SEGMENTS, newApplicationKey, newIdentifier } from "../../../src/mesh/application/head.js";
import {
  packEntries,
  segmentsToRewrite,
  segmentTarget,
  type PlacedSegment,
} from "../../../src/mesh/application/layout.js";
import { createSegment, MAX_SEGMENT } from "../../../src/mesh/application/segment.js";
import { newDevice, newPerson, NOW, stream } from "../support.js";
import { idOf, storedEntry } from "./support.js";

interface Item {
  readonly id: string;
  readonly size: number;
}

/** Segments as a program keeps them that changes entries one after another, and what each change writes. */
const simulated = () => {
  let segments: readonly PlacedSegment[] = [];
  let items: ReadonlyMap<string, Item> = new Map();
  let made = 0;
  return {
    segments: () => segments,
    items: () => [...items.keys()],
    total: () => [...items.values()].reduce((sum, { size }) => sum + size, 0),
    /** Puts entries, or removes those without a size. Gives the octets of entries that are written. */
    change: (changes: readonly { readonly id: string; readonly size: number | undefined }[]): readonly number[] => {
      const fresh = changes.filter(({ id, size }) => !items.has(id) && size !== undefined);
      const added = fresh.reduce((sum, { size = 0 }) => sum + size, 0);
      const rewrite = new Set(segmentsToRewrite(segments, new Set(changes.map(({ id }) => id)), added));
      const next = new Map(items);
      for (const { id, size } of changes) {
        if (size === undefined) next.delete(id);
        else next.set(id, { id, size });
      }
      items = next;
      const opened = segments.filter(({ identifier }) => rewrite.has(identifier)).flatMap(({ entries }) => entries);
      const written = [...opened, ...fresh.map(({ id }) => id)].flatMap((id) => items.get(id) ?? []);
      const total = [...items.values()].reduce((sum, { size }) => sum + size, 0);
      const packed = packEntries(written, segmentTarget(total)).map((list) => ({
        identifier: `segment ${made++}`,
        size: list.reduce((sum, { size }) => sum + size, 0),
        entries: list.map(({ id }) => id),
      }));
      segments = [...segments.filter(({ identifier }) => !rewrite.has(identifier)), ...packed];
      return packed.map(({ size }) => size);
    },
  };
};

const numbered = (count: number, size: number, first = 0) =>
  Array.from({ length: count }, (_, index) => ({ id: `${first + index}`, size }));

/** Octets of head and segments, as docs/protocol.md has them. */
const uploadOf = (written: readonly number[], segments: number): number =>
  written.reduce((sum, size) => sum + size * (16 / 9) + 900, 0) + segments * 112 + 3000;

describe("how entries are put into segments", () => {
  test("grows with what there is", () => {
    expect(segmentTarget(0)).toBe(2048);
    expect(segmentTarget(1_000_000)).toBeGreaterThan(7000);
    expect(segmentTarget(1_000_000_000)).toBe(65536);
  });

  test("fills one after another", () => {
    expect(packEntries(numbered(7, 30), 100).map((list) => list.length)).toEqual([3, 3, 1]);
    expect(packEntries([], 100)).toEqual([]);
    const sizes = packEntries([...numbered(2, 30), ...numbered(1, 500), ...numbered(1, 30)], 100);
    expect(sizes.map((list) => list.map(({ size }) => size))).toEqual([[30, 30], [500], [30]]);
    // Whatever is packed has room in a record.
    expect(segmentTarget(Infinity)).toBeLessThan(MAX_SEGMENT - 1024);
    expect(MAX_ENTRY).toBeLessThan(MAX_SEGMENT - 1024);
  });

  test("leaves every segment alone that nothing has changed", () => {
    const app = simulated();
    app.change(numbered(1000, 250));
    const before = app.segments();
    const target = segmentTarget(250_000);
    for (const id of ["0", "500", "999"]) {
      const [size = 0, ...others] = app.change([{ id, size: 250 }]);
      expect(others).toEqual([]);
      expect(size).toBeLessThanOrEqual(target);
    }
    const kept = app.segments().filter((segment) => before.includes(segment));
    expect(kept.length).toBeGreaterThanOrEqual(before.length - 3);
    expect(app.change([])).toEqual([]);
  });

  test("fills up the smallest, or begins one", () => {
    const app = simulated();
    app.change(numbered(1, 250));
    app.change(numbered(1, 250, 1));
    expect(app.segments().map(({ entries }) => entries)).toEqual([["0", "1"]]);
    app.change(numbered(1, 2000, 2));
    expect(app.segments()).toHaveLength(2);
  });

  test("drops a segment with its last entry, and joins what is left", () => {
    const app = simulated();
    app.change(numbered(200, 250));
    for (let id = 0; id < 190; id++) app.change([{ id: `${id}`, size: undefined }]);
    expect(app.segments().length).toBeLessThanOrEqual(3);
    for (let id = 190; id < 200; id++) app.change([{ id: `${id}`, size: undefined }]);
    expect(app.segments()).toEqual([]);
  });

  test("has room for all that may be there", () => {
    const app = simulated();
    app.change(numbered(MAX_ENTRIES, 4096));
    expect(app.segments().length).toBeLessThanOrEqual(MAX_SEGMENTS);
  });

  test.each([250, 300, 400])(
    "uploads less than 64 KiB for one of 10,000 entries of %i octets",
    (size) => {
      const app = simulated();
      app.change(numbered(9700, size));
      const largest = { upload: 0 };
      const change = (changes: readonly { id: string; size: number | undefined }[]): void => {
        const upload = uploadOf(app.change(changes), app.segments().length);
        largest.upload = Math.max(largest.upload, upload);
      };
      for (let index = 0; index < 300; index++) {
        change(numbered(1, size, 9700 + index));
        if (index % 4 === 0) change([{ id: `${(index * 7919) % 9700}`, size: size + (index % 40) - 20 }]);
      }
      expect(largest.upload).toBeLessThan(64 * 1024);
      expect(app.segments().length).toBeLessThan((app.total() / segmentTarget(app.total())) * 1.2);
    },
    60_000,
  );

  test("uploads less than 64 KiB also where 4,000 came one by one", () => {
    const app = simulated();
    let upload = 0;
    for (let index = 0; index < 4000; index++) {
      upload = Math.max(upload, uploadOf(app.change(numbered(1, 270, index)), app.segments().length));
    }
    expect(upload).toBeLessThan(64 * 1024);
  }, 120_000);

  test("loses and doubles nothing, whatever is changed", () => {
    const change = fc.record({
      id: fc.nat({ max: 60 }).map(String),
      size: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(change, { selector: ({ id }) => id, maxLength: 8 }), { maxLength: 30 }),
        (steps) => {
          const app = simulated();
          for (const changes of steps) app.change(changes);
          for (const { entries } of app.segments()) expect(entries.length).toBeGreaterThan(0);
          const placed = app.segments().flatMap(({ entries }) => entries);
          expect(placed.sort()).toEqual(app.items().sort());
        },
      ),
    );
  });
});

test("the records of one change among 10,000 entries have less than 64 KiB", async () => {
  const random = stream("layout");
  const device = newDevice("laptop");
  const alice = newPerson("alice", [device.device, newDevice("phone").device]);
  const key = newApplicationKey(random);
  const of = { type: "PasswordProfile", identifier: newIdentifier(random), owner: alice.personal.udf } as const;
  const entry = { DecryptDeviceUDF: alice.personal.devices.map(({ udf }) => udf) };
  const site = (number: number) => ({
    Sites: [`site-${number}.example.com`],
    Username: "alice@example.com",
    Password: "x".repeat(22),
  });
  const entries: readonly StoredEntry[] = Array.from({ length: 10_000 }, (_, number) =>
    storedEntry(number, { Value: site(number), Updated: "2026-03-04T05:06:07Z" }),
  );
  const items = entries.map((stored) => ({ stored, size: entrySize(stored) }));
  const total = items.reduce((sum, { size }) => sum + size, 0);
  const packed = packEntries(items, segmentTarget(total));
  const one = packed[1]!.map(({ stored }) => stored);
  expect(one.some(({ Id }) => Id === idOf(packed[0]!.length))).toBe(true);
  const segment = await createSegment(device.keys.signature, of, newIdentifier(random), one, key, NOW);
  const segments = packed.map(() => ({ identifier: newIdentifier(random), hash: segment.hash }));
  const head = await createHead(
    device.keys.signature,
    { ...of, owner: alice.personal, entry, key, entries: entries.length, segments },
    NOW,
  );
  const size = [head, segment].reduce((sum, { record }) => sum + JSON.stringify(record).length, 0);
  expect(total / entries.length).toBeGreaterThan(220);
  expect(size).toBeLessThan(60 * 1024);
});
