import { expect, test } from "vitest";
import { runCrashes } from "../support/crash.js";
import { SEED } from "../support/sample.js";
import { seeded } from "../support/seeded.js";

/** `npm run test:crash` kills a thousand. */
const USUAL = process.env["npm_lifecycle_event"] === "test:crash" ? 1000 : 20;
const CRASHES = Number(process.env["MESHMAN_CRASHES"] ?? USUAL);

test("a command that is killed at any moment is finished by running it again", { timeout: 7_200_000 }, async () => {
  const { killed, problems } = await runCrashes({ crashes: CRASHES, random: seeded(SEED), slots: 2 });
  if (CRASHES > USUAL || USUAL > 20) console.log(`seed ${SEED}`, killed);
  expect(problems, `MESHMAN_SEED=${SEED}`).toEqual([]);
  expect(Object.values(killed).reduce((sum, count) => sum + count, 0)).toBe(CRASHES);
});
