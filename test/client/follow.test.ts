import { describe, expect, it } from "vitest";
import { followProfile, type FetchedProfile } from "../../src/client/profiles.js";
import { createRevocation } from "../../src/mesh/profile.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { pinOf } from "../../src/mesh/succession.js";
import { msg } from "../../src/messages/message.js";
import { errorCode, meshError } from "../support/deps.js";
import {
  epoch,
  greeting,
  HELLO,
  newPerson,
  next,
  NOW,
  open,
  OUR_HELLO,
  portalWith,
  reply,
  serve,
  versions,
} from "./support.js";

const alice = newPerson();
const all = versions(alice, 5);
const [v1, v2, v3, , v5] = all as [PersonalProfile, PersonalProfile, PersonalProfile, PersonalProfile, PersonalProfile];
const fetched = (profile: PersonalProfile): FetchedProfile => ({
  profile,
  revocation: undefined,
  accountStatus: undefined,
});

/** A portal of ours that has this history, or one that announces nothing. */
const ours = (history: readonly PersonalProfile[]) =>
  portalWith(
    history.map(({ record }) => ({ SignedPersonalProfile: record })),
    OUR_HELLO,
  );
const plain = () => portalWith([], HELLO);

describe("followProfile", () => {
  it("pins what it sees first", async () => {
    expect(await followProfile(await plain(), fetched(v2), undefined, false)).toEqual({
      profile: v2,
      pin: pinOf(v2),
      changed: true,
    });
  });

  it("takes the same version and the next, and keeps a gap that was noted", async () => {
    const client = await plain();
    expect(await followProfile(client, fetched(v2), pinOf(v2), false)).toMatchObject({
      changed: false,
      pin: pinOf(v2),
    });
    expect(await followProfile(client, fetched(v3), pinOf(v2), false)).toMatchObject({ changed: true, pin: pinOf(v3) });
    expect((await followProfile(client, fetched(v2), pinOf(v2, true), false)).pin.gap).toBe(true);
    expect((await followProfile(client, fetched(v3), pinOf(v2, true), false)).pin.gap).toBe(true);
  });

  it("refuses what is older or another", async () => {
    const client = await ours(all);
    const run = (profile: PersonalProfile, pinned: PersonalProfile) =>
      errorCode(() => followProfile(client, fetched(profile), pinOf(pinned), true));
    expect(await run(v1, v2)).toBe("rollback");
    expect(await run(next(alice, v1, 9), v2)).toBe("fork");
    expect(await run(next(alice, next(alice, v1, 9)), v2)).toBe("fork");
    expect(await run(v5, epoch(alice, v1))).toBe("rollback");
  });

  it("says that there is a gap where more lies between than it looks at", async () => {
    const Entries = Array.from({ length: 100 }, () => ({ SignedPersonalProfile: v5.record }));
    const server = await serve(
      greeting(OUR_HELLO, (_, response, index) => {
        reply(response, { GetResponse: { Status: 201, Entries, PageKey: String(index) } });
      }),
    );
    const endless = await open(server.url);
    expect(await errorCode(() => followProfile(endless, fetched(v5), pinOf(v1), false))).toBe("gap");
    expect(await followProfile(endless, fetched(v5), pinOf(v1), true)).toMatchObject({ pin: pinOf(v5, true) });
  });

  it("proves a gap by the history of the portal", async () => {
    const client = await ours([...all].reverse());
    const followed = await followProfile(client, fetched(v5), pinOf(v1), false);
    expect(followed).toMatchObject({ changed: true, pin: pinOf(v5) });
    expect(followed.pin.gap).toBeUndefined();
  });

  it("proves a gap over an epoch", async () => {
    const e1 = epoch(alice, v2);
    const e2 = next(alice, e1);
    const client = await ours([e2, e1, v2, v1]);
    expect((await followProfile(client, fetched(e2), pinOf(v2), false)).pin).toEqual(pinOf(e2));
  });

  it("refuses a gap that is not proved, unless it is told to take it", async () => {
    for (const client of [await plain(), await ours([v5, v1]), await ours([])]) {
      const error = await meshError(() => followProfile(client, fetched(v5), pinOf(v1), false));
      expect(error.code).toBe("gap");
      expect(error.hint).toEqual(msg("client.gap.hint"));
      expect(await followProfile(client, fetched(v5), pinOf(v1), true)).toMatchObject({
        changed: true,
        pin: pinOf(v5, true),
      });
    }
  });

  it("refuses a history that leads elsewhere, whatever it is told", async () => {
    const other = next(alice, v1, 9);
    const line = [next(alice, next(alice, other)), next(alice, other), other];
    const client = await ours(line);
    expect(await errorCode(() => followProfile(client, fetched(line[0]!), pinOf(v2), true))).toBe("fork");
  });

  it("ends with the profile", async () => {
    const client = await plain();
    const revocation = createRevocation(alice.master.signature, NOW);
    for (const pin of [undefined, pinOf(v2)]) {
      expect(await errorCode(() => followProfile(client, { ...fetched(v2), revocation }, pin, true))).toBe(
        "profile-revoked",
      );
    }
    const foreign = createRevocation(newPerson().master.signature, NOW);
    expect((await followProfile(client, { ...fetched(v2), revocation: foreign }, pinOf(v2), false)).changed).toBe(
      false,
    );
  });
});
