import type { Deps } from "../deps.js";
import type { Context } from "./context.js";

/** What stands in `--language` or the environment as a BCP 47 tag, or undefined where it is none. */
export const languageTag = (text: string): string | undefined => {
  // POSIX writes de_DE.UTF-8@euro where BCP 47 writes de-DE.
  const tag = text.replace(/[.@].*$/s, "").replaceAll("_", "-");
  return /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(tag) && tag.length <= 35 ? tag : undefined;
};

/**
 * The user's languages as BCP 47 tags, most preferred first: `option` (`--language`), else LC_ALL, LC_MESSAGES or LANG.
 * What is no tag counts as English.
 */
export const userLanguages = ({ env }: Pick<Deps, "env">, option: string | undefined): string[] => {
  const text = option ?? [env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]].find((value) => value);
  return [languageTag(text ?? "") ?? "en"];
};

export const languages = (context: Context): string[] => userLanguages(context.deps, context.globals.language);
