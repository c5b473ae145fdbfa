import * as fs from "node:fs";
import type { ClientConfig } from "pg";
import { MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";

const MAX_URL = 2048;
const PARAMETERS = [
  "host",
  "port",
  "user",
  "password",
  "application_name",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** What it takes to reach a database. */
export type DatabaseAddress = Pick<
  ClientConfig,
  "host" | "port" | "user" | "password" | "database" | "application_name" | "ssl"
>;

const refuse = (text: Message): never => {
  throw new MeshError("usage", text, { hint: msg("postgres.url.hint") });
};

/** Percent-encoding undone, or undefined where there is nothing. */
const decoded = (text: string): string | undefined => {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch {
    return refuse(msg("postgres.url-form"));
  }
};

const parse = (text: string): URL => {
  if (text.length > MAX_URL || !/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    return refuse(msg("postgres.url-form"));
  }
  return new URL(text);
};

const readFile = (path: string): Buffer => {
  try {
    return fs.readFileSync(path);
  } catch (cause) {
    throw new MeshError("file-unreadable", msg("postgres.file-unreadable", { file: JSON.stringify(path) }), { cause });
  }
};

/**
 * How the connection is protected: a server's certificate is verified wherever TLS is used, unless `no-verify` says not to, and TLS is
 * used for everything but this machine, unless `disable` says not to.
 */
const readSsl = (host: string | undefined, parameters: URLSearchParams): DatabaseAddress["ssl"] => {
  const mode = parameters.get("sslmode");
  const files = (["ca", "cert", "key"] as const).flatMap((name) => {
    const path = parameters.get(name === "ca" ? "sslrootcert" : `ssl${name}`);
    return path === null ? [] : [[name, readFile(path)] as const];
  });
  switch (mode) {
    case "disable":
      return false;
    case "no-verify":
      return { ...Object.fromEntries(files), rejectUnauthorized: false };
    case "require":
    case "verify-ca":
    case "verify-full":
      return Object.fromEntries(files);
    case null: {
      const isHere = host === undefined || host.startsWith("/") || LOOPBACK.test(host);
      return isHere && files.length === 0 ? false : Object.fromEntries(files);
    }
    default:
      return refuse(msg("postgres.url-sslmode"));
  }
};

/**
 * Reads the address of a database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `postgresql://`, with the parameters `host`,
 * `port`, `user`, `password`, `application_name`, `sslmode`, `sslrootcert`, `sslcert` and `sslkey`. A host that is a path, percent-encoded
 * where it stands in the place of the host, is the folder of a Unix socket. Throws `usage`, and `file-unreadable` for a certificate.
 */
export const readPostgresUrl = (text: string): DatabaseAddress => {
  const url = parse(text);
  const parameters = url.searchParams;
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name) || parameters.getAll(name).length > 1) {
      refuse(msg("postgres.url-parameter", { parameter: JSON.stringify(name.slice(0, 64)) }));
    }
  }
  const part = (name: string, inPlace: string): string | undefined => parameters.get(name) ?? decoded(inPlace);
  const host = part("host", url.hostname.replace(/^\[(.*)\]$/, "$1"));
  const port = part("port", url.port);
  const user = part("user", url.username);
  const password = part("password", url.password);
  const database = decoded(url.pathname.slice(1));
  if (url.hash !== "" || database === undefined || database.includes("/")) refuse(msg("postgres.url-form"));
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65536)) {
    refuse(msg("postgres.url-form"));
  }
  return {
    application_name: parameters.get("application_name") ?? "meshman",
    ssl: readSsl(host, parameters),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  };
};

/** The address of a database as it may be shown to anybody: without password and parameters. */
export const redactPostgresUrl = (text: string): string => {
  if (!URL.canParse(text)) return "postgres://...";
  const { protocol, username, host, pathname } = new URL(text);
  return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}`;
};
