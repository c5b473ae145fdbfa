import type { Deps } from "../../deps.js";
import { isMeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import { createJournal, type Journal } from "../../portal/journal.js";
import { createMetrics, metricsText, type Metrics } from "../../portal/metrics.js";
import { startMetricsServer, type MetricsServer } from "../../portal/metrics-server.js";
import { parseListen } from "../../portal/server.js";
import { checkTlsPair } from "../../portal/tls.js";
import { VERSION } from "../../version.js";
import type { Context, Run } from "../context.js";
import { fields } from "../output.js";
import { readSettings, readTlsPair, type ServeSettings } from "./config.js";
import { errorFields, startServing, type Serving } from "./serving.js";
import { serveAsWorker, serveWithWorkers } from "./workers.js";

export const run: Run = async (context, input) => {
  const { deps } = context;
  const post = await deps.workerPost();
  if (post) {
    await serveAsWorker(deps, post, (settings, metrics, number) => openJournal(deps, settings, metrics, number));
    return undefined;
  }
  const warnings: Message[] = [];
  const settings = await readSettings(gathering(context, warnings), input, parseListen);
  const metrics = createMetrics(deps.resources);
  const journal = openJournal(deps, settings, metrics);
  try {
    await serve(context, settings, { journal, metrics, warnings });
  } catch (error) {
    // A person is told by whoever catches it.
    if (settings.logFormat === "json") journal.note("error", "failed", errorFields(error, settings.verbose));
    throw error;
  } finally {
    await journal.flush();
    metrics.close();
  }
  return undefined;
};

const openJournal = (deps: Deps, settings: ServeSettings, metrics: Metrics, worker?: number): Journal =>
  createJournal({
    format: settings.logFormat,
    level: settings.logLevel,
    now: deps.now,
    write: (text) => deps.stderr.write(text),
    onDropped: (lines) => metrics.count("meshman_portal_log_lines_dropped_total", [], lines),
    ...(worker !== undefined && { always: { worker } }),
  });

/** The same context, but what a person should know is gathered: it is said in the form of the log. */
const gathering = (context: Context, warnings: Message[]): Context =>
  Object.create(context, {
    note: {
      value: (message: Message) => {
        warnings.push(message);
        return Promise.resolve();
      },
    },
  }) as Context;

const serve = async (
  context: Context,
  settings: ServeSettings,
  {
    journal,
    metrics,
    warnings,
  }: { readonly journal: Journal; readonly metrics: Metrics; readonly warnings: Message[] },
): Promise<void> => {
  const { deps } = context;
  const worded = async (message: Message): Promise<string> => (await context.translator())(message);
  /** Says what was gathered: to a person in words, and to a machine as it is used to. */
  const warn = async (): Promise<void> => {
    for (const message of warnings.splice(0)) {
      if (settings.logFormat === "json") journal.note("warn", "warning", { message: await worded(message) });
      else await context.note(message);
    }
  };
  const reading = gathering(context, warnings);
  const { tlsFiles } = settings;
  const tls = tlsFiles && (await readTlsPair(reading, tlsFiles));
  const tlsUntil = (notAfter: Date): { notAfter: string } => ({ notAfter: notAfter.toISOString() });
  await warn();
  const started = tls && tlsUntil(checkTlsPair(tls).notAfter);

  const serving =
    settings.workers > 1
      ? await serveWithWorkers(deps, settings, { tls, journal, metrics })
      : await startServing(deps, settings, { tls, processes: 1, journal, metrics });
  let watched: MetricsServer | undefined;
  try {
    watched = await openMetrics(settings, serving);
    const reload = async (): Promise<void> => {
      if (!tlsFiles) {
        journal.note("info", "reloaded");
        return;
      }
      try {
        const pair = await readTlsPair(reading, tlsFiles);
        await warn();
        const { notAfter } = checkTlsPair(pair);
        serving.replaceTls(pair);
        journal.note("info", "reloaded", tlsUntil(notAfter));
      } catch (error) {
        // What was good before is good enough until somebody has looked.
        const message = isMeshError(error) ? await worded(error.text) : undefined;
        journal.note("error", "reload-failed", { ...errorFields(error, settings.verbose), message });
      }
    };
    // Who closes a terminal means the portal in it to end, where there is nothing to be read again.
    if (tlsFiles ?? !deps.stdinIsTTY) deps.onHangup(() => void reload());
    journal.note("info", "started", {
      version: VERSION,
      listening: serving.url,
      workers: settings.workers,
      ...started,
    });
    await announce(context, settings, serving, watched?.url);
    await interruption(deps.signal);
    journal.note("info", "stopping");
  } finally {
    await serving.close();
    await watched?.close();
  }
  journal.note("info", "stopped");
};

const openMetrics = async (settings: ServeSettings, serving: Serving): Promise<MetricsServer | undefined> =>
  settings.metricsListen &&
  startMetricsServer({
    listen: settings.metricsListen,
    metrics: async () => metricsText(await serving.sources()),
    isReady: () => serving.isReady(),
  });

/** Says that it is ready, and where. */
const announce = async (
  context: Context,
  { domains, store }: ServeSettings,
  { url, logKey }: Serving,
  metrics: string | undefined,
): Promise<void> => {
  const value = {
    listening: url,
    domains,
    store: store.shown,
    logKey,
    ...(metrics !== undefined && { metrics: `${metrics}/metrics` }),
  };
  await context.emit({
    value,
    text: fields([
      [msg("label.listening"), url],
      [msg("label.domains"), domains.join(", ") || msg("serve.every-domain")],
      [msg("label.store"), value.store],
      [msg("label.log-key"), logKey],
      [msg("label.metrics"), value.metrics],
    ]),
  });
};

const interruption = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
