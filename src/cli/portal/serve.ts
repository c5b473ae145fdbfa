import { join, resolve } from "node:path";
import { MeshError } from "../../errors.js";
import { ensureFolder, homePath } from "../../keystore/home.js";
import { msg } from "../../messages/message.js";
import type { Context, Run } from "../context.js";
import { readSecretFile } from "../input.js";
import { fields } from "../output.js";
import { canonicalDomain } from "../../mesh/address.js";

export const run: Run = async (context, input) => {
  const { deps } = context;
  const [{ parseListen, startServer }, { openSqliteStore }] = await Promise.all([
    import("../../portal/server.js"),
    import("../../portal/store/sqlite.js"),
  ]);
  const listen = parseListen(input.text("listen") ?? "127.0.0.1:8080");
  const domains = input.list("domain").map((domain) => {
    const canonical = canonicalDomain(domain);
    if (canonical === undefined)
      throw new MeshError("usage", msg("serve.domain-invalid", { domain: JSON.stringify(domain) }));
    return canonical;
  });
  const tokenFile = input.text("transferTokenFile");
  const transferToken = tokenFile === undefined ? undefined : await readToken(context, tokenFile);
  const path = storePath(context, input.text("store"));
  const store = await openSqliteStore(path, { random: deps.random });
  const server = await startServer({
    store,
    domains,
    authorities: input.list("authority").map((authority) => authority.toLowerCase()),
    listen,
    now: deps.now,
    random: deps.random,
    ...(transferToken === undefined ? {} : { transferToken }),
    log: ({ transaction, status, milliseconds }) =>
      void context.detail(msg("serve.request", { transaction, status, milliseconds })),
  });
  const value = { listening: server.url, domains, store: `sqlite:${path}` };
  await context.emit({
    value,
    text: fields([
      [msg("label.listening"), server.url],
      [msg("label.domains"), domains.join(", ") || msg("serve.every-domain")],
      [msg("label.store"), value.store],
    ]),
  });
  await interruption(deps.signal);
  await server.close();
  return undefined;
};

/** The token of the peers that may ask for Transfer: one line of 16 visible characters or more. */
const readToken = async (context: Context, file: string): Promise<string> => {
  const token = (await readSecretFile(context, file)).toString("utf8");
  if (/^[!-~]{16,256}$/.test(token)) return token;
  throw new MeshError("usage", msg("serve.token-invalid", { path: file }));
};

/** The file of `--store sqlite:PATH`, or the portal of its own in the home folder. */
const storePath = (context: Context, text: string | undefined): string => {
  if (text === undefined) {
    const home = homePath(context.deps, context.globals.home);
    ensureFolder(context.deps, home);
    return join(home, "portal.sqlite");
  }
  const match = /^sqlite:(.+)$/s.exec(text);
  if (match?.[1] !== undefined) return resolve(context.deps.cwd, match[1]);
  throw new MeshError("usage", msg("serve.no-store", { store: JSON.stringify(text) }), {
    hint: msg("serve.no-store.hint"),
  });
};

const interruption = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
