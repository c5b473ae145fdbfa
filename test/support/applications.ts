import type { Deps } from "../../src/deps.js";
import {
  changeApplication,
  openApplication,
  type Change,
  type Changed,
} from "../../src/cli/application/application.js";
import { createContext, type Globals } from "../../src/cli/context.js";
import { requireProfile } from "../../src/cli/select.js";
import { openSession, type Session } from "../../src/cli/session.js";
import type { Entry } from "../../src/mesh/application/entry.js";
import { PASSWORDS } from "../../src/mesh/application/password/kind.js";
import type { PasswordValue } from "../../src/mesh/application/password/value.js";
import { loadTranslator } from "../../src/messages/translate.js";
import type { Machine } from "./cli.js";
import { testDeps } from "./deps.js";

const GLOBALS: Globals = {
  json: true,
  home: undefined,
  profile: undefined,
  account: undefined,
  portal: undefined,
  allowHttp: false,
  acceptGap: false,
  ca: undefined,
  passphraseFile: undefined,
  passphraseFd: undefined,
  keystoreKeyFile: undefined,
  keystoreKeyFd: undefined,
  input: false,
  yes: false,
  quiet: true,
  verbose: false,
  timeout: 30_000,
  language: undefined,
  color: false,
};

/** The real files, without waiting for the disk: no test pulls the plug. */
const files = { ...testDeps().fs, fsync: () => undefined, fsyncDirectory: () => undefined };

/** Works on a machine in the place of a command, with its keys. */
export const withSession = async <T>(
  machine: Pick<Machine, "home" | "folder">,
  work: (session: Session) => Promise<T>,
  deps: Partial<Deps> = {},
): Promise<T> => {
  const context = createContext(
    testDeps({
      env: { MESHMAN_HOME: machine.home },
      fs: files,
      cwd: machine.folder,
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 10))),
      ...deps,
    }),
    GLOBALS,
    () => Promise.resolve(),
    () => loadTranslator("en"),
  );
  try {
    return await work(await openSession(context, await requireProfile(context)));
  } finally {
    context.unlocked.keystore?.close();
  }
};

/** A password as entries have it. */
export const passwordOf = (site: string, username: string, password: string): PasswordValue => ({
  Sites: [site],
  Username: username,
  Password: password,
});

export interface ChangeOptions {
  readonly offline?: boolean;
  readonly name?: string;
  readonly deps?: Partial<Deps>;
}

/** Makes changes of the passwords of a machine. */
export const change = (
  machine: Machine,
  changes: (entries: readonly Entry<PasswordValue>[]) => readonly Change<PasswordValue>[],
  { offline = false, name, deps }: ChangeOptions = {},
): Promise<Changed<PasswordValue>> =>
  withSession(
    machine,
    (session) =>
      changeApplication(session, PASSWORDS, { create: true, offline, name }, async (application) =>
        changes(await application.entries()),
      ),
    deps,
  );

/** Adds a password. */
export const add = async (
  machine: Machine,
  site: string,
  password: string,
  options: ChangeOptions = {},
): Promise<string> => {
  const { ids } = await change(machine, () => [{ put: passwordOf(site, "alice", password) }], options);
  return ids[0] ?? "";
};

/** Gives the password of a site another value, or takes it away. */
export const set = (
  machine: Machine,
  site: string,
  password: string | undefined,
  options: ChangeOptions = {},
): Promise<Changed<PasswordValue>> =>
  change(
    machine,
    (entries) => {
      const entry = entries.find(({ value }) => value.Sites?.includes(site));
      if (!entry) throw new Error(`No ${site}`);
      return [
        password === undefined ? { remove: entry.id } : { id: entry.id, put: { ...entry.value, Password: password } },
      ];
    },
    options,
  );

/** The passwords of a machine as it has them, by site; several versions stand behind each other. */
export const passwords = (
  machine: Machine,
  { offline = true, name, deps }: ChangeOptions = {},
): Promise<Record<string, string>> =>
  withSession(
    machine,
    async (session) => {
      const application = await openApplication(session, PASSWORDS, { offline, name });
      const entries = await application.entries();
      return Object.fromEntries(
        entries.map(({ value, others }) => [
          value.Sites?.[0] ?? "",
          [value.Password, ...others.map((other) => other.value?.Password ?? "-")].join("|"),
        ]),
      );
    },
    deps,
  );
