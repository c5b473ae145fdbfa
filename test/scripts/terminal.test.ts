import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect } from "vitest";
import { test, type Stage } from "../support/program.js";
import { CONTROL_C, CONTROL_D, DOWN, hasTerminal, openTerminal, RETURN, type Terminal } from "../support/terminal.js";

const ACCOUNT = "alice@example.com";
const PASSPHRASE = "five well chosen random words";

/** Every file below a folder with its content; the empty list where there is no folder. */
const contents = (folder: string): [string, string][] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { recursive: true, encoding: "utf8" })
        .sort()
        .map((name) => {
          const file = path.join(folder, name);
          return [name, fs.statSync(file).isFile() ? fs.readFileSync(file, "base64") : ""];
        })
    : [];

/** Presses ^C at a question, and ^D, and sees each time that the program ends with 130 and has changed nothing. */
const interrupt = async (stage: Stage, machine: string, words: string, question: RegExp): Promise<void> => {
  const before = contents(stage.home(machine));
  for (const key of [CONTROL_C, CONTROL_D]) {
    const terminal = openTerminal(stage, machine, words);
    await terminal.shows(question);
    terminal.press(key);
    expect((await terminal.finished).status, terminal.screen()).toBe(130);
    expect(contents(stage.home(machine))).toEqual(before);
  }
};

const ended = async (terminal: Terminal): Promise<number | null> => (await terminal.finished).status;

describe.skipIf(!hasTerminal)("at a terminal", () => {
  test.concurrent(
    "passphrases are asked for and never shown, and ^C or ^D at any question changes nothing",
    async ({ stage }) => {
      stage.audit.passphrase(PASSPHRASE);
      stage.audit.passphrase("a second passphrase");
      stage.audit.passphrase("not the passphrase");

      await interrupt(stage, "laptop", "profile create --device-name laptop", /New passphrase/);
      const create = openTerminal(stage, "laptop", "profile create --device-name laptop");
      // Too short, then right; another one the second time, then the same.
      await create.answers(/New passphrase/, "short");
      await create.shows(/8 characters/);
      create.press(`${"\u007f".repeat(5)}${PASSPHRASE}${RETURN}`);
      await create.answers(/same again/, "something else");
      await create.shows(/not the same/);
      create.press(`${"\u007f".repeat(14)}${PASSPHRASE}${RETURN}`);
      expect(await ended(create), create.screen()).toBe(0);
      expect(await stage.meshman("laptop", "keystore status")).toMatchObject({ protection: "passphrase" });

      const at = `--portal file:${stage.path("portal.sqlite")}`;
      const account = `account create ${ACCOUNT} ${at}`;
      await interrupt(stage, "laptop", account, /Passphrase/);
      const wrong = openTerminal(stage, "laptop", account);
      await wrong.answers(/Passphrase/, "not the passphrase");
      expect(await ended(wrong)).toBe(4);
      const right = openTerminal(stage, "laptop", account);
      await right.answers(/Passphrase/, PASSPHRASE);
      expect(await ended(right), right.screen()).toBe(0);

      const change = openTerminal(stage, "laptop", "keystore passwd");
      await change.answers(/Passphrase/, PASSPHRASE);
      await change.answers(/New passphrase/, "a second passphrase");
      await change.shows(/same again/);
      change.press(CONTROL_C);
      expect(await ended(change)).toBe(130);
      const still = openTerminal(stage, "laptop", "device pending");
      await still.answers(/Passphrase/, PASSPHRASE);
      expect(await ended(still), still.screen()).toBe(0);

      // Nothing is asked where nobody is to be asked, terminal or not.
      for (const env of [{ CI: "true" }, undefined]) {
        const words = `device pending${env ? "" : " --no-input"}`;
        expect(await ended(openTerminal(stage, "laptop", words, env))).toBe(2);
      }
    },
  );

  test.concurrent(
    "a new device asks for the start of the fingerprint, and an administrator for the code",
    async ({ stage }) => {
      const at = `--portal file:${stage.path("portal.sqlite")}`;
      const { profile } = await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
      await stage.meshman("laptop", `account create ${ACCOUNT} ${at}`);
      const connect = `device connect ${ACCOUNT} ${at} --device-name phone --no-passphrase`;
      await interrupt(stage, "phone", connect, /Fingerprint/);
      const asking = openTerminal(stage, "phone", connect);
      // It is not shown before it is typed; and neither a few characters nor another fingerprint will do.
      await asking.shows(/Fingerprint/);
      expect(asking.screen()).not.toContain(profile.udf.slice(0, 14));
      asking.press(`${profile.udf.slice(0, 10)}${RETURN}`);
      await asking.shows(/not the fingerprint/);
      asking.press(`${profile.udf.slice(10, 24).toLowerCase()}${RETURN}`);
      expect(await ended(asking), asking.screen()).toBe(0);
      const { code } = await stage.meshman("phone", `device status`, { status: 8 });

      await interrupt(stage, "laptop", "device complete", /code/);
      const complete = openTerminal(stage, "laptop", "device complete");
      await complete.shows(/code/);
      complete.press(`y${RETURN}`);
      await complete.shows(/[Cc]ode/);
      complete.press(`\u007f${code}${RETURN}`);
      expect(await ended(complete), complete.screen()).toBe(0);
      expect(await stage.meshman("phone", "device status")).toMatchObject({ status: "accepted" });
    },
  );

  test.concurrent("prompts and their answers are in the language of the messages", async ({ stage }) => {
    stage.audit.passphrase(PASSPHRASE);
    const file = stage.writeSecret("passphrase", `${PASSPHRASE}\n`);
    const backup = stage.path("backup.json");
    await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
    await stage.meshman("laptop", `profile export --private --out ${backup} --backup-passphrase-file ${file}`);

    for (const [language, hidden, yes] of [
      ["de", /wird nicht angezeigt/, "j"],
      ["fr", /n'est pas affichée/, "oui"],
    ] as const) {
      const restore = openTerminal(stage, language, `profile import ${backup} --no-passphrase --language ${language}`);
      await restore.shows(hidden);
      restore.press(`${PASSPHRASE}${RETURN}`);
      await restore.shows(/\([jo]\/N\)/);
      // What is neither is asked for again, and not taken for what nothing typed would be.
      restore.press(`x${RETURN}`);
      await restore.shows(/ja oder nein|oui ou non/);
      restore.press(`\u007f${yes}${RETURN}`);
      expect(await ended(restore), restore.screen()).toBe(0);
      expect(restore.screen()).not.toMatch(/input is|\(y\/N\)/);
    }

    const setup = openTerminal(stage, "laptop", "setup --language de");
    await setup.answers(/Name des Profils/, "");
    await setup.answers(/Name dieses Geräts/, "");
    await setup.shows(/⏎ übernehmen/);
    expect(setup.screen()).not.toContain("navigate");
    setup.press(CONTROL_C);
    expect(await ended(setup)).toBe(130);
  });

  test.concurrent("setup asks for all that is needed", async ({ stage }) => {
    stage.audit.passphrase(PASSPHRASE);
    const recovery = stage.path("recovery");
    await interrupt(stage, "laptop", "setup", /Name of the profile/);
    const setup = openTerminal(stage, "laptop", "setup");
    await setup.answers(/Name of the profile/, "");
    await setup.answers(/Name of this device/, "\u007f".repeat(64) + "laptop");
    await setup.answers(/New passphrase/, PASSPHRASE);
    await setup.answers(/same again/, PASSPHRASE);
    await setup.shows(/Where shall/);
    setup.press(`${DOWN}${RETURN}`);
    await setup.answers(/Name of the account/, "alice");
    await setup.answers(/revocation note\?/, "n");
    await setup.answers(/recovery shares now\?/, "");
    await setup.answers(/Folder to write/, recovery);
    await setup.answers(/Erase the master key/, "y");
    expect(await ended(setup), setup.screen()).toBe(0);

    const { keys } = await stage.meshman("laptop", "keystore status");
    expect(keys.map(({ use }) => use)).not.toContain("master-signature");
    expect(await stage.meshman("laptop", "status")).toMatchObject({
      connected: true,
      admin: true,
      device: { name: "laptop" },
      portal: { account: "alice@localhost", url: "local" },
      recovery: { threshold: 2, shares: 3 },
    });
    const files = ["share-1-of-3.txt", "share-3-of-3.txt"].map((name) => `--share-file ${path.join(recovery, name)}`);
    await stage.meshman("laptop", `escrow verify ${files.join(" ")}`);
  });

  test.concurrent("^C while a device waits for its answer ends the wait, and the request stays", async ({ stage }) => {
    const at = `--portal file:${stage.path("portal.sqlite")}`;
    await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
    await stage.meshman("laptop", `account create ${ACCOUNT} ${at}`);
    const words = `device connect ${ACCOUNT} ${at} --trust-on-first-use --device-name phone --no-passphrase --wait 600`;
    const waiting = openTerminal(stage, "phone", words);
    await waiting.shows(/[A-Z2-7]{4}(-[A-Z2-7]{4}){4}/);
    waiting.press(CONTROL_C);
    expect(await ended(waiting), waiting.screen()).toBe(130);
    expect((await stage.meshman("laptop", "device pending")).pending).toHaveLength(1);
    expect(await stage.meshman("phone", "device status", { status: 8 })).toMatchObject({ status: "pending" });
  });
});
