// What git and its credential helpers say to each other: lines of `name=value`, up to an empty one.

/** What git asks about, or tells. Members that are not here are none of ours. */
export interface Credential {
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const MAX_LINE = 65_535;

/** Reads what git says. Undefined where a line is none of its. */
export const parseCredential = (text: string): Credential | undefined => {
  const members = new Map<string, string>();
  for (const line of text.split("\n").map((each) => each.replace(/\r$/, ""))) {
    if (line === "") break;
    const equals = line.indexOf("=");
    if (equals < 1 || line.length > MAX_LINE || line.includes("\0")) return undefined;
    members.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return {
    protocol: members.get("protocol"),
    host: members.get("host"),
    username: members.get("username"),
    password: members.get("password"),
  };
};

/** What a helper answers. Undefined where something of it is no line: git cannot be told that. */
export const formatCredential = (username: string | undefined, password: string): string | undefined => {
  const lines = [...(username === undefined ? [] : [`username=${username}`]), `password=${password}`];
  return lines.some((line) => /[\n\0\r]/.test(line)) ? undefined : lines.map((line) => `${line}\n`).join("");
};
