import * as fs from "node:fs";
import { expect } from "vitest";
import { openTestStore, random } from "../support/portal.js";
import { openLogKey } from "../../src/portal/log/key-file.js";
import { hasPostgres, sharedServer } from "../support/postgres.js";
import { after, printedBy, seeded, test, type Stage } from "../support/program.js";
import { writePerson } from "../support/store-content.js";
import { makeVersion1 } from "../support/store-v1.js";

/** How often each command is killed. A soak test sets more. */
const FACTOR = Number(process.env["MESHMAN_KILLS"] ?? "1");
const KILLS = 4 * FACTOR;
/** So many accounts that a command takes a while. */
const ACCOUNTS = 1500;

const COPY = "--store sqlite:copy.sqlite";

const makeStore = async (stage: Stage): Promise<void> => {
  const store = await openTestStore(stage.path("portal.sqlite"));
  await writePerson(store, "alice");
  await store.transact(async (tx) => {
    for (let n = 0; n < ACCOUNTS; n++) await tx.createAccount(`n${n}@example.org`, "A", n);
  });
  await store.close();
};

/** The code of the error that a command ends with, or "" where it is done. */
const codeOf = async (stage: Stage, words: string): Promise<string> => {
  const printed = printedBy(await stage.run("server", `${words} --json`));
  return printed.error?.code ?? "";
};

const isSound = async (stage: Stage, place = COPY): Promise<void> => {
  expect((await stage.meshman("server", `portal fsck ${place}`)).ok).toBe(true);
};

/** How long a command takes, in milliseconds. */
const timeOf = async (stage: Stage, words: string): Promise<number> => {
  const began = performance.now();
  expect(await codeOf(stage, words)).toBe("");
  return performance.now() - began;
};

/** Starts a command and kills it at some moment of its work. */
const kill = async (stage: Stage, words: string, moment: number): Promise<void> => {
  const running = stage.launch("server", `${words} --json`);
  await Promise.race([after(moment), running.finished]);
  await running.stop("SIGKILL");
};

const removeCopy = (stage: Stage): void => {
  for (const name of fs.readdirSync(stage.folder)) {
    if (name.startsWith("copy.sqlite")) fs.rmSync(stage.path(name));
  }
};

const leftovers = (stage: Stage): string[] => fs.readdirSync(stage.folder).filter((name) => name.endsWith(".tmp"));

test("a backup that is killed leaves the whole file or none", async ({ stage }) => {
  await makeStore(stage);
  const next = seeded(1);
  const backup = "portal backup one.backup --store sqlite:portal.sqlite";
  const time = await timeOf(stage, backup);
  const whole = fs.statSync(stage.path("one.backup")).size;
  for (let n = 0; n < KILLS; n++) {
    fs.rmSync(stage.path("one.backup"), { force: true });
    await kill(stage, backup, next() * time);
    const isThere = fs.existsSync(stage.path("one.backup"));
    if (isThere) expect(fs.statSync(stage.path("one.backup")).size).toBe(whole);
    for (const name of leftovers(stage)) {
      expect((fs.statSync(stage.path(name)).mode & 0o777).toString(8)).toBe("600");
      fs.rmSync(stage.path(name));
    }
    expect(await codeOf(stage, backup)).toBe(isThere ? "file-exists" : "");
  }
});

const server = sharedServer();

/** A place for a store where none is yet, as options name it. */
const newPlace = async (stage: Stage, kind: "sqlite" | "postgres"): Promise<string> => {
  removeCopy(stage);
  if (kind === "sqlite") return COPY;
  const { url } = await (await server()).createDatabase();
  fs.writeFileSync(stage.path("copy.sqlite.url"), url, { mode: 0o600 });
  return `--store-file copy.sqlite.url --log-key-file copy.sqlite.key`;
};

const KINDS = hasPostgres ? (["sqlite", "postgres"] as const) : (["sqlite"] as const);

for (const [kind, choice] of KINDS.flatMap((each) => [[each, "--latest"] as const, [each, "--new-log"] as const])) {
  test(`restoring with ${choice} into ${kind}, killed, is done again and never served before`, async ({ stage }) => {
    await makeStore(stage);
    const next = seeded(2);
    expect(await codeOf(stage, "portal backup one.backup --store sqlite:portal.sqlite")).toBe("");
    const time = await timeOf(stage, `portal restore one.backup ${choice} ${await newPlace(stage, kind)}`);
    const seen = new Set<string>();
    // A database takes longer. Whatever the machine is busy with, some kill must come in the middle of the work.
    const kills = kind === "sqlite" ? KILLS : 2 * FACTOR;
    for (let n = 0; n < kills || (n < 10 * kills && !seen.has("store-unfinished")); n++) {
      const place = await newPlace(stage, kind);
      const restore = `portal restore one.backup ${choice} ${place}`;
      await kill(stage, restore, time * (0.2 + 0.8 * next()));
      const state = await codeOf(stage, `portal stats ${place}`);
      expect(["", "store-not-found", "store-unfinished"]).toContain(state);
      seen.add(state);
      if (state === "store-unfinished") {
        expect(await codeOf(stage, `portal serve --listen 127.0.0.1:0 ${place}`)).toBe("store-unfinished");
      }
      const again = await codeOf(stage, restore);
      // A key of which nothing says where it is from is not taken.
      if (again === "file-exists") {
        expect([choice, state === ""]).toEqual(["--new-log", false]);
        fs.rmSync(stage.path("copy.sqlite.key"));
        expect(await codeOf(stage, restore)).toBe("");
      } else {
        expect(again).toBe(state === "" ? "refused" : "");
      }
      await isSound(stage, place);
    }
    expect(seen).toContain("store-unfinished");
  });
}

test("a migration that is killed is done again from the beginning", async ({ stage }) => {
  await makeStore(stage);
  makeVersion1(stage.path("portal.sqlite"), stage.path("old.sqlite"));
  const next = seeded(3);
  const begin = (): void => {
    removeCopy(stage);
    fs.copyFileSync(stage.path("old.sqlite"), stage.path("copy.sqlite"));
  };
  begin();
  const migrate = `portal migrate ${COPY}`;
  const time = await timeOf(stage, migrate);
  const seen = new Set<string>();
  for (let n = 0; n < KILLS; n++) {
    begin();
    await kill(stage, migrate, next() * time);
    const state = await codeOf(stage, `${migrate} --check`);
    expect(["", "store-version"]).toContain(state);
    seen.add(state);
    expect(await codeOf(stage, migrate)).toBe("");
    await isSound(stage);
    const keys = await openLogKey(stage.path("copy.sqlite.key"), { random });
    const served = await stage.serve(COPY);
    expect(served.url).toMatch(/^http:/);
    await served.running.stop("SIGTERM");
    expect(keys.verifiers).toHaveLength(1);
  }
  expect(seen).toContain("store-version");
});
