import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { listApplications } from "../../src/keystore/application-store.js";
import { add, change, passwordOf, set, withSession } from "../support/applications.js";
import { withAccount } from "../support/cli.js";
import { openWire } from "../support/wire.js";

const ENTRIES = 10_000;
const MAX_UPLOAD = 64 * 1024;
const TIME_LIMIT = 120_000;

/** Octets that go out over connections of this process while something is done. */
const sentBy = async (work: () => Promise<unknown>): Promise<number> => {
  const sockets: Socket[] = [];
  const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe("net.client.socket", note);
  try {
    await work();
  } finally {
    unsubscribe("net.client.socket", note);
  }
  return sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
};

test("a change of one entry among ten thousand sends less than 64 KiB", { timeout: TIME_LIMIT }, async () => {
  const { url } = await openWire({});
  const laptop = await withAccount(url);
  const note = "Where it is for, in some words of which there are a few.";
  const puts = Array.from({ length: ENTRIES }, (_, index) => ({
    put: {
      ...passwordOf(`login.site-${index}.example.com`, `person${index}@example.org`, `a password ${index}`),
      Notes: note,
    },
  }));
  const all = await sentBy(() => change(laptop, () => puts));
  expect(all).toBeGreaterThan(ENTRIES * note.length);

  const added = await sentBy(() => add(laptop, "new.example.com", "secret"));
  const changed = await sentBy(() => set(laptop, "login.site-7777.example.com", "changed"));
  for (const sent of [added, changed]) {
    expect(sent).toBeGreaterThan(1000);
    expect(sent).toBeLessThan(MAX_UPLOAD);
  }
  const [facts] = await withSession(laptop, ({ context: { home }, state }) =>
    Promise.resolve(listApplications(home, state.udf)),
  );
  expect(facts).toMatchObject({ entries: ENTRIES + 1, conflicts: 0 });
});
