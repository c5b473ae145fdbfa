import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import Database from "better-sqlite3";
import type { Deps } from "../../src/deps.js";
import { createPortal, type Portal } from "../../src/portal/portal.js";
import type { Store } from "../../src/portal/store/store.js";
import { run, type Outcome } from "./cli.js";
import { openTestStore } from "./portal.js";

/** What becomes of a request: `drop` ends the connection once the portal has done its work, `lose` before that. */
export type Wiretap = (transaction: string) => "answer" | "drop" | "lose";

export interface WorldsOptions {
  /** How the machines reach their portal: each opens its file, or one process serves it. */
  readonly portal: "file" | "http";
}

/**
 * A folder with some machines and a portal, and copies of it at other times. It is always restored to the same place, since
 * homes remember where their portal is.
 */
export interface Worlds {
  readonly portal: string;
  /** A second portal, of another account. */
  readonly other: string;
  /** Somebody on the wire to an http portal, and what is done to its store as it is opened. Both are forgotten by `restore`. */
  wiretap: Wiretap | undefined;
  wrapStore: ((store: Store) => Store) | undefined;
  home(machine: string): string;
  path(...names: string[]): string;
  /** Runs a command with `--json` on a machine. The line is cut at its spaces. */
  run(machine: string, line: string, deps?: Partial<Deps>): Promise<Outcome>;
  /** The same where it must end with status 0. */
  ok(machine: string, line: string, deps?: Partial<Deps>): Promise<Outcome>;
  /** Keeps a copy of everything. */
  keep(name: string): Promise<void>;
  /** Ends what goes wrong at the http portal. */
  mend(): Promise<void>;
  /** Brings a copy back. */
  restore(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Nobody waits in tests but for a lock. */
const sleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const openWorlds = async ({ portal: kind }: WorldsOptions): Promise<Worlds> => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-worlds-"));
  const live = path.join(base, "live");
  fs.mkdirSync(live, { mode: 0o700 });
  const file = path.join(live, "portal", "portal.sqlite");
  let server: http.Server | undefined;
  let port = 0;
  let serving: Promise<Portal> | undefined;

  const open = async (): Promise<Portal> => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const store = await openTestStore(file);
    return createPortal({
      domains: [],
      authorities: [`127.0.0.1:${port}`],
      now: () => new Date(),
      random: randomBytes,
      rateLimit: "none",
      store: worlds.wrapStore?.(store) ?? store,
    });
  };
  const stop = async (): Promise<void> => {
    const portal = await serving?.catch(() => undefined);
    serving = undefined;
    await portal?.close();
  };
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const transaction = /^\{"(\w+)"/.exec(body.toString("latin1"))?.[1] ?? "";
    const fate = worlds.wiretap?.(transaction) ?? "answer";
    if (fate === "lose") {
      request.socket.destroy();
      return;
    }
    const reply = await (
      await (serving ??= open())
    ).handle({
      method: request.method ?? "",
      authority: request.headers.host ?? "",
      path: request.url ?? "",
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      body,
      address: "127.0.0.1",
    });
    if (fate === "drop") {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { ...reply.headers });
    response.end(reply.body);
  };
  if (kind === "http") {
    server = http.createServer((request, response) => {
      answer(request, response).catch(() => request.socket.destroy());
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    ({ port } = listening.address() as AddressInfo);
  }

  const home = (machine: string): string => path.join(live, machine);
  const worlds: Worlds = {
    portal: kind === "http" ? `http://127.0.0.1:${port}` : `file:${file}`,
    other: `file:${path.join(live, "portal", "other.sqlite")}`,
    wiretap: undefined,
    wrapStore: undefined,
    home,
    path: (...names) => path.join(live, ...names),
    run: (machine, line, deps) =>
      run([...line.split(" ").filter((word) => word !== ""), "--json"], {
        home: home(machine),
        deps: { cwd: live, sleep, ...deps },
      }),
    ok: async (machine, line, deps) => {
      const outcome = await worlds.run(machine, line, deps);
      if (outcome.status !== 0) throw new Error(`meshman ${line}: ${outcome.stdout}${outcome.stderr}`);
      return outcome;
    },
    keep: async (name) => {
      await stop();
      fs.cpSync(live, path.join(base, name), { recursive: true });
    },
    mend: async () => {
      await stop();
      worlds.wiretap = undefined;
      worlds.wrapStore = undefined;
    },
    restore: async (name) => {
      await worlds.mend();
      fs.rmSync(live, { recursive: true, force: true });
      fs.cpSync(path.join(base, name), live, { recursive: true });
    },
    close: async () => {
      server?.closeAllConnections();
      server?.close();
      await stop();
      fs.rmSync(base, { recursive: true, force: true });
    },
  };
  return worlds;
};

/** What a portal holds, as far as it does not differ from run to run. */
export const portalView = (file: string): unknown => {
  if (!fs.existsSync(file)) return undefined;
  const db = new Database(file, { readonly: true });
  try {
    const count = (table: string): unknown => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    return {
      records: db.prepare("SELECT kind, count(*) AS count FROM record GROUP BY kind ORDER BY kind").all(),
      accounts: db.prepare("SELECT account, status FROM account ORDER BY account").all(),
      log: count("log"),
      pending: count("pending"),
      results: count("result"),
      devices: count("device"),
    };
  } finally {
    db.close();
  }
};

const at = (value: unknown, name: string): unknown => (value as Record<string, unknown>)[name];

/** What a machine knows, as far as it does not differ from run to run. Writes nothing. */
export const machineView = async (worlds: Worlds, machine: string): Promise<unknown> => {
  if (!fs.existsSync(worlds.home(machine))) return undefined;
  const { json: profiles } = await worlds.ok(machine, "profile list");
  const { json: keystore } = await worlds.ok(machine, "keystore status");
  const { json: status } = await worlds.ok(machine, "status");
  const profile = at(status, "profile") as Record<string, unknown> | null;
  const uses = (at(keystore, "keys") as { use: string }[]).map(({ use }) => use).sort();
  return {
    profiles: (at(profiles, "profiles") as { name: string }[]).map(({ name }) => name),
    accounts: (at(profiles, "profiles") as { accounts: unknown }[]).map(({ accounts }) => accounts),
    // Master keys of a profile that never came to be may stay, since none is thrown away on a guess.
    keys: uses.filter((use, index) => !use.startsWith("master-") || uses.indexOf(use) === index),
    version: profile && [profile["masterSequence"], profile["sequence"]],
    connected: at(status, "connected"),
    admin: at(status, "admin"),
    recovery: at(status, "recovery") !== null,
    work: (at(status, "pendingWork") as { kind: string }[]).map(({ kind }) => kind),
  };
};
