import { MeshError } from "../errors.js";
import type { Deps } from "../deps.js";
import { isUdf } from "../mesh/udf.js";
import { printable } from "./output.js";

const MAX_NAME = 64;

/** Checks the name of a profile or a device: 1 to 64 visible characters, and nothing that reads as a UDF. Throws `usage`. */
export const checkName = (name: string, what: string): string => {
  const text = name.normalize("NFC").trim();
  const problem =
    text === ""
      ? "is empty"
      : text.length > MAX_NAME
        ? `has more than ${MAX_NAME} characters`
        : printable(text) !== text
          ? "has characters that cannot be shown"
          : isUdf(text.toUpperCase())
            ? "looks like a UDF"
            : undefined;
  if (problem !== undefined) throw new MeshError("usage", `The name of the ${what} ${problem}.`);
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
