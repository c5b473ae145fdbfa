import { describe, expect, test } from "vitest";
import {
  bringUpHead,
  fetchHead,
  fetchHeads,
  fetchSegment,
  headsBetween,
  inParallel,
  publishHead,
} from "../../src/client/application.js";
import type { PortalClient } from "../../src/client/client.js";
import { withClient } from "../../src/cli/change.js";
import { knownProfile } from "../../src/cli/known.js";
import { accountOf, openAccount, type Session } from "../../src/cli/session.js";
import { listApplications, readCopy } from "../../src/keystore/application-store.js";
import { createHead, readHead, type ReadHead } from "../../src/mesh/application/head.js";
import { decodeBase64url } from "../../src/mesh/bytes.js";
import { add, withSession } from "../support/applications.js";
import { filePortal, withAccount, type Machine } from "../support/cli.js";
import { meshError } from "../support/deps.js";
import { openReferencePortal } from "../support/reference-portal.js";
import { answer, messageOf, openWire } from "../support/wire.js";

/** Works with a session, a client of its portal, and the application of a machine. */
const withPortal = <T>(
  machine: Machine,
  work: (session: Session, client: PortalClient, identifier: string) => Promise<T>,
): Promise<T> =>
  withSession(machine, (session) => {
    const { context, state } = session;
    const [facts] = listApplications(context.home, state.udf);
    return withClient(openAccount(context, accountOf(context, state)), (client) =>
      work(session, client, facts?.identifier ?? ""),
    );
  });

/** The next version of a head that this home knows, or of another. */
const next = async ({ context, keystore, state }: Session, after?: ReadHead): Promise<ReadHead> => {
  const [facts] = listApplications(context.home, state.udf);
  const copy = readCopy(context.home, keystore, state.udf, facts?.identifier ?? "");
  const owner = knownProfile(context, state);
  const entry = owner?.applications[0];
  if (!copy || !owner || !entry) throw new Error("Nothing is known");
  const { identifier, entries, segments } = copy;
  return createHead(
    keystore.get(state.device.udf, "device-signature"),
    { type: "PasswordProfile", identifier, owner, entry, key: decodeBase64url(copy.key), entries, segments },
    context.deps.now(),
    after ?? readHead(copy.head),
  );
};

describe("inParallel", () => {
  test("gives results in order, with so many at work at once", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel(
      Array.from({ length: 20 }, (_, index) => index),
      async (index) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return index * 2;
      },
      3,
    );
    expect([results, most]).toEqual([Array.from({ length: 20 }, (_, index) => index * 2), 3]);
    expect(await inParallel([], () => Promise.reject(new Error("never")))).toEqual([]);
  });

  test("starts nothing more once something fails", async () => {
    let started = 0;
    const work = async (index: number): Promise<void> => {
      started++;
      await new Promise((resolve) => setImmediate(resolve));
      if (index === 1) throw new Error("one");
    };
    await expect(inParallel([0, 1, 2, 3, 4, 5, 6], work, 2)).rejects.toThrow("one");
    expect(started).toBeLessThan(5);
  });
});

describe("a head", () => {
  test("is fetched with those before it", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await add(laptop, "example.org", "two");
    await withPortal(laptop, async (_, client, identifier) => {
      const head = await fetchHead(client, identifier);
      const heads = await fetchHeads(client, identifier);
      expect(heads.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
      expect(heads[0]?.hash).toBe(head?.hash);
      expect(await fetchHead(client, "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF")).toBeUndefined();
      expect(await fetchHeads(client, identifier)).toHaveLength(3);
      const [third, , first] = heads;
      if (!third || !first) throw new Error("Too few");
      expect((await headsBetween(client, first, third))?.map(({ sequence }) => sequence)).toEqual([2, 3]);
      const other = { sequence: 1, payloadHash: third.payloadHash };
      expect(await meshError(() => headsBetween(client, other, third))).toMatchObject({ code: "fork" });
    });
  });

  test("is published by one of two who are as fast", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await withPortal(laptop, async (session, client) => {
      const [mine, other] = [await next(session), await next(session)];
      await publishHead(client, mine, session.authenticationKey);
      // The very same is done already.
      await publishHead(client, mine, session.authenticationKey);
      const lost = await meshError(() => publishHead(client, other, session.authenticationKey));
      expect(lost.code).toBe("conflict");
      await publishHead(client, await next(session, mine), session.authenticationKey);
    });
  });

  test("is looked for before and after at a portal that keeps no order", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    await add(laptop, "example.com", "one");
    await withPortal(laptop, async (session, client, identifier) => {
      const [mine, other] = [await next(session), await next(session)];
      await publishHead(client, mine, session.authenticationKey);
      await publishHead(client, mine, session.authenticationKey);
      const lost = await meshError(() => publishHead(client, other, session.authenticationKey));
      expect(lost.code).toBe("conflict");
      expect(await fetchHeads(client, identifier)).toEqual([]);
      // Overwritten by somebody who was as fast, and did not look.
      const third = await next(session, mine);
      portal.intercept = ({ operation, handle }) => {
        const before = portal.entries.get(identifier);
        const reply = handle();
        if (operation === "Publish" && before) portal.entries.set(identifier, before);
        return reply;
      };
      const overwritten = await meshError(() => publishHead(client, third, session.authenticationKey));
      expect(overwritten.code).toBe("conflict");
    });
  });
});

describe("a segment", () => {
  test("is the very one that is named", async () => {
    const wire = await openWire({ logless: true });
    const laptop = await withAccount(wire.url);
    await add(laptop, "example.com", "one");
    await withPortal(laptop, async (_, client, identifier) => {
      const head = await fetchHead(client, identifier);
      const [segment] = head?.segments ?? [];
      if (!head || !segment) throw new Error("No segment");
      expect(await fetchSegment(client, segment)).toMatchObject({ Identifier: segment.identifier });
      const wrong = { ...segment, hash: head.hash };
      expect(await meshError(() => fetchSegment(client, wrong))).toMatchObject({ code: "application-segment" });
      const nowhere = { ...segment, identifier: "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF" };
      expect(await meshError(() => fetchSegment(client, nowhere))).toMatchObject({ code: "application-segment" });
      // A portal that never comes to an end of its versions.
      wire.intercept = async ({ transaction, message, forward }) => {
        const reply = await forward();
        if (transaction !== "Get") return reply;
        const { Entries = [] } = messageOf(reply);
        return answer("GetResponse", { Entries, ...(message["Multiple"] === true && { PageKey: "on and on" }) });
      };
      expect(await meshError(() => fetchSegment(client, wrong))).toMatchObject({ code: "portal-answer" });
    });
  });
});

describe("a further portal", () => {
  test("is brought up with all that it lacks, and not past what it has", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await laptop.ok("account create alice@example.org --portal", filePortal());
    await withPortal(laptop, (session, source, identifier) => {
      const { context, state, authenticationKey } = session;
      const second = state.accounts.find(({ account }) => account === "alice@example.org");
      if (!second) throw new Error("No account");
      return withClient(openAccount(context, second), async (client) => {
        const head = await fetchHead(source, identifier);
        if (!head) throw new Error("No head");
        await bringUpHead(client, source, head, authenticationKey);
        await bringUpHead(client, source, head, authenticationKey);
        expect((await fetchHead(client, identifier))?.hash).toBe(head.hash);
        for (const segment of head.segments) expect(await fetchSegment(client, segment)).toBeDefined();
        // It has one that the first does not know.
        const other = await next(session, head);
        await publishHead(client, other, authenticationKey);
        expect(await meshError(() => bringUpHead(client, source, head, authenticationKey))).toMatchObject({
          code: "conflict",
        });
        const later = await next(session, await next(session, head));
        await expect(bringUpHead(client, source, later, authenticationKey)).rejects.toMatchObject({ code: "fork" });
      });
    });
  });
});
