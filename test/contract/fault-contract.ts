import { afterEach, describe, expect, it } from "vitest";
import { isMeshError } from "../../src/errors.js";
import { checkStore } from "../../src/portal/fsck.js";
import type { Store } from "../../src/portal/store/store.js";
import { makeSigner } from "../support/log-key.js";
import { writePerson } from "../support/store-content.js";
import type { FaultPlan, Faults } from "../support/sqlite-faults.js";
import { checkLog } from "./log-contract.js";
import type { OpenStore } from "./store-contract.js";

/**
 * What every store must do where its database fails at any call: whatever was acknowledged is there, nothing is there by half, and once
 * the database works again so does the store.
 */
export const faultContract = (
  name: string,
  prepare: () => Promise<OpenStore>,
  failing: (plan: FaultPlan) => Faults,
): void => {
  describe(`faults of the database: ${name}`, () => {
    const signer = makeSigner();
    let faults: Faults | undefined;
    const stores: Store[] = [];

    afterEach(async () => {
      faults?.stop();
      for (const store of stores.splice(0)) await store.close().catch(() => undefined);
    });

    /** Does something, and gives whether it was acknowledged. Only a store's own errors may come out. */
    const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
      try {
        await work();
        return true;
      } catch (error) {
        if (!isMeshError(error, "io-failed", "busy")) throw error;
        return false;
      }
    };

    /** Checks everything over a fresh connection. */
    const checkAll = async (open: OpenStore, accounts: readonly string[]): Promise<void> => {
      const store = await open(signer);
      stores.push(store);
      await checkLog(store, signer.verifier);
      expect(await checkStore(store)).toMatchObject({ ok: true, problems: [] });
      await store.read(async (tx) => {
        for (const account of accounts) expect(await tx.account(account), account).toBeDefined();
      });
    };

    const slow = { timeout: 300_000 };

    it.each([false, true])("loses nothing where any single call fails, be it done already: %s", slow, async (after) => {
      for (let at = 1; ; at++) {
        const open = await prepare();
        const acknowledged: string[] = [];
        faults = failing({ at, after });
        const done = await attempt(async () => {
          const store = await open(signer);
          stores.push(store);
          const create = (account: string) => async (): Promise<void> => {
            await store.transact((tx) => tx.createAccount(account, "A", 1));
            acknowledged.push(account);
          };
          const refused = store.transact(async (tx) => {
            await tx.createAccount("refused@x", "A", 1);
            throw new RangeError("refused");
          });
          await Promise.all([
            attempt(create("a@x")),
            attempt(() =>
              refused.catch((error: unknown) => {
                if (!(error instanceof RangeError)) throw error;
              }),
            ),
            attempt(create("b@x")),
          ]);
          await attempt(() => store.refreshHead(1_000_000, 1_000_000));
          await attempt(() => store.read((tx) => tx.accountsOf("A")));
          await attempt(create("c@x"));
          // Whatever has failed, one call fails no more than once.
          faults?.stop();
          await create("last@x")();
        });
        const { happened, stop } = faults;
        stop();
        expect(acknowledged.includes("last@x")).toBe(done);
        await checkAll(open, acknowledged);
        for (const store of stores.splice(0)) await store.close();
        if (!happened()) break;
      }
    });

    it.each([2, 3, 5, 8, 13, 21, 34, 55])("loses nothing where every call of %i fails", slow, async (every) => {
      const open = await prepare();
      const writers = [await open(signer), await open(signer)];
      stores.push(...writers);
      const acknowledged: string[] = [];
      faults = failing({ every, after: every % 2 === 0 });
      await Promise.all(
        writers.flatMap((store, writer) =>
          Array.from({ length: 3 }, async (_, lane) => {
            for (let index = 0; index < 12; index++) {
              const account = `w${writer}-${lane}-${index}@x`;
              if (await attempt(() => store.transact((tx) => tx.createAccount(account, "A", index)))) {
                acknowledged.push(account);
              }
              await attempt(() => store.read((tx) => tx.head()));
              await attempt(() => store.refreshHead(index * 1_000_000, index * 1_000_000));
            }
          }),
        ),
      );
      faults.stop();
      for (const store of writers) await writePerson(store, `after ${String(writers.indexOf(store))}`);
      await checkAll(open, acknowledged);
      // All of it works, once it works often enough.
      if (every > 34) expect(acknowledged.length).toBeGreaterThan(20);
    });
  });
};
