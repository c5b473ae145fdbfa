import type { Deps, PartRun } from "../../src/deps.js";

/** A keyring without a system behind it. Its entries can be looked at and changed, and it can be made to fail. */
export interface FakeKeyring {
  /** What of Deps it stands for: the process that asks it, and the environment in which there is one to ask. */
  readonly deps: Pick<Deps, "runPart" | "env">;
  /** Keys as base64url by account. */
  readonly entries: Map<string, string>;
  /** The operations so far. */
  readonly operations: string[];
  /** What happens instead of an answer: nothing within the time, or an error. `set` fails alone where it is `full`. */
  fails: "silent" | "broken" | "full" | undefined;
  /** Called before each operation, and may throw: the death of the process. */
  before: (operation: string) => void;
  /** Called after each. */
  after: (operation: string) => void;
}

/** A bus address that nobody listens at: the fake never looks. */
export const FAKE_BUS = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere/bus" };

export const fakeKeyring = (env: Readonly<Record<string, string>> = {}): FakeKeyring => {
  const answer = ({ input }: PartRun): string => {
    const text = Buffer.from(input).toString("utf8");
    const [line = "", secret = ""] = text.split("\n");
    const { operation, account } = JSON.parse(line) as { operation: string; account: string };
    keyring.operations.push(operation);
    keyring.before(operation);
    if (keyring.fails === "silent") throw Object.assign(new Error("too long"), { code: "ETIMEDOUT" });
    if (keyring.fails === "broken") throw new Error("broken");
    if (keyring.fails === "full" && operation === "set") return "failed\nNo space is left in the keyring";
    const found = keyring.entries.get(account);
    if (operation === "set") keyring.entries.set(account, secret);
    if (operation === "remove") keyring.entries.delete(account);
    keyring.after(operation);
    if (operation === "set") return "done\n";
    return found === undefined ? "none\n" : operation === "get" ? `done\n${found}` : "done\n";
  };
  const keyring: FakeKeyring = {
    deps: { env: { ...FAKE_BUS, ...env }, runPart: async (run) => Buffer.from(answer(run)) },
    entries: new Map(),
    operations: [],
    fails: undefined,
    before: () => undefined,
    after: () => undefined,
  };
  return keyring;
};
