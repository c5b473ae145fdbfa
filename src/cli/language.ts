import type { Context } from "./context.js";

/** The user's languages as BCP 47 tags, most preferred first: `--language`, else LC_ALL, LC_MESSAGES or LANG. */
export const languages = (context: Context): string[] => {
  const { env } = context.deps;
  const text = context.globals.language ?? [env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]].find((value) => value);
  // POSIX writes de_DE.UTF-8@euro where BCP 47 writes de-DE.
  const tag = text?.replace(/[.@].*$/s, "").replaceAll("_", "-");
  return tag !== undefined && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(tag) && tag.length <= 35 ? [tag] : ["en"];
};
