import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPersonal, nextEpoch, nextPersonal } from "../../src/mesh/profile.js";
import { readMaster } from "../../src/mesh/records/master.js";
import { readPersonal, type PersonalProfile } from "../../src/mesh/records/personal.js";
import {
  checkPin,
  compareVersions,
  isSuccessor,
  pinOf,
  provesLine,
  type ProfilePin,
} from "../../src/mesh/succession.js";
import { altered, newDevice, newPerson, NOW, refusal, type TestDevice } from "./support.js";

const bob = newDevice("bob's phone");
const { keys, master, admin: alice, personal: first } = newPerson("alice", [bob.device]);
const stranger = newPerson("mallory");

/** Every version is signed at a time of its own, so that no two are alike by accident. */
let clock = NOW.getTime();
const tick = (): Date => new Date((clock += 1000));
const next = (before: PersonalProfile, by: TestDevice = alice): PersonalProfile =>
  nextPersonal(by.keys.online, before, {}, tick());
const epoch = (before: PersonalProfile, by: TestDevice = alice, administrators = [alice, bob]): PersonalProfile =>
  nextEpoch(
    keys.signature,
    by.keys.online,
    before,
    administrators.map(({ device }) => device),
    {},
    tick(),
  );
const altering = (profile: PersonalProfile, members: object): PersonalProfile =>
  readPersonal(
    altered(profile.record, "PersonalProfile", alice.keys.online, (payload) => ({ ...payload, ...members })),
  );

const second = next(first);
const third = next(second);
const epoch2 = epoch(third);
const epoch2second = next(epoch2);
const epoch3 = epoch(epoch2second);
const fork2 = next(first);
const forkedEpoch2 = epoch(first);
const line = [first, second, third, epoch2, epoch2second, epoch3];

const check = (profile: PersonalProfile, pinned: PersonalProfile | ProfilePin): string => {
  const pin = "masterHash" in pinned ? pinned : pinOf(pinned);
  let result = "";
  return refusal(() => (result = checkPin(profile, pin))) ?? result;
};
const proves = (profile: PersonalProfile, pinned: PersonalProfile, history: readonly PersonalProfile[]): unknown => {
  let result: unknown;
  return refusal(() => (result = provesLine(profile, pinOf(pinned), history))) ?? result;
};

describe("pinOf", () => {
  test("holds sequence and hashes of both profiles, and a gap only where there is one", () => {
    expect(pinOf(second)).toEqual({
      masterSequence: 1,
      masterHash: master.hash,
      masterPayloadHash: master.payloadHash,
      sequence: 2,
      hash: second.hash,
      payloadHash: second.payloadHash,
    });
    expect(pinOf(second, true)).toEqual({ ...pinOf(second), gap: true });
  });
});

describe("compareVersions", () => {
  test("orders by epoch first and then by sequence", () => {
    const shuffled = [epoch3, second, epoch2second, first, epoch2, third];
    expect(shuffled.sort(compareVersions)).toEqual(line);
    expect(compareVersions(second, fork2)).toBe(0);
    expect(compareVersions(epoch2, third)).toBeGreaterThan(0);
  });
});

describe("isSuccessor", () => {
  test("is true of the next version of the same epoch, and of the first of the next", () => {
    expect(isSuccessor(first, second)).toBe(true);
    expect(isSuccessor(first, fork2)).toBe(true);
    expect(isSuccessor(third, epoch2)).toBe(true);
    // An epoch supersedes every branch of the one before.
    expect(isSuccessor(first, epoch2)).toBe(true);
    expect(isSuccessor(fork2, epoch2)).toBe(true);
    expect(isSuccessor(epoch2second, epoch3)).toBe(true);
  });

  test("is false of everything else", () => {
    for (const [before, after] of [
      [first, first],
      [second, first],
      [first, third],
      [fork2, third],
      [third, epoch2second],
      [third, epoch3],
      [epoch2, third],
      [epoch2, epoch2],
      [epoch2, forkedEpoch2],
      [forkedEpoch2, epoch2second],
      [forkedEpoch2, epoch3],
      [first, stranger.personal],
    ] as const) {
      expect(isSuccessor(before, after)).toBe(false);
    }
  });

  test("is false of a master profile that claims the predecessor of another person, or skips a version", () => {
    const claiming = (person: typeof stranger, members: object): PersonalProfile => {
      const record = altered(person.master.record, "MasterProfile", person.keys.signature, (payload) => ({
        ...payload,
        Previous: master.payloadHash,
        ...members,
      }));
      const by = person.admin;
      return createPersonal(by.keys.online, readMaster(record), { devices: [by.device] }, tick());
    };
    const own = { master, keys, admin: alice, personal: first };
    expect(isSuccessor(first, claiming(own, { Sequence: 2 }))).toBe(true);
    expect(isSuccessor(first, claiming(own, { Sequence: 3 }))).toBe(false);
    expect(isSuccessor(first, claiming(stranger, { Sequence: 2 }))).toBe(false);
  });

  test("is false where the sequence is right and the predecessor is not", () => {
    const wrong = altering(second, { Previous: fork2.payloadHash });
    expect(isSuccessor(first, wrong)).toBe(false);
    const skipping = altering(second, { Sequence: 3 });
    expect(isSuccessor(first, skipping)).toBe(false);
  });
});

describe("checkPin", () => {
  test("knows the pinned version again, and its successors", () => {
    for (const version of line) expect(check(version, version)).toBe("same");
    expect(check(second, first)).toBe("successor");
    expect(check(epoch2, third)).toBe("successor");
    expect(check(epoch2, first)).toBe("successor");
    expect(check(epoch3, epoch2)).toBe("successor");
  });

  test("refuses every older version", () => {
    for (const [at, pinned] of line.entries()) {
      for (const version of line.slice(0, at)) expect(check(version, pinned)).toBe("rollback");
    }
    expect(check(fork2, third)).toBe("rollback");
    expect(check(third, epoch2)).toBe("rollback");
    // However many changes a removed administrator makes, they stay behind the new epoch.
    let late = third;
    for (let count = 0; count < 5; count++) late = next(late);
    expect(check(late, epoch2)).toBe("rollback");
  });

  test("refuses another version of the same age, or with another predecessor", () => {
    expect(check(fork2, second)).toBe("fork");
    expect(check(next(fork2), second)).toBe("fork");
    expect(check(forkedEpoch2, epoch2)).toBe("fork");
    expect(check(next(forkedEpoch2), epoch2)).toBe("fork");
    expect(check(next(next(forkedEpoch2)), epoch2)).toBe("fork");
    expect(check(epoch3, forkedEpoch2)).toBe("fork");
    expect(check(altering(second, { Colour: "red" }), second)).toBe("fork");
  });

  test("refuses another line of master profiles though versions are missing between the personal ones", () => {
    expect(check(next(epoch3), forkedEpoch2)).toBe("fork");
    expect(check(next(next(epoch3)), forkedEpoch2)).toBe("fork");
  });

  test("calls for the versions between where some were never seen", () => {
    expect(check(third, first)).toBe("gap");
    expect(check(epoch2second, third)).toBe("gap");
    expect(check(epoch3, third)).toBe("gap");
    expect(check(next(epoch3), first)).toBe("gap");
    // Nothing that is seen tells this fork from a gap; the versions between do.
    expect(check(next(fork2), first)).toBe("gap");
  });

  test("goes by hashes: a pin with any one of them wrong is of another profile", () => {
    const wrong = "A".repeat(43);
    expect(check(first, { ...pinOf(first), hash: wrong })).toBe("fork");
    expect(check(first, { ...pinOf(first), masterHash: wrong })).toBe("fork");
    expect(check(second, { ...pinOf(first), payloadHash: wrong })).toBe("fork");
    expect(check(second, { ...pinOf(first), masterHash: wrong })).toBe("fork");
    expect(check(epoch2, { ...pinOf(first), masterPayloadHash: wrong })).toBe("fork");
  });
});

describe("provesLine", () => {
  test("takes the versions between, in any order and among others", () => {
    expect(proves(third, first, [second])).toBe(true);
    expect(proves(third, first, [third, fork2, first, second, stranger.personal])).toBe(true);
    expect(proves(epoch2second, first, [epoch2])).toBe(true);
    expect(proves(epoch3, first, [epoch2])).toBe(true);
    expect(proves(epoch3, first, [epoch2second])).toBe(true);
    expect(proves(next(epoch3), third, [epoch3, epoch2, first])).toBe(true);
    expect(proves(second, first, [])).toBe(true);
    expect(proves(epoch2, third, [])).toBe(true);
    expect(proves(first, first, [])).toBe(true);
  });

  test("misses what is missing", () => {
    expect(proves(third, first, [])).toBe(false);
    expect(proves(third, first, [fork2])).toBe(false);
    expect(proves(next(third), first, [second])).toBe(false);
    expect(proves(epoch2second, first, [first, second, third])).toBe(false);
    expect(proves(epoch3, first, [first, second, third])).toBe(false);
    expect(proves(next(epoch3), first, [epoch2])).toBe(false);
    const other = nextPersonal(stranger.admin.keys.online, stranger.personal, {}, tick());
    expect(proves(third, first, [stranger.personal, other])).toBe(false);
  });

  test("finds out where the line leads to something else", () => {
    expect(proves(next(fork2), second, [fork2, second])).toBe("fork");
    expect(proves(next(next(fork2)), second, [fork2, second, next(fork2)])).toBe(false);
    const late = next(fork2);
    expect(proves(next(late), second, [late, fork2])).toBe("fork");
    expect(proves(next(forkedEpoch2), epoch2, [forkedEpoch2, epoch2])).toBe("fork");
    expect(proves(epoch3, forkedEpoch2, [epoch2])).toBe("fork");
    const epoch4 = epoch(epoch3);
    expect(proves(epoch4, forkedEpoch2, [epoch3, epoch2])).toBe("fork");
    expect(proves(epoch4, epoch2, [epoch3])).toBe(true);
  });

  test("is not led astray by versions of another epoch that stand in the right place", () => {
    const crossing = altering(epoch2second, { Previous: first.payloadHash });
    expect(proves(crossing, third, [first, second, third])).toBe(false);
    const forkedEpoch3 = epoch(forkedEpoch2);
    expect(proves(epoch(epoch3), first, [forkedEpoch3, epoch2])).toBe(false);
  });

  test("does not prove an older version, nor one of another master profile of the same age", () => {
    expect(proves(first, second, line)).toBe("fork");
    expect(proves(third, epoch2, line)).toBe(false);
    const claimed = altering(forkedEpoch2, { Sequence: 2, Previous: epoch2.payloadHash });
    expect(proves(claimed, epoch2, line)).toBe("fork");
  });

  test("does not take the history of another person for this one's", () => {
    expect(proves(third, first, [{ ...second, udf: stranger.personal.udf }])).toBe(false);
  });
});

/** What a version is, in a model that knows no hashes and no signatures: a tree of versions in a tree of epochs. */
interface ModelEpoch {
  readonly number: number;
  readonly parent: ModelEpoch | undefined;
}
interface ModelVersion {
  readonly epoch: ModelEpoch;
  readonly sequence: number;
  readonly parent: ModelVersion | undefined;
  readonly profile: PersonalProfile;
}

const modelSuccessor = (a: ModelVersion, b: ModelVersion): boolean =>
  a.epoch === b.epoch ? b.parent === a : b.epoch.parent === a.epoch && b.sequence === 1;

const modelPin = (b: ModelVersion, a: ModelVersion): string => {
  if (b.epoch.number < a.epoch.number || (b.epoch.number === a.epoch.number && b.sequence < a.sequence)) {
    return "rollback";
  }
  if (b.epoch.number === a.epoch.number) {
    if (b.epoch !== a.epoch) return "fork";
    if (b.sequence === a.sequence) return a === b ? "same" : "fork";
    if (b.sequence > a.sequence + 1) return "gap";
    return b.parent === a ? "successor" : "fork";
  }
  if (b.epoch.number > a.epoch.number + 1) return "gap";
  if (b.epoch.parent !== a.epoch) return "fork";
  return b.sequence > 1 ? "gap" : "successor";
};

/** Where nothing is missing from the history, a line is proved exactly where there is one, and a fork found where not. */
const modelLine = (b: ModelVersion, a: ModelVersion): "true" | "fork" => {
  let at: ModelVersion | undefined = b;
  if (b.epoch.number === a.epoch.number) {
    while (at && at.epoch === a.epoch && at.sequence > a.sequence) at = at.parent;
    return at === a ? "true" : "fork";
  }
  let under: ModelEpoch | undefined = b.epoch;
  while (under && under.number > a.epoch.number) under = under.parent;
  return under === a.epoch ? "true" : "fork";
};

/** One step: who changes which of the versions so far, and how. */
const Step = fc.record({
  on: fc.nat(),
  by: fc.constantFrom("alice", "bob"),
  what: fc.constantFrom("change", "change", "change", "change both", "change alice", "change bob"),
});

const people = { alice, bob } as const;

/** The history that some steps make. A step that its author has no right to must be refused, and makes nothing. */
const play = (steps: readonly { on: number; by: keyof typeof people; what: string }[]): ModelVersion[] => {
  const versions: ModelVersion[] = [
    { epoch: { number: 1, parent: undefined }, sequence: 1, parent: undefined, profile: first },
  ];
  for (const { on, by, what } of steps) {
    const parent = versions[on % versions.length]!;
    const author = people[by];
    const names =
      what === "change"
        ? undefined
        : what === "change both"
          ? (["alice", "bob"] as const)
          : ([what.slice(7)] as ("alice" | "bob")[]);
    const mayNow = (name: keyof typeof people): boolean =>
      parent.profile.master.administrators.some(({ deviceUdf }) => deviceUdf === people[name].device.udf);
    let profile: PersonalProfile | undefined;
    const refused = refusal(() => {
      profile = names
        ? epoch(
            parent.profile,
            author,
            names.map((name) => people[name]),
          )
        : next(parent.profile, author);
    });
    expect(refused).toBe((names ? names.includes(by) : mayNow(by)) ? undefined : "signature-invalid");
    if (!profile) continue;
    const inside = names ? { number: parent.epoch.number + 1, parent: parent.epoch } : parent.epoch;
    versions.push({ epoch: inside, sequence: names ? 1 : parent.sequence + 1, parent, profile });
  }
  return versions;
};

describe("random histories of two administrators", () => {
  /** Holds every version against every other, and gives the verdicts that occurred. */
  const judge = (versions: readonly ModelVersion[], part: readonly PersonalProfile[]): Set<string> => {
    const all = versions.map(({ profile }) => profile);
    const seen = new Set<string>();
    for (const a of versions) {
      for (const b of versions) {
        expect(isSuccessor(a.profile, b.profile)).toBe(modelSuccessor(a, b));
        const verdict = modelPin(b, a);
        expect(check(b.profile, a.profile)).toBe(verdict);
        seen.add(verdict);
        if (verdict !== "gap") continue;
        const proof = modelLine(b, a);
        expect(String(proves(b.profile, a.profile, all))).toBe(proof);
        expect(["false", proof]).toContain(String(proves(b.profile, a.profile, part)));
        seen.add(`gap ${proof}`);
      }
    }
    return seen;
  };

  test("can hold everything that there is to judge", () => {
    const what = "change";
    const branches = play([
      { on: 0, by: "alice", what },
      { on: 0, by: "alice", what: "change both" },
      { on: 0, by: "alice", what },
      { on: 3, by: "alice", what },
      { on: 4, by: "alice", what },
    ]);
    const verdicts = ["fork", "gap", "gap fork", "gap true", "rollback", "same", "successor"];
    expect([...judge(branches, [])].sort()).toEqual(verdicts);
  });

  test("are judged as the model judges them, and a part of one proves no more than all of it", () => {
    fc.assert(
      fc.property(fc.array(Step, { minLength: 4, maxLength: 9 }), fc.infiniteStream(fc.boolean()), (steps, keep) => {
        const versions = play(steps);
        judge(
          versions,
          versions.map(({ profile }) => profile).filter(() => keep.next().value),
        );
      }),
      { numRuns: 40 },
    );
  });

  test("leave one line at a portal that takes successors alone, and with a client whatever it is shown", () => {
    fc.assert(
      fc.property(fc.array(Step, { minLength: 5, maxLength: 10 }), fc.array(fc.nat()), (steps, shown) => {
        const versions = play(steps);
        const all = versions.map(({ profile }) => profile);
        const stored = [versions[0]!];
        for (const version of versions.slice(1)) {
          if (isSuccessor(stored.at(-1)!.profile, version.profile)) stored.push(version);
        }
        const followed = [versions[0]!];
        for (const index of shown) {
          const version = versions[index % versions.length]!;
          const pin = followed.at(-1)!;
          const verdict = check(version.profile, pin.profile);
          const isProved = verdict === "gap" && proves(version.profile, pin.profile, all) === true;
          if (verdict === "successor" || isProved) followed.push(version);
        }
        for (const line of [stored, followed]) {
          for (const [at, version] of line.entries()) {
            for (const before of line.slice(0, at)) {
              expect(modelLine(version, before)).toBe("true");
              expect(check(before.profile, version.profile)).toBe("rollback");
            }
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
