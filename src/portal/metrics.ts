import { monitorEventLoopDelay } from "node:perf_hooks";

/** How the values of several processes become one: `each` keeps them apart, by the number of the process. */
type Combine = "sum" | "max" | "min" | "each";

interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly combine?: Combine;
  /** Upper bounds, without the infinite one. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Everything that is measured. No label is a name, an address or anything else that comes from outside. */
const FAMILIES = {
  meshman_portal_requests_total: {
    type: "counter",
    help: "Requests answered, by transaction and status.",
    labels: ["transaction", "status"],
  },
  meshman_portal_request_duration_seconds: {
    type: "histogram",
    help: "Time from a whole request to its answer, by transaction.",
    labels: ["transaction"],
    buckets: SECONDS,
  },
  meshman_portal_requests_in_flight: { type: "gauge", help: "Requests that are being read or answered." },
  meshman_portal_connections: { type: "gauge", help: "Open connections." },
  meshman_portal_connections_dropped_total: {
    type: "counter",
    help: "Connections closed at once, since there were too many.",
  },
  meshman_portal_limited_total: {
    type: "counter",
    help: "Requests refused because they were over a rate, by rate.",
    labels: ["rate"],
  },
  meshman_portal_errors_total: {
    type: "counter",
    help: "Answers of 500 and above, by the code of what went wrong.",
    labels: ["code"],
  },
  meshman_portal_commits_total: { type: "counter", help: "Commits to the store." },
  meshman_portal_commit_transactions: {
    type: "histogram",
    help: "How many transactions shared a commit.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  },
  meshman_portal_store_up: {
    type: "gauge",
    help: "1 where the store answers with a head that the log's present key has signed.",
    combine: "min",
  },
  meshman_portal_log_size: { type: "gauge", help: "Leaves in the log.", combine: "max" },
  meshman_portal_log_checkpoint_age_seconds: {
    type: "gauge",
    help: "Time since the head of the log was signed.",
    combine: "min",
  },
  meshman_portal_checkpoint_failures_total: {
    type: "counter",
    help: "Attempts to sign the head of the log anew that failed.",
  },
  meshman_portal_clients_ahead_total: {
    type: "counter",
    help: "Requests that show a signed head which the log no longer has: the store was put back to an older state.",
  },
  meshman_portal_tls_not_after_seconds: {
    type: "gauge",
    help: "When the certificate that is used ends, in seconds since 1970.",
    combine: "min",
  },
  meshman_portal_log_lines_dropped_total: {
    type: "counter",
    help: "Lines that were not logged, since standard error took no more.",
  },
  meshman_portal_workers: { type: "gauge", help: "Processes that answer requests." },
  meshman_portal_worker_restarts_total: { type: "counter", help: "Processes started again because they had ended." },
  process_start_time_seconds: {
    type: "gauge",
    help: "When the process started, in seconds since 1970.",
    combine: "each",
  },
  process_cpu_seconds_total: { type: "counter", help: "Processor time used.", combine: "each" },
  process_resident_memory_bytes: { type: "gauge", help: "Memory in use.", combine: "each" },
  nodejs_heap_size_used_bytes: { type: "gauge", help: "Memory in use by the program's own objects.", combine: "each" },
  nodejs_eventloop_delay_seconds: {
    type: "gauge",
    help: "Delay of the event loop since it was last asked for, by quantile.",
    labels: ["quantile"],
    combine: "each",
  },
} as const satisfies Record<string, Family>;

type Families = typeof FAMILIES;
export type MetricName = keyof Families;
export const METRIC_NAMES = Object.keys(FAMILIES) as readonly MetricName[];
type NameOf<Type extends Family["type"]> = {
  [Name in MetricName]: Families[Name]["type"] extends Type ? Name : never;
}[MetricName];

/** Values by their labels, which are joined by a line feed: none has one. */
type Values = Record<string, number>;

interface Histogram {
  /** One for each bound and the infinite one, not added up. */
  readonly counts: number[];
  sum: number;
}

/** What one process has measured, as it goes from one process to another. */
export interface Measured {
  readonly values: Partial<Record<MetricName, Values>>;
  readonly histograms: Partial<Record<MetricName, Record<string, Histogram>>>;
}

/** What a process takes up. */
export interface ProcessResources {
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

export interface Metrics {
  count(name: NameOf<"counter">, labels?: readonly string[], by?: number): void;
  set(name: NameOf<"gauge">, value: number | undefined, labels?: readonly string[]): void;
  add(name: NameOf<"gauge">, by: number): void;
  observe(name: NameOf<"histogram">, value: number, labels?: readonly string[]): void;
  /** What has been measured so far, what the process takes up among it. */
  measure(): Measured;
  close(): void;
}

/** More series of one name than this are none of ours. */
const MAX_SERIES = 512;

/** Starts measuring. Whoever opens it closes it. */
export const createMetrics = (resources: () => ProcessResources): Metrics => {
  const values: Partial<Record<MetricName, Values>> = {};
  // A counter that is absent until it is 1 never rises for whoever compares two values.
  for (const [name, { type, ...family }] of Object.entries<Family>(FAMILIES)) {
    if (type === "counter" && !family.labels && !family.combine) values[name as MetricName] = { "": 0 };
  }
  const histograms: Partial<Record<MetricName, Record<string, Histogram>>> = {};
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const series = (name: MetricName, labels: readonly string[]): [Values, string] => {
    const known = (values[name] ??= {});
    const key = labels.join("\n");
    const isOther = known[key] === undefined && Object.keys(known).length >= MAX_SERIES;
    return [known, isOther ? labels.map(() => "other").join("\n") : key];
  };
  const metrics: Metrics = {
    count: (name, labels = [], by = 1) => {
      const [known, key] = series(name, labels);
      known[key] = (known[key] ?? 0) + by;
    },
    set: (name, value, labels = []) => {
      const [known, key] = series(name, labels);
      if (value === undefined) Reflect.deleteProperty(known, key);
      else known[key] = value;
    },
    add: (name, by) => {
      const [known, key] = series(name, []);
      known[key] = (known[key] ?? 0) + by;
    },
    observe: (name, value, labels = []) => {
      const { buckets } = FAMILIES[name];
      const known = (histograms[name] ??= {});
      const key = labels.join("\n");
      const histogram = (known[key] ??= { counts: Array<number>(buckets.length + 1).fill(0), sum: 0 });
      const bucket = buckets.findIndex((bound) => value <= bound);
      const index = bucket < 0 ? buckets.length : bucket;
      histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
      histogram.sum += value;
    },
    measure: () => {
      const { startTime, cpuSeconds, residentBytes, heapBytes } = resources();
      metrics.set("process_start_time_seconds", startTime);
      values.process_cpu_seconds_total = { "": cpuSeconds };
      metrics.set("process_resident_memory_bytes", residentBytes);
      metrics.set("nodejs_heap_size_used_bytes", heapBytes);
      for (const quantile of [0.5, 0.99, 1]) {
        const nanoseconds = delay.percentile(quantile * 100);
        metrics.set("nodejs_eventloop_delay_seconds", Math.max(0, nanoseconds / 1e9 - 0.02), [String(quantile)]);
      }
      delay.reset();
      return { values, histograms };
    },
    close: () => void delay.disable(),
  };
  return metrics;
};

/** One process's measurements, and the number it goes by where there are several. */
export interface Source {
  readonly process: string | undefined;
  readonly measured: Measured;
}

const combineWith = (combine: Combine, one: number, other: number): number => {
  if (combine === "max") return Math.max(one, other);
  return combine === "min" ? Math.min(one, other) : one + other;
};

/** The name of a series with its labels, as Prometheus reads them. */
const seriesText = (name: string, labels: readonly (readonly [name: string, value: string])[]): string => {
  if (labels.length === 0) return name;
  const escaped = labels.map(
    ([label, value]) => `${label}="${value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
  );
  return `${name}{${escaped.join(",")}}`;
};

const labelsOf = (names: readonly string[], key: string): (readonly [string, string])[] => {
  const values = key.split("\n");
  return names.map((name, index) => [name, values[index] ?? ""]);
};

const valueLines = (name: MetricName, family: Family, sources: readonly Source[]): string[] => {
  const { labels = [], combine = "sum" } = family;
  const found = new Map<string, number>();
  for (const { process, measured } of sources) {
    for (const [key, value] of Object.entries(measured.values[name] ?? {})) {
      const known = labelsOf(labels, key);
      if (combine === "each" && process !== undefined) known.push(["process", process]);
      const text = seriesText(name, known);
      const before = found.get(text);
      found.set(text, before === undefined ? value : combineWith(combine, before, value));
    }
  }
  return [...found].map(([text, value]) => `${text} ${value}`);
};

const histogramLines = (
  name: MetricName,
  { labels = [], buckets = [] }: Family,
  sources: readonly Source[],
): string[] => {
  const found = new Map<string, Histogram>();
  for (const { measured } of sources) {
    for (const [key, { counts, sum }] of Object.entries(measured.histograms[name] ?? {})) {
      const before = found.get(key);
      found.set(key, {
        counts: counts.map((count, index) => count + (before?.counts[index] ?? 0)),
        sum: sum + (before?.sum ?? 0),
      });
    }
  }
  return [...found].flatMap(([key, { counts, sum }]) => {
    const known = labelsOf(labels, key);
    let total = 0;
    const lines = [...buckets.map(String), "+Inf"].map((bound, index) => {
      total += counts[index] ?? 0;
      return `${seriesText(`${name}_bucket`, [...known, ["le", bound]])} ${total}`;
    });
    return [...lines, `${seriesText(`${name}_sum`, known)} ${sum}`, `${seriesText(`${name}_count`, known)} ${total}`];
  });
};

/** What one or several processes have measured, in the text format of Prometheus, version 0.0.4. */
export const metricsText = (sources: readonly Source[]): string =>
  Object.entries<Family>(FAMILIES)
    .flatMap(([name, family]) => {
      const lines = family.type === "histogram" ? histogramLines : valueLines;
      const found = lines(name as MetricName, family, sources);
      return found.length === 0 ? [] : [`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`, ...found];
    })
    .map((line) => `${line}\n`)
    .join("");
