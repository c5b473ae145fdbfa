import type { Deps, WorkerPost, WorkerProcess } from "../../deps.js";
import { isMeshError, MeshError, type ErrorCode } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import type { Journal } from "../../portal/journal.js";
import { createMetrics, type Measured, type Metrics, type Source } from "../../portal/metrics.js";
import type { TlsPair } from "../../portal/tls.js";
import type { ServeSettings } from "./config.js";
import { errorFields, startServing, type Serving, type ServingOptions, type ServingProcess } from "./serving.js";

/** What the first process tells a worker. */
type Order =
  | { readonly kind: "start"; readonly number: number; readonly settings: ServeSettings; readonly tls?: TlsPair }
  | { readonly kind: "tls"; readonly pair: TlsPair }
  | { readonly kind: "measure"; readonly id: number }
  | { readonly kind: "stop" };

/** What a worker tells the first process. */
type Report =
  | { readonly kind: "here" }
  | { readonly kind: "ready"; readonly url: string; readonly port: number; readonly logKey: string }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly text: Message; readonly hint?: Message }
  | { readonly kind: "measured"; readonly id: number; readonly measured: Measured; readonly isReady: boolean };

/** How long workers are waited for, in milliseconds: to say what they measured, and to end once they were told to. */
const MEASURE_WAIT = 2000;
const STOP_WAIT = 15_000;
/** How long a worker that ended stays away at first and at most, and how long it must have lived to count as sound. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 30_000;
const SOUND = 60_000;

interface Asked {
  readonly resolve: (report: Extract<Report, { kind: "measured" }> | undefined) => void;
  readonly number: number;
}

/** One of the places that a worker is kept at. */
interface Place {
  readonly number: number;
  process: WorkerProcess | undefined;
  isReady: boolean;
  started: number;
  pause: number;
  /** What its worker was told to listen at. */
  port: number | undefined;
  /** Running while its worker stays away. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Serves with so many processes as the settings say, which share the ports; one that ends is started again, after a pause that
 * doubles. Resolves when all of them answer. Throws what the first of them could not do.
 */
export const serveWithWorkers = async (
  deps: Deps,
  settings: ServeSettings,
  { tls, journal, metrics }: Pick<ServingOptions, "tls" | "journal" | "metrics">,
): Promise<Serving> => {
  const places = Array.from({ length: settings.workers }, (_, index): Place => {
    return {
      number: index + 1,
      process: undefined,
      isReady: false,
      started: 0,
      pause: FIRST_PAUSE,
      port: undefined,
      timer: undefined,
    };
  });
  const asked = new Map<number, Asked>();
  let questions = 0;
  let pair = tls;
  let bound: number | undefined;
  let stopping = false;
  let allEnded: () => void = () => undefined;

  const ended = (place: Place): void => {
    place.process = undefined;
    place.isReady = false;
    place.port = undefined;
    for (const { number, resolve } of asked.values()) if (number === place.number) resolve(undefined);
    if (stopping && places.every(({ process }) => !process)) allEnded();
  };

  /** Workers share a port that they are told of alike, be it 0. Where none of them is left, it is the one that they had. */
  const choosePort = (): number => places.find(({ port }) => port !== undefined)?.port ?? bound ?? settings.listen.port;

  /** Starts the worker of a place. Resolves when it answers requests, and rejects where it ends before that. */
  const start = (place: Place): Promise<Extract<Report, { kind: "ready" }>> =>
    new Promise((resolve, reject) => {
      let failure = new MeshError("io-failed", msg("serve.worker-ended"));
      place.started = performance.now();
      const obey = (report: Report): void => {
        switch (report.kind) {
          case "here":
            place.port = choosePort();
            place.process?.send({
              kind: "start",
              number: place.number,
              settings: { ...settings, listen: { ...settings.listen, port: place.port } },
              ...(pair && { tls: pair }),
            } satisfies Order);
            break;
          case "ready":
            place.isReady = true;
            bound ??= report.port;
            journal.note("info", "worker-started", { number: place.number, pid: place.process?.pid });
            resolve(report);
            break;
          case "failed":
            failure = new MeshError(report.code, report.text, { hint: report.hint });
            break;
          case "measured":
            asked.get(report.id)?.resolve(report);
        }
      };
      const starting = deps.startWorker({
        message: (message) => obey(message as Report),
        end: (how) => {
          const wasReady = place.isReady;
          ended(place);
          reject(failure);
          if (!wasReady || stopping) return;
          journal.note("error", "worker-ended", { number: place.number, ...how });
          restart(place);
        },
      });
      starting.then((process) => {
        place.process = process;
        if (stopping) process.send({ kind: "stop" } satisfies Order);
      }, reject);
    });

  const restart = (place: Place): void => {
    if (performance.now() - place.started > SOUND) place.pause = FIRST_PAUSE;
    metrics.count("meshman_portal_worker_restarts_total");
    // It keeps this process alive, should all of them be away.
    place.timer = setTimeout(() => {
      start(place).catch((error: unknown) => {
        if (stopping) return;
        journal.note("error", "worker-failed", { number: place.number, ...errorFields(error, settings.verbose) });
        restart(place);
      });
    }, place.pause);
    place.pause = Math.min(place.pause * 2, LONGEST_PAUSE);
  };

  const close = async (): Promise<void> => {
    stopping = true;
    for (const { timer } of places) clearTimeout(timer);
    const processes = places.flatMap(({ process }) => process ?? []);
    if (processes.length === 0) return;
    for (const process of processes) process.send({ kind: "stop" } satisfies Order);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const { process } of places) process?.kill();
      }, STOP_WAIT);
      allEnded = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };

  const ask = (place: Place): Promise<Extract<Report, { kind: "measured" }> | undefined> =>
    new Promise((resolve) => {
      if (!place.process || !place.isReady) {
        resolve(undefined);
        return;
      }
      const id = questions++;
      const finish: Asked["resolve"] = (report) => {
        clearTimeout(timer);
        asked.delete(id);
        resolve(report);
      };
      const timer = setTimeout(() => finish(undefined), MEASURE_WAIT);
      asked.set(id, { number: place.number, resolve: finish });
      place.process.send({ kind: "measure", id } satisfies Order);
    });

  try {
    const [first, ...others] = places;
    if (!first) throw new RangeError("There are no workers.");
    // By itself, since it may have the store and the key of its log to make.
    const { url, logKey } = await start(first);
    await Promise.all(others.map(start));
    return {
      url,
      logKey,
      replaceTls: (next) => {
        pair = next;
        for (const { process } of places) process?.send({ kind: "tls", pair: next } satisfies Order);
      },
      sources: async () => {
        const reports = await Promise.all(places.map(ask));
        const measured = reports.flatMap((report, index): Source[] =>
          report ? [{ process: String(index + 1), measured: report.measured }] : [],
        );
        return [{ process: "0", measured: metrics.measure() }, ...measured];
      },
      isReady: async () => {
        if (stopping) return false;
        const reports = await Promise.all(places.map(ask));
        return reports.some((report) => report?.isReady === true);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** What a worker does: what the process that started it says, until that tells it to stop. */
export const serveAsWorker = async (
  deps: Deps,
  post: WorkerPost,
  openJournal: (settings: ServeSettings, metrics: Metrics, number: number) => Journal,
): Promise<void> => {
  const metrics = createMetrics(deps.resources);
  let serving: ServingProcess | undefined;
  let journal: Journal | undefined;
  let beginning: Promise<void> | undefined;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const send = (report: Report): Promise<void> => post.send(report);

  const begin = async ({ number, settings, tls }: Extract<Order, { kind: "start" }>): Promise<void> => {
    journal = openJournal(settings, metrics, number);
    try {
      serving = await startServing(deps, settings, { tls, processes: settings.workers, journal, metrics });
      const { url, port, logKey } = serving;
      await send({ kind: "ready", url, port, logKey });
    } catch (error) {
      const known = isMeshError(error) ? error : new MeshError("internal", msg("serve.worker-ended"), { cause: error });
      if (known !== error) journal.note("error", "failed", errorFields(error, settings.verbose));
      await send({
        kind: "failed",
        code: known.code,
        text: known.text,
        ...(known.hint && { hint: known.hint }),
      });
      stop();
    }
  };
  const obey = async (order: Order): Promise<void> => {
    switch (order.kind) {
      case "start":
        beginning = begin(order);
        return beginning;
      case "tls":
        await beginning;
        return serving?.replaceTls(order.pair);
      case "measure":
        if (!serving) return;
        return send({
          kind: "measured",
          id: order.id,
          measured: await serving.measure(),
          isReady: await serving.isReady(),
        });
      case "stop":
        return stop();
    }
  };
  // The system may tell every process of a service to end: a worker then finishes what it has, as it does when it is told to.
  deps.signal.addEventListener("abort", () => stop(), { once: true });
  deps.onHangup(() => undefined);
  post.receive((message) => {
    obey(message as Order).catch(() => stop());
  });
  await send({ kind: "here" });
  await stopped;
  await beginning;
  await serving?.close();
  await journal?.flush();
  metrics.close();
  post.leave();
};
