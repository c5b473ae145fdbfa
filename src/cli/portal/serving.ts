import type { Deps } from "../../deps.js";
import { isMeshError } from "../../errors.js";
import type { Journal, FieldValue } from "../../portal/journal.js";
import type { Measured, Metrics, Source } from "../../portal/metrics.js";
import type { PortalEvent, PortalRequest } from "../../portal/portal.js";
import { RATE_KINDS } from "../../portal/rates.js";
import { startServer, type PortalServer } from "../../portal/server.js";
import { checkTlsPair, type TlsPair } from "../../portal/tls.js";
import { openWithLogKey } from "../../portal/log/key-file.js";
import type { ServeSettings } from "./config.js";
import { openStorePlace } from "./store-place.js";

/** A portal that answers requests, be it in one process or in several. */
export interface Serving {
  readonly url: string;
  /** The verifier key of its log. */
  readonly logKey: string;
  replaceTls(pair: TlsPair): void;
  sources(): Promise<readonly Source[]>;
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

/** The same where it is one process. */
export interface ServingProcess extends Serving {
  readonly port: number;
  measure(): Promise<Measured>;
}

/** What a process serves with, besides the settings. Whoever opened it closes it. */
export interface ServingOptions {
  readonly tls: TlsPair | undefined;
  /** How many processes share the requests. */
  readonly processes: number;
  readonly journal: Journal;
  readonly metrics: Metrics;
}

/** Codes of the system and of the store, such as ENOSPC and SQLITE_FULL. */
const SHORT_CODE = /^[A-Z0-9_]{2,40}$/;

/**
 * What the journal says of an error: its code, and the code of what lies beneath. Never its text, which may quote a name; and
 * where it happened only where that is asked for.
 */
export const errorFields = (error: unknown, verbose: boolean): Record<string, FieldValue> => {
  let cause: string | undefined;
  const stack: string[] = [];
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth++) {
    if (!isMeshError(each) && "code" in each && SHORT_CODE.test(String(each.code))) cause ??= String(each.code);
    stack.push(each.name, ...(each.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)));
  }
  return {
    code: isMeshError(error) ? error.code : "internal",
    cause,
    ...(verbose && { stack: stack.map((line) => line.trim()).slice(0, 40) }),
  };
};

/** The errors that whoever watches over the portal is told to look for. */
const WATCHED_ERRORS = ["busy", "internal", "io-failed", "log-key-missing", "read-only", "state-corrupt"] as const;

/** Opens the store and serves it in this process. Throws what the log key, the store and the server throw. */
export const startServing = async (
  deps: Deps,
  settings: ServeSettings,
  { tls, processes, journal, metrics }: ServingOptions,
): Promise<ServingProcess> => {
  const { random } = deps;
  for (const code of WATCHED_ERRORS) metrics.count("meshman_portal_errors_total", [code], 0);
  for (const kind of RATE_KINDS) metrics.count("meshman_portal_limited_total", [kind], 0);
  const log = (event: PortalEvent, request: PortalRequest): void => {
    const { transaction, status, milliseconds, account, error, aheadOfUs } = event;
    metrics.count("meshman_portal_requests_total", [transaction, String(status)]);
    metrics.observe("meshman_portal_request_duration_seconds", milliseconds / 1000, [transaction]);
    const isFailure = status >= 500;
    const failure = error === undefined ? {} : errorFields(error, settings.verbose);
    if (isFailure) metrics.count("meshman_portal_errors_total", [String(failure["code"] ?? "busy")]);
    journal.note(isFailure ? "error" : "info", "request", {
      id: request.id,
      transaction,
      status,
      milliseconds,
      octets: request.body.length,
      address: settings.logAddresses ? request.address : undefined,
      account: settings.logAccounts ? account : undefined,
      ...failure,
    });
    if (!aheadOfUs) return;
    // It looks as if the store had been put back to an older state.
    metrics.count("meshman_portal_clients_ahead_total");
    journal.note("warn", "client-ahead", { id: request.id });
  };
  const store = await openWithLogKey(settings.logKeyFile, { random, origin: settings.logOrigin }, (signer, create) =>
    openStorePlace(settings.store, {
      random,
      signer,
      create,
      onCommit: (transactions) => {
        metrics.count("meshman_portal_commits_total");
        metrics.observe("meshman_portal_commit_transactions", transactions);
      },
    }),
  );
  let server: PortalServer;
  let logKey: string;
  try {
    // The file may hold a newer one, of a change that was never finished.
    logKey = (await store.read((tx) => tx.logKeys())).at(-1)?.verifier ?? "";
    server = await startServer({
      store,
      domains: settings.domains,
      authorities: settings.authorities,
      listen: settings.listen,
      now: deps.now,
      random,
      rateLimit: settings.rates,
      processes,
      quota: settings.quota,
      publicTransfer: settings.publicLog,
      onUnsigned: (error, isFirst) => {
        metrics.count("meshman_portal_checkpoint_failures_total");
        if (isFirst) journal.note("warn", "checkpoint-failed", errorFields(error, settings.verbose));
      },
      onLimited: (kind) => metrics.count("meshman_portal_limited_total", [kind]),
      metrics,
      log,
      ...(settings.transferToken !== undefined && { transferToken: settings.transferToken }),
      ...(tls && { tls }),
      ...(settings.proxy && { proxy: settings.proxy }),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  const noteTls = (pair: TlsPair): void => {
    metrics.set("meshman_portal_tls_not_after_seconds", checkTlsPair(pair).notAfter.getTime() / 1000);
  };
  if (tls) noteTls(tls);
  const measure = async (): Promise<Measured> => {
    const { head } = await server.health();
    metrics.set("meshman_portal_workers", 1);
    metrics.set("meshman_portal_store_up", head ? 1 : 0);
    metrics.set("meshman_portal_log_size", head?.size);
    // The head of an empty log has no time until somebody asks for it.
    const age = head && head.time > 0 ? Math.max(0, deps.now().getTime() - head.time) / 1000 : undefined;
    metrics.set("meshman_portal_log_checkpoint_age_seconds", age);
    return metrics.measure();
  };
  return {
    url: server.url,
    port: server.port,
    logKey,
    replaceTls: (pair) => {
      server.replaceTls(pair);
      noteTls(pair);
    },
    measure,
    sources: async () => [{ process: undefined, measured: await measure() }],
    isReady: async () => !server.isClosing() && (await server.health()).isReady,
    close: () => server.close(),
  };
};
