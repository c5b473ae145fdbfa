import { describe, expect, test } from "vitest";
import { debugText, msg, verbatim } from "../../src/messages/message.js";
import { loadTranslator } from "../../src/messages/translate.js";
import { machine } from "../support/cli.js";

const translators = { en: await loadTranslator("en"), fr: await loadTranslator("fr"), de: await loadTranslator("de") };

describe("words", () => {
  test("values are filled in, messages among them, and stand for nothing but themselves", () => {
    const what = msg("keystore.what.file", { path: "/home/{value}/$&" });
    const fault = msg("problem.form");
    expect(translators.en(msg("schema.member-wrong", { what, member: "{fault}", fault }))).toContain(
      "/home/{value}/$&",
    );
    expect(translators.en(verbatim("{text} {text}"))).toBe("{text} {text}");
  });

  test("one and other are told apart as each language does", () => {
    const needed = (count: number) => msg("mesh.shares-missing", { count, needed: 2 });
    expect(translators.en(needed(1))).not.toBe(translators.en(needed(2)));
    // French counts nought as one, German and English do not.
    expect(translators.fr(needed(0)).replace("0", "1")).toBe(translators.fr(needed(1)));
    expect(translators.de(needed(0)).replace("0", "2")).toBe(translators.de(needed(2)));
  });

  test("programmers see key and values", () => {
    expect(debugText(msg("keystore.what.file", { path: "/a" }))).toBe('keystore.what.file {path: "/a"}');
  });
});

/** What one command says in a language chosen by the option, and by each variable. */
const said = async (line: string, language: string): Promise<string[]> => {
  const outputs = [
    await machine().text(`${line} --language ${language}`),
    await machine({ env: { LANG: `${language}_XX.UTF-8` } }).text(line),
    await machine({ env: { LC_MESSAGES: `${language}_XX`, LANG: "en_US" } }).text(line),
    await machine({ env: { LC_ALL: `${language}_XX.UTF-8@euro`, LC_MESSAGES: "en_US", LANG: "C" } }).text(line),
  ];
  return [...new Set(outputs.map(({ stdout, stderr }) => stdout + stderr))];
};

describe("the language of the user", () => {
  test.each([
    "status",
    "profile show",
    "profile create",
    "--help",
    "help device connect",
    "profile shwo",
    "device remove",
  ])("%s", async (line) => {
    const all = { en: await said(line, "en"), fr: await said(line, "fr"), de: await said(line, "de") };
    for (const texts of Object.values(all)) expect(texts).toHaveLength(1);
    expect(new Set([...all.en, ...all.fr, ...all.de]).size).toBe(3);
  });

  test("codes and members are the same in all, and so is an unknown language of the environment to English", async () => {
    for (const language of ["en", "fr", "de", "fr-CA"]) {
      const outcome = await machine().run(`profile show --language=${language}`);
      expect(outcome).toMatchObject({ status: 3, code: "profile-not-found" });
    }
    for (const language of ["xx", "..", "C", "POSIX"]) {
      const outcome = await machine().run(`profile show --language=${language}`);
      expect(outcome).toMatchObject({ status: 2, code: "usage" });
    }
    const english = await machine().text("profile show");
    for (const language of ["xx", "C", "POSIX", "-"]) {
      expect((await machine({ env: { LANG: language } }).text("profile show")).stderr).toBe(english.stderr);
    }
  });
});
