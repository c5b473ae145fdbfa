import * as fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHome, type Home } from "../../src/keystore/home.js";
import { readDefaultProfile, writeDefaultProfile } from "../../src/keystore/preferences.js";
import { msg } from "../../src/messages/message.js";
import { meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { newKey } from "../support/keystore.js";

const UDF = newKey("master-signature").kid;
const newHome = (): Home => openHome(testDeps(), join(temporaryFolder(), "home"));
const fileOf = (home: Home): string => join(home.path, "preferences.json");

test("there is no default at first, and nothing is written for that", async () => {
  const home = newHome();
  expect(await readDefaultProfile(home)).toBeUndefined();
  expect(fs.existsSync(home.path)).toBe(false);
});

test("the default is kept in a private file, and what else is there stays", async () => {
  const home = newHome();
  await writeDefaultProfile(home, UDF);
  expect(await readDefaultProfile(home)).toBe(UDF);
  expect(fs.statSync(fileOf(home)).mode & 0o777).toBe(0o600);
  fs.writeFileSync(fileOf(home), JSON.stringify({ later: 1, defaultProfile: UDF }));
  await writeDefaultProfile(home, undefined);
  expect(await readDefaultProfile(home)).toBeUndefined();
  expect(JSON.parse(fs.readFileSync(fileOf(home), "utf8"))).toEqual({ later: 1 });
});

test.each(["", "{", "nonsense", '{"defaultProfile": 1}', '{"defaultProfile": "work"}'])(
  "a file of %j is an error and is left alone",
  async (content) => {
    const home = newHome();
    fs.mkdirSync(home.path, { mode: 0o700 });
    fs.writeFileSync(fileOf(home), content, { mode: 0o600 });
    const error = await meshError(() => readDefaultProfile(home));
    expect(error.code).toBe("state-corrupt");
    expect(error.hint).toEqual(msg("keystore.preferences-damaged.hint"));
    expect(fs.readFileSync(fileOf(home), "utf8")).toBe(content);
  },
);

test("a damaged file is not overwritten", async () => {
  const home = newHome();
  fs.mkdirSync(home.path, { mode: 0o700 });
  fs.writeFileSync(fileOf(home), "{");
  expect((await meshError(() => writeDefaultProfile(home, UDF))).code).toBe("state-corrupt");
  expect(fs.readFileSync(fileOf(home), "utf8")).toBe("{");
});

test("a file that cannot be read is an error", async () => {
  const home = newHome();
  fs.mkdirSync(fileOf(home), { recursive: true, mode: 0o700 });
  expect((await meshError(() => readDefaultProfile(home))).code).toBe("io-failed");
});
