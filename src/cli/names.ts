import { MeshError } from "../errors.js";
import type { Deps } from "../deps.js";
import { isUdf } from "../mesh/udf-text.js";
import { msg, type Message } from "../messages/message.js";
import { printable } from "./output.js";

const MAX_NAME = 64;

/** What is wrong with a name, by what it names. */
const PROBLEMS = {
  profile: {
    empty: msg("name.profile-empty"),
    long: msg("name.profile-long", { maximum: MAX_NAME }),
    unprintable: msg("name.profile-unprintable"),
    udf: msg("name.profile-udf"),
  },
  device: {
    empty: msg("name.device-empty"),
    long: msg("name.device-long", { maximum: MAX_NAME }),
    unprintable: msg("name.device-unprintable"),
    udf: msg("name.device-udf"),
  },
  application: {
    empty: msg("name.application-empty"),
    long: msg("name.application-long", { maximum: MAX_NAME }),
    unprintable: msg("name.application-unprintable"),
    udf: msg("name.application-udf"),
  },
} satisfies Record<string, Record<string, Message>>;

/** What a name is the name of. */
export type Named = keyof typeof PROBLEMS;

/** Checks the name of a profile or a device: 1 to 64 visible characters, and nothing that reads as a UDF. Throws `usage`. */
export const checkName = (name: string, what: Named): string => {
  const text = name.normalize("NFC").trim();
  const problems = PROBLEMS[what];
  const problem =
    text === ""
      ? problems.empty
      : text.length > MAX_NAME
        ? problems.long
        : printable(text) !== text
          ? problems.unprintable
          : isUdf(text.toUpperCase())
            ? problems.udf
            : undefined;
  if (problem) throw new MeshError("usage", problem);
  return text;
};

/** What this device calls itself unless told otherwise: the name of the machine. */
export const defaultDeviceName = (deps: Deps): string => {
  const name = [...(deps.hostname.split(".")[0] ?? "")].slice(0, MAX_NAME).join("");
  return name !== "" && printable(name) === name ? name : "device";
};

const PLATFORMS: Readonly<Record<string, string>> = { linux: "Linux", darwin: "macOS", win32: "Windows" };

/** What a device profile says of the device: its platform. */
export const platformName = (deps: Deps): string => PLATFORMS[deps.platform] ?? deps.platform;
