import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_ENTRY,
  MAX_OTHERS,
  MAX_REPLACES,
  entrySize,
  type Edit,
  type StoredEntry,
} from "../../../src/mesh/application/entry.js";
import { applyEdits, collapseEdits, type Merged } from "../../../src/mesh/application/merge.js";
import { TIME } from "../support.js";
import { DEVICE, DEVICES, editOf, idOf, mapOf, OTHER, stampOf, storedEntry } from "./support.js";

const one = storedEntry(1);
const two = storedEntry(2);
const both = mapOf(one, two);

const textsOf = (entry: StoredEntry | undefined): readonly unknown[] =>
  entry ? [entry.Value["text"], ...(entry.Others ?? []).map(({ Value }) => Value?.["text"])] : [];

const resultOf = ({ entries, changed, conflicts }: Merged, number = 1) => ({
  texts: textsOf(entries.get(idOf(number))),
  changed: [...changed],
  conflicts,
});

describe("an edit", () => {
  test("of the version that it was made on takes its place", () => {
    const merged = applyEdits(both, [editOf(1, 1, 10, "new", { device: OTHER })]);
    expect(resultOf(merged)).toEqual({ texts: ["new"], changed: [one.Id], conflicts: [] });
    expect(merged.entries.get(two.Id)).toBe(two);
    expect(merged.entries.get(one.Id)).toEqual({
      Id: one.Id,
      Stamp: stampOf(10),
      Updated: TIME,
      Device: OTHER,
      Replaces: [one.Stamp],
      Value: { text: "new" },
    });
    expect(both.get(one.Id)).toBe(one);
  });

  test("may make an entry, or delete one", () => {
    expect(resultOf(applyEdits(both, [editOf(3, undefined, 10, "new")]), 3)).toEqual({
      texts: ["new"],
      changed: [idOf(3)],
      conflicts: [],
    });
    const merged = applyEdits(both, [editOf(1, 1, 10, undefined)]);
    expect([...merged.entries.keys()]).toEqual([two.Id]);
    expect(resultOf(merged)).toEqual({ texts: [], changed: [one.Id], conflicts: [] });
  });

  test("of an older version stands beside the current one", () => {
    const merged = applyEdits(both, [editOf(1, 7, 10, "mine", { device: OTHER })]);
    expect(resultOf(merged)).toEqual({ texts: ["value 1", "mine"], changed: [one.Id], conflicts: [one.Id] });
    expect(merged.entries.get(one.Id)).toEqual({
      ...one,
      Others: [{ Stamp: stampOf(10), Updated: TIME, Device: OTHER, Replaces: [stampOf(7)], Value: { text: "mine" } }],
    });
  });

  test("that says what is there already changes nothing", () => {
    const nothing = { texts: ["value 1"], changed: [], conflicts: [] };
    for (const base of [1, 7]) expect(resultOf(applyEdits(both, [editOf(1, base, 10, "value 1")]))).toEqual(nothing);
    const conflict = applyEdits(both, [editOf(1, 7, 10, "mine")]).entries;
    expect(resultOf(applyEdits(conflict, [editOf(1, 8, 11, "mine")]))).toMatchObject({ changed: [], conflicts: [] });
  });

  test("whose members are in another order says the same", () => {
    const entry = { ...one, Value: { a: 1, b: { c: [2], d: null } } };
    const edit = { ...editOf(1, 7, 10, ""), value: { b: { d: null, c: [2] }, a: 1 } };
    expect(applyEdits(mapOf(entry), [edit]).changed.size).toBe(0);
    expect(applyEdits(mapOf(entry), [{ ...edit, value: { b: { d: null, c: [3] }, a: 1 } }]).conflicts).toEqual([
      one.Id,
    ]);
  });

  test("of what was deleted elsewhere brings it back, and says that it was", () => {
    const merged = applyEdits(mapOf(two), [editOf(1, 1, 10, "mine")]);
    expect(resultOf(merged)).toEqual({ texts: ["mine", undefined], changed: [one.Id], conflicts: [one.Id] });
    const [deleted] = merged.entries.get(one.Id)?.Others ?? [];
    expect(deleted).toEqual({ Stamp: expect.stringMatching(/^.{11}$/) as string, Updated: TIME });
    // Deleting it again is what both wanted.
    const again = applyEdits(merged.entries, [editOf(1, 10, 11, undefined)]);
    expect(again.entries.has(one.Id)).toBe(false);
    expect(again.conflicts).toEqual([]);
  });

  test("that deletes what was changed elsewhere leaves it, and says that it was to be deleted", () => {
    const merged = applyEdits(both, [editOf(1, 7, 10, undefined)]);
    expect(resultOf(merged)).toEqual({ texts: ["value 1", undefined], changed: [one.Id], conflicts: [one.Id] });
    expect(resultOf(applyEdits(merged.entries, [editOf(1, 8, 11, undefined)]))).toMatchObject({ changed: [] });
  });

  test("that deletes what is gone changes nothing", () => {
    expect(applyEdits(both, [editOf(3, 3, 10, undefined)]).changed.size).toBe(0);
    expect(applyEdits(both, [editOf(3, undefined, 10, undefined)]).changed.size).toBe(0);
  });

  test("leaves members alone that this program does not know", () => {
    const strange = { ...one, Favourite: true };
    const onTop = applyEdits(mapOf(strange), [editOf(1, 1, 10, "new")]).entries.get(one.Id);
    expect(onTop).toMatchObject({ Favourite: true, Value: { text: "new" } });
    expect(applyEdits(mapOf(strange), [editOf(1, 7, 10, "new")]).entries.get(one.Id)).toMatchObject({
      Favourite: true,
    });
  });
});

describe("a conflict", () => {
  const conflict = applyEdits(both, [editOf(1, 7, 10, "mine"), editOf(1, 8, 11, "third")]).entries;

  test("stays until it is settled", () => {
    expect(textsOf(conflict.get(one.Id))).toEqual(["value 1", "mine", "third"]);
    const edited = applyEdits(conflict, [editOf(1, 1, 12, "newer")]);
    expect(resultOf(edited)).toEqual({ texts: ["newer", "mine", "third"], changed: [one.Id], conflicts: [] });
    const settled = applyEdits(conflict, [editOf(1, 1, 12, "mine", { settles: [stampOf(10), stampOf(11)] })]);
    expect(resultOf(settled)).toEqual({ texts: ["mine"], changed: [one.Id], conflicts: [] });
    const half = applyEdits(conflict, [editOf(1, 1, 12, "value 1", { settles: [stampOf(11)] })]);
    expect(resultOf(half)).toEqual({ texts: ["value 1", "mine"], changed: [one.Id], conflicts: [] });
  });

  test("is settled by a newer version beside the current one, or on top of what was beside it", () => {
    const beside = applyEdits(conflict, [editOf(1, 10, 12, "mine, later")]);
    expect(resultOf(beside).texts).toEqual(["value 1", "third", "mine, later"]);
    const deleted = applyEdits(conflict, [editOf(1, 10, 12, undefined)]);
    expect(resultOf(deleted).texts).toEqual(["value 1", "third", undefined]);
    // Chosen elsewhere in the meantime, and settled by somebody who had seen it.
    const late = applyEdits(conflict, [editOf(1, 9, 12, "final", { settles: [one.Stamp, stampOf(10), stampOf(11)] })]);
    expect(resultOf(late)).toEqual({ texts: ["final"], changed: [one.Id], conflicts: [] });
  });

  test("is settled by two devices in different ways: both ways are kept", () => {
    const settles = [stampOf(10), stampOf(11)];
    const a = editOf(1, 1, 12, "mine", { settles });
    const b = editOf(1, 1, 13, "third", { settles, device: OTHER });
    for (const edits of [[a], [b]] as const) {
      const rest = edits[0] === a ? b : a;
      const merged = applyEdits(applyEdits(conflict, edits).entries, [rest]);
      expect(new Set(resultOf(merged).texts)).toEqual(new Set(["mine", "third"]));
      expect(merged.conflicts).toEqual([one.Id]);
    }
  });

  test("outlives the deletion of the current version", () => {
    const merged = applyEdits(conflict, [editOf(1, 1, 12, undefined)]);
    expect(resultOf(merged)).toMatchObject({ changed: [one.Id], conflicts: [one.Id] });
    expect(new Set(resultOf(merged).texts)).toEqual(new Set(["mine", "third", undefined]));
    const settles = [stampOf(10), stampOf(11)];
    expect(applyEdits(conflict, [editOf(1, 1, 12, undefined, { settles })]).entries.has(one.Id)).toBe(false);
  });

  test("for which an entry has no room becomes an entry of its own, and once only", () => {
    const edits = Array.from({ length: MAX_OTHERS + 2 }, (_, index) => editOf(1, 7, 100 + index, `version ${index}`));
    const merged = applyEdits(both, edits);
    expect(merged.entries.get(one.Id)?.Others).toHaveLength(MAX_OTHERS);
    expect(merged.entries.size).toBe(4);
    const all = [...merged.entries.values()].flatMap(textsOf);
    for (let index = 0; index < edits.length; index++) expect(all).toContain(`version ${index}`);
    expect(applyEdits(merged.entries, edits).changed.size).toBe(0);
    // The same where it is too long, and where the current version has grown.
    const long = editOf(1, 7, 10, "x".repeat(MAX_ENTRY - 4096));
    const large = applyEdits(both, [long]);
    const grown = applyEdits(large.entries, [editOf(1, 1, 11, "y".repeat(MAX_ENTRY - 4096))]);
    for (const entry of [...large.entries.values(), ...grown.entries.values()]) {
      expect(entrySize(entry)).toBeLessThanOrEqual(MAX_ENTRY);
    }
    expect(large.entries.size).toBe(2);
    expect([...grown.entries.values()].map((entry) => textsOf(entry).length)).toEqual([1, 1, 1]);
    expect(applyEdits(grown.entries, [long]).changed.size).toBe(0);
  });
});

describe("what may have been seen", () => {
  const exposed = mapOf({ ...one, Exposed: [0, 2] });

  test("is so until the entry is changed", () => {
    expect(applyEdits(exposed, [editOf(1, 1, 10, "new")]).entries.get(one.Id)).not.toHaveProperty("Exposed");
    const stays = [editOf(1, 1, 10, "new", { staysExposed: true }), editOf(1, 7, 10, "new")];
    for (const edit of stays) expect(applyEdits(exposed, [edit]).entries.get(one.Id)?.Exposed).toEqual([0, 2]);
  });

  test("is so after a conflict has been settled without changing it", () => {
    const conflict = applyEdits(exposed, [editOf(1, 7, 10, "mine")]).entries;
    const kept = applyEdits(conflict, [editOf(1, 1, 11, "value 1", { settles: [stampOf(10)] })]);
    expect(kept.entries.get(one.Id)?.Exposed).toEqual([0, 2]);
    expect(kept.entries.get(one.Id)).not.toHaveProperty("Others");
    const deleted = applyEdits(conflict, [editOf(1, 1, 11, undefined)]);
    expect(deleted.entries.get(one.Id)?.Exposed).toEqual([0, 2]);
  });

  test("is so where one of several changes in a row did not change it", () => {
    const row = [editOf(1, 1, 10, "a", { staysExposed: true }), editOf(1, 10, 11, "b")];
    expect(applyEdits(exposed, row).entries.get(one.Id)).not.toHaveProperty("Exposed");
    const quiet = [row[0]!, { ...row[1]!, staysExposed: true }];
    expect(applyEdits(exposed, quiet).entries.get(one.Id)?.Exposed).toEqual([0, 2]);
  });
});

describe("a queue", () => {
  const row = [editOf(1, 1, 10, "a"), editOf(2, 2, 20, "z"), editOf(1, 10, 11, "b"), editOf(1, 11, 12, "c")];

  test("has one edit for an entry where they build on each other", () => {
    const collapsed = collapseEdits(row);
    expect(collapsed).toEqual([
      { ...editOf(1, 1, 12, "c"), settles: [stampOf(10), stampOf(11)] },
      editOf(2, 2, 20, "z"),
    ]);
    expect(collapseEdits(collapsed)).toEqual(collapsed);
    expect(collapseEdits([])).toEqual([]);
    // An entry that was made and deleted again.
    expect(collapseEdits([editOf(3, undefined, 10, "a"), editOf(3, 10, 11, undefined)])).toEqual([
      { ...editOf(3, undefined, 11, undefined), settles: [stampOf(10)] },
    ]);
    // These do not build on each other.
    const apart = [editOf(1, 1, 10, "a"), editOf(1, 9, 11, "b")];
    expect(collapseEdits(apart)).toEqual(apart);
  });

  test("may be published in part without anybody hearing the answer", () => {
    for (let count = 0; count <= row.length; count++) {
      const published = applyEdits(both, row.slice(0, count)).entries;
      const merged = applyEdits(published, row);
      expect(resultOf(merged)).toMatchObject({ texts: ["c"], conflicts: [] });
      expect(applyEdits(merged.entries, row).changed.size).toBe(0);
    }
  });

  test("brings nothing back that somebody has built on since", () => {
    const published = applyEdits(both, row).entries;
    const since = applyEdits(published, [editOf(1, 12, 30, "since", { device: OTHER })]).entries;
    expect(resultOf(applyEdits(since, row))).toEqual({ texts: ["since"], changed: [], conflicts: [] });
    const conflict = applyEdits(both, [editOf(1, 7, 10, "mine")]).entries;
    const settled = applyEdits(conflict, [editOf(1, 1, 11, "final", { settles: [stampOf(10)] })]).entries;
    expect(applyEdits(settled, [editOf(1, 7, 10, "mine")]).changed.size).toBe(0);
  });

  test("of very many edits of one entry stays within what a record takes", () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      editOf(1, index === 0 ? 1 : 99 + index, 100 + index, `${index}`),
    );
    const collapsed = collapseEdits(many);
    expect(collapsed.length).toBeLessThan(12);
    for (const { settles = [] } of collapsed) expect(settles.length).toBeLessThan(MAX_REPLACES);
    const merged = applyEdits(both, many);
    expect(resultOf(merged)).toMatchObject({ texts: ["499"], conflicts: [] });
    expect(merged.entries.get(one.Id)?.Replaces?.length).toBeLessThanOrEqual(MAX_REPLACES);
  });
});

// Devices that change the same few entries, each on what it knows, and that a portal joins in whatever order they come.

interface Step {
  readonly device: number;
  readonly entry: number;
  readonly action: "put" | "remove" | "settle" | "sync" | "lost";
  /** Values are few, so that devices sometimes write the same. */
  readonly text: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  device: fc.nat({ max: 2 }),
  entry: fc.nat({ max: 2 }),
  action: fc.constantFrom("put", "put", "put", "remove", "settle", "sync", "sync", "lost"),
  text: fc.nat({ max: 1000 }),
});

/** Plays steps, and a sync of every device at the end. */
const play = (steps: readonly Step[]) => {
  let portal: ReadonlyMap<string, StoredEntry> = mapOf(storedEntry(0), storedEntry(1));
  let stamps = 1000;
  const devices = DEVICES.map((udf) => ({ udf, known: portal, queue: [] as Edit[] }));
  /** What was written, by its stamp, and which stamps somebody has replaced who knew them. */
  const written = new Map<string, unknown>([0, 1].map((number) => [stampOf(number), `value ${number}`]));
  const replaced = new Set<string>();
  const sync = (device: (typeof devices)[number], isLost: boolean): void => {
    portal = applyEdits(portal, device.queue).entries;
    if (isLost) return;
    device.known = portal;
    device.queue = [];
  };
  for (const { device: number, entry: at, action, text } of steps) {
    const device = devices[number]!;
    if (action === "sync" || action === "lost") {
      sync(device, action === "lost");
      continue;
    }
    const current = applyEdits(device.known, device.queue).entries.get(idOf(at));
    if (!current && action !== "put") continue;
    const settles = action === "settle" ? (current?.Others ?? []).map(({ Stamp }) => Stamp) : [];
    const value = action === "remove" ? undefined : `text ${text}`;
    const stamp = stampOf(stamps++);
    device.queue.push({
      ...editOf(at, undefined, 0, value, { settles, device: device.udf }),
      base: current?.Stamp,
      stamp,
    });
    if (value !== undefined) written.set(stamp, value);
    for (const known of [...(current ? [current.Stamp] : []), ...settles]) replaced.add(known);
  }
  for (const device of [...devices, ...devices]) sync(device, false);
  return { portal, devices, written, replaced };
};

describe("devices that change the same entries", () => {
  test("lose nothing that nobody has replaced who knew it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { portal, written, replaced } = play(steps);
        const live = new Set([...portal.values()].flatMap(textsOf));
        for (const [stamp, text] of written) {
          if (!replaced.has(stamp)) expect(live).toContain(text);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("all see the same in the end, and nothing more happens then", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { portal, devices } = play(steps);
        for (const { udf } of devices) expect(DEVICES).toContain(udf);
        for (const { known } of devices.slice(-1)) expect(known).toEqual(portal);
        for (const entry of portal.values()) {
          const stamps = [entry.Stamp, ...(entry.Others ?? []).map(({ Stamp }) => Stamp)];
          expect(new Set(stamps).size).toBe(stamps.length);
          expect(entry.Others?.length).not.toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  const chain = fc.array(fc.option(fc.nat({ max: 3 }), { nil: undefined }), { minLength: 1, maxLength: 4 });
  /** Edits that build on each other, from the version that both devices know. */
  const edits = (texts: readonly (number | undefined)[], first: number, device: string): readonly Edit[] =>
    texts.map((text, index) =>
      editOf(1, index === 0 ? 1 : first + index - 1, first + index, text === undefined ? undefined : `text ${text}`, {
        device,
      }),
    );

  test("agree on the versions whichever of two comes first", () => {
    fc.assert(
      fc.property(chain, chain, (a, b) => {
        const [mine, theirs] = [edits(a, 100, DEVICE), edits(b, 200, OTHER)];
        const ab = applyEdits(applyEdits(both, mine).entries, theirs);
        const ba = applyEdits(applyEdits(both, theirs).entries, mine);
        expect(new Set(resultOf(ab).texts)).toEqual(new Set(resultOf(ba).texts));
        expect(ab.conflicts).toEqual(ba.conflicts);
      }),
    );
  });

  test("may send the same edits as often as they like", () => {
    fc.assert(
      fc.property(chain, chain, (a, b) => {
        const [mine, theirs] = [edits(a, 100, DEVICE), edits(b, 200, OTHER)];
        const once = applyEdits(applyEdits(both, mine).entries, theirs).entries;
        expect(applyEdits(once, theirs)).toEqual({ entries: once, changed: new Set(), conflicts: [] });
      }),
    );
  });
});
