import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { publicKeyOf } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  nextPersonal,
} from "../../src/mesh/profile.js";
import { accountUdf } from "../../src/mesh/udf.js";

/** Somebody with three devices and an account, and what they publish one after the other. */
export interface Person {
  readonly account: string;
  readonly udf: string;
  /** JSON texts of their personal profiles, each the successor of the one before. */
  readonly records: readonly string[];
}

/** Makes somebody with a first profile and so many successors. */
export const makePerson = (index: number, successors: number): Person => {
  const now = new Date();
  const account = `user${index}@example.com`;
  const master = generateMasterKeys(randomBytes);
  const keys = generateDeviceKeys(randomBytes);
  const laptop = createDevice(keys, "laptop", "", now);
  const others = ["phone", "desktop"].map((name) => createDevice(generateDeviceKeys(randomBytes), name, "", now));
  const content = { administrators: [laptop], escrowKeys: [publicKeyOf(master.escrow)] };
  const masterProfile = createMaster(master.signature, content, now);
  const change = { devices: [laptop, ...others], names: [accountUdf(account)] };
  let profile = createPersonal(keys.online, masterProfile, change, now);
  const records = [JSON.stringify(profile.record)];
  for (let made = 0; made < successors; made++) {
    profile = nextPersonal(keys.online, profile, {}, now);
    records.push(JSON.stringify(profile.record));
  }
  return { account, udf: profile.udf, records };
};

/** What makes people in a process of its own. */
export const maker = {
  /** Writes people to a file, a line for each. */
  make: ({ file, from, to, successors }: { file: string; from: number; to: number; successors: number }): void => {
    const output = fs.openSync(file, "w", 0o600);
    for (let index = from; index < to; index++) {
      fs.writeSync(output, `${JSON.stringify(makePerson(index, successors))}\n`);
    }
    fs.closeSync(output);
  },
};
export type Maker = typeof maker;

/** Reads people from files, one at a time. */
export const readPeople = function* (files: readonly string[]): Generator<Person> {
  for (const file of files) {
    for (const line of fs.readFileSync(file, "utf8").split("\n")) {
      if (line !== "") yield JSON.parse(line) as Person;
    }
  }
};
