import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { pendingHashes, plainPortal, type PlainPortal } from "../client/plain-portal.js";
import { sampleOf, SEED, upTo } from "../support/sample.js";
import { seeded } from "../support/seeded.js";
import { openWorlds, type Worlds } from "../support/worlds.js";

// A portal of 2016 takes everything twice and dies of what it does not expect, so that nothing may blindly be sent again.

const ACCOUNT = "alice@example.com";

interface Stage {
  readonly worlds: Worlds;
  readonly portal: PlainPortal;
  readonly url: string;
  /** The answer that is not to arrive, counted from 1; 0 for none. Counts anew whenever it is set. */
  lose(n: number): void;
  readonly count: () => number;
}

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A portal of 2016 behind a wire on which one answer is lost. */
const openStage = async (): Promise<Stage> => {
  const portal = await plainPortal();
  const worlds = await openWorlds({ portal: "file" });
  let lost = 0;
  let count = 0;
  const pass = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isLost = ++count === lost;
    const answer = await fetch(new URL(request.url ?? "", portal.url), {
      method: "POST",
      body: Buffer.concat(chunks),
      headers: { "content-type": "application/json" },
    });
    const body = Buffer.from(await answer.arrayBuffer());
    if (isLost) request.socket.destroy();
    else response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
  };
  const wire = http.createServer((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    wire.closeAllConnections();
    wire.close();
    await worlds.close();
  });
  return {
    worlds,
    portal,
    url: `http://127.0.0.1:${(wire.address() as AddressInfo).port}`,
    lose: (n) => {
      lost = n;
      count = 0;
    },
    count: () => count,
  };
};

/** The story, command by command; each is given what the one before it printed as its code. */
const STORY: readonly { machine: string; line: (stage: Stage, code: string) => string; done?: string }[] = [
  { machine: "laptop", line: () => "profile create --device-name laptop --no-passphrase" },
  { machine: "laptop", line: ({ url }) => `account create ${ACCOUNT} --portal ${url}` },
  {
    machine: "phone",
    line: ({ url }) =>
      `device connect ${ACCOUNT} --portal ${url} --trust-on-first-use --device-name phone --no-passphrase`,
  },
  { machine: "laptop", line: (_, code) => `device complete ${code}` },
  { machine: "phone", line: () => "device status" },
  { machine: "laptop", line: ({ worlds }) => `escrow split --shares 3 --threshold 2 --out ${worlds.path("shares")}` },
  {
    machine: "desktop",
    line: ({ worlds, url }) =>
      `escrow recover --account ${ACCOUNT} --portal ${url} --no-passphrase --device-name desktop ` +
      [1, 2].map((n) => `--share-file ${worlds.path("shares", `share-${n}-of-3.txt`)}`).join(" "),
  },
  { machine: "desktop", line: () => "device remove laptop", done: "device-not-found" },
];

/** Plays the story, in which one answer to one command is lost. Gives how many requests each command made. */
const play = async (part: number, n: number): Promise<number[]> => {
  const stage = await openStage();
  const { worlds, portal } = stage;
  const counts: number[] = [];
  let code = "";
  for (const [index, { machine, line, done }] of STORY.entries()) {
    const words = line(stage, code);
    stage.lose(index === part ? n : 0);
    let outcome = await worlds.run(machine, words);
    counts.push(stage.count());
    stage.lose(0);
    if (index === part && outcome.status !== 0) outcome = await worlds.run(machine, words);
    if (outcome.status !== 0 && outcome.code !== done) throw new Error(`meshman ${words}: ${outcome.stdout}`);
    if (words.startsWith("device connect")) {
      code = outcome.at("code");
      expect(pendingHashes(portal, ACCOUNT)).toHaveLength(1);
    }
  }
  expect(portal.isDead()).toBe(false);
  expect(pendingHashes(portal, ACCOUNT)).toEqual([]);
  const { json } = await worlds.ok("desktop", "device list");
  expect((json as { devices: { name: string }[] }).devices.map(({ name }) => name)).toEqual(["phone", "desktop"]);
  expect((await worlds.ok("desktop", "status")).json).toMatchObject({ admin: true, pendingWork: [] });
  return counts;
};

test(
  "at a portal of 2016 whatever a lost answer leaves is finished by running the command again",
  { timeout: 3_600_000 },
  async () => {
    const random = seeded(SEED);
    const counts = await play(-1, 0);
    const trials = counts.flatMap((count, part) => upTo(count).map((n) => ({ part, n })));
    const problems: string[] = [];
    for (const { part, n } of sampleOf(trials, random, 4)) {
      try {
        await play(part, n);
      } catch (error) {
        problems.push(`command ${part}, answer ${n}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    expect(problems, `MESHMAN_SEED=${SEED}`).toEqual([]);
  },
);
