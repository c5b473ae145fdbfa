import { expect, test } from "vitest";
import { MAX_EXPOSURES } from "../../../src/mesh/application/entry.js";
import { exposeEntries } from "../../../src/mesh/application/exposure.js";
import { TIME } from "../support.js";
import { DEVICE, storedEntry } from "./support.js";

const gone = (name: string) => ({ DeviceUDF: DEVICE, Name: name, Time: TIME });
const [watch, phone, tablet] = [gone("watch"), gone("phone"), gone("tablet")] as const;

test("every entry that there is says who has gone", () => {
  const { entries, exposures } = exposeEntries([storedEntry(1), storedEntry(2)], [], [watch, phone]);
  expect(exposures).toEqual([watch, phone]);
  expect(entries).toEqual([storedEntry(1, { Exposed: [0, 1] }), storedEntry(2, { Exposed: [0, 1] })]);
});

test("what no entry refers to any more leaves the list", () => {
  const before = [storedEntry(1, { Exposed: [1, 2] }), storedEntry(2)];
  const { entries, exposures } = exposeEntries(before, [watch, phone, tablet], [gone("desk")]);
  expect(exposures).toEqual([phone, tablet, gone("desk")]);
  expect(entries).toEqual([storedEntry(1, { Exposed: [0, 1, 2] }), storedEntry(2, { Exposed: [2] })]);
  expect(exposeEntries(before, [watch, phone, tablet], []).exposures).toEqual([phone, tablet]);
});

test("without entries there is nothing to say", () => {
  expect(exposeEntries([], [watch], [phone])).toEqual({ entries: [], exposures: [] });
});

test("the oldest leave a list that is full", () => {
  const all = Array.from({ length: MAX_EXPOSURES }, (_, index) => gone(`device ${index}`));
  const before = storedEntry(1, { Exposed: all.map((_, index) => index) });
  const { entries, exposures } = exposeEntries([before], all, [watch]);
  expect(exposures).toEqual([...all.slice(1), watch]);
  expect(entries[0]?.Exposed).toEqual(all.map((_, index) => index));
});
