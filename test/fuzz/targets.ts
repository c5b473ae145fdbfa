import { privateKeyObject } from "../../src/mesh/keys.js";
import { applicationTargets } from "./applications.js";
import type { Target } from "./engine.js";
import { foreignTargets } from "./foreign.js";
import { homeTargets } from "./homes.js";
import { largeTarget } from "./large.js";
import { logTargets } from "./logs.js";
import { makePerson } from "./person.js";
import { portalTargets } from "./portals.js";
import { recordTargets } from "./records.js";
import { textTargets } from "./texts.js";

/** Everything that reads what others wrote. */
export const allTargets = async (): Promise<readonly Target[]> => {
  const person = await makePerson("alice");
  const withKeys = [
    ...(await recordTargets(person)),
    ...(await applicationTargets(person)),
    ...(await portalTargets(person)),
    ...(await homeTargets()),
  ];
  // OpenSSL keeps errors that nobody has asked for, and some calls throw what they find there.
  const unharmed = (): unknown => privateKeyObject(person.admin.keys.signature);
  return [
    ...textTargets,
    ...foreignTargets,
    ...logTargets,
    largeTarget,
    ...withKeys.map((target) => ({ ...target, unharmed })),
  ];
};

/** How many of `total` inputs a target gets: one at least. */
export const shareOf = (target: Target, all: readonly Target[], total: number): number =>
  Math.max(1, Math.round((total * target.weight) / all.reduce((sum, { weight }) => sum + weight, 0)));
