import * as http from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createMetrics, metricsText, type Metrics } from "../../src/portal/metrics.js";
import { startMetricsServer, type MetricsServer } from "../../src/portal/metrics-server.js";
import { errorCode } from "../support/deps.js";

const resources = () => ({ startTime: 1000, cpuSeconds: 2.5, residentBytes: 4096, heapBytes: 1024 });

const opened: Metrics[] = [];
const servers: MetricsServer[] = [];
afterEach(async () => {
  for (const metrics of opened.splice(0)) metrics.close();
  for (const server of servers.splice(0)) await server.close();
});

const open = (): Metrics => {
  const metrics = createMetrics(resources);
  opened.push(metrics);
  return metrics;
};

const textOf = (...all: readonly Metrics[]): string =>
  metricsText(
    all.map((metrics, index) => ({
      process: all.length === 1 ? undefined : String(index),
      // As they go from process to process.
      measured: JSON.parse(JSON.stringify(metrics.measure())) as ReturnType<Metrics["measure"]>,
    })),
  );

/** The lines of a metric, without its help. */
const linesOf = (text: string, name: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));

describe("metrics", () => {
  it("are in the text format of Prometheus", () => {
    const metrics = open();
    metrics.count("meshman_portal_requests_total", ["Hello", "201"]);
    metrics.count("meshman_portal_requests_total", ["Hello", "201"], 2);
    metrics.count("meshman_portal_requests_total", ['a"b\\c', "400"]);
    metrics.observe("meshman_portal_request_duration_seconds", 0.003, ["Hello"]);
    metrics.observe("meshman_portal_request_duration_seconds", 100, ["Hello"]);
    metrics.add("meshman_portal_requests_in_flight", 2);
    metrics.add("meshman_portal_requests_in_flight", -1);
    metrics.set("meshman_portal_log_size", 7);
    metrics.set("meshman_portal_tls_not_after_seconds", 5);
    metrics.set("meshman_portal_tls_not_after_seconds", undefined);
    const text = textOf(metrics);
    expect(linesOf(text, "meshman_portal_requests_total")).toEqual([
      'meshman_portal_requests_total{transaction="Hello",status="201"} 3',
      'meshman_portal_requests_total{transaction="a\\"b\\\\c",status="400"} 1',
    ]);
    const durations = linesOf(text, "meshman_portal_request_duration_seconds");
    expect(durations).toContain('meshman_portal_request_duration_seconds_bucket{transaction="Hello",le="0.0025"} 0');
    expect(durations).toContain('meshman_portal_request_duration_seconds_bucket{transaction="Hello",le="0.005"} 1');
    expect(durations).toContain('meshman_portal_request_duration_seconds_bucket{transaction="Hello",le="10"} 1');
    expect(durations).toContain('meshman_portal_request_duration_seconds_bucket{transaction="Hello",le="+Inf"} 2');
    expect(durations).toContain('meshman_portal_request_duration_seconds_sum{transaction="Hello"} 100.003');
    expect(durations).toContain('meshman_portal_request_duration_seconds_count{transaction="Hello"} 2');
    expect(linesOf(text, "meshman_portal_requests_in_flight")).toEqual(["meshman_portal_requests_in_flight 1"]);
    expect(linesOf(text, "meshman_portal_log_size")).toEqual(["meshman_portal_log_size 7"]);
    expect(linesOf(text, "meshman_portal_tls")).toEqual([]);
    expect(linesOf(text, "process_resident_memory_bytes")).toEqual(["process_resident_memory_bytes 4096"]);
    expect(linesOf(text, "nodejs_eventloop_delay_seconds")).toHaveLength(3);
    const form =
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\\n]|\\["\\n])*"(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? -?[0-9.e+-]+)$/;
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(form);
    expect(text.endsWith("\n")).toBe(true);
  });

  it("begin at 0, so that each rise can be seen", () => {
    const text = textOf(open());
    for (const name of [
      "clients_ahead",
      "checkpoint_failures",
      "connections_dropped",
      "log_lines_dropped",
      "commits",
    ]) {
      expect(linesOf(text, `meshman_portal_${name}_total`)).toEqual([`meshman_portal_${name}_total 0`]);
    }
    expect(linesOf(text, "meshman_portal_worker_restarts_total")).toEqual(["meshman_portal_worker_restarts_total 0"]);
  });

  it("of several processes are added up, but for what each takes up", () => {
    const [one, other] = [open(), open()];
    for (const metrics of [one, other]) {
      metrics.count("meshman_portal_commits_total", [], 2);
      metrics.observe("meshman_portal_commit_transactions", 3);
    }
    one.set("meshman_portal_log_size", 7);
    other.set("meshman_portal_log_size", 9);
    one.set("meshman_portal_log_checkpoint_age_seconds", 4);
    other.set("meshman_portal_log_checkpoint_age_seconds", 3);
    one.set("meshman_portal_store_up", 1);
    other.set("meshman_portal_store_up", 0);
    const text = textOf(one, other);
    expect(linesOf(text, "meshman_portal_commits_total")).toEqual(["meshman_portal_commits_total 4"]);
    expect(text).toContain('meshman_portal_commit_transactions_bucket{le="4"} 2\n');
    expect(text).toContain("meshman_portal_commit_transactions_sum 6\n");
    expect(text).toContain("meshman_portal_log_size 9\n");
    expect(text).toContain("meshman_portal_log_checkpoint_age_seconds 3\n");
    expect(text).toContain("meshman_portal_store_up 0\n");
    expect(linesOf(text, "process_cpu_seconds_total")).toEqual([
      'process_cpu_seconds_total{process="0"} 2.5',
      'process_cpu_seconds_total{process="1"} 2.5',
    ]);
  });

  it("never have more than so many series of one name", () => {
    const metrics = open();
    for (let index = 0; index < 2000; index++) metrics.count("meshman_portal_errors_total", [`code-${index}`]);
    const lines = linesOf(textOf(metrics), "meshman_portal_errors_total");
    expect(lines.length).toBeLessThanOrEqual(513);
    expect(lines).toContain('meshman_portal_errors_total{code="other"} 1488');
  });
});

describe("the listener for metrics", () => {
  const start = async (isReady: () => boolean, metrics = () => "a 1\n"): Promise<MetricsServer> => {
    const server = await startMetricsServer({
      listen: { host: "127.0.0.1", port: 0 },
      metrics: async () => metrics(),
      isReady: async () => isReady(),
    });
    servers.push(server);
    return server;
  };

  it("answers who watches over the portal, and nothing else", async () => {
    let ready = true;
    const { url } = await start(() => ready);
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.status, metrics.headers.get("content-type"), await metrics.text()]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
      "a 1\n",
    ]);
    const status = async (path: string, method = "GET"): Promise<number> =>
      (await fetch(`${url}${path}`, { method })).status;
    expect([await status("/healthz"), await status("/readyz"), await status("/readyz", "HEAD")]).toEqual([
      200, 200, 200,
    ]);
    ready = false;
    expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);
    expect([await status("/"), await status("/metrics/x"), await status("/.well-known/mmm/", "POST")]).toEqual([
      404, 404, 404,
    ]);
    expect([await status("/metrics", "POST"), await status("/metrics", "HEAD")]).toEqual([405, 200]);
  });

  it("drops who asks where nothing can be measured, and lives on", async () => {
    let fails = true;
    const { url } = await start(
      () => true,
      () => {
        if (fails) throw new Error("broken");
        return "";
      },
    );
    await expect(fetch(`${url}/metrics`)).rejects.toThrow();
    fails = false;
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it("says why it cannot listen, and ends with connections open", async () => {
    const server = await start(() => true);
    const port = Number(new URL(server.url).port);
    const listen = { host: "127.0.0.1", port };
    expect(
      await errorCode(() => startMetricsServer({ listen, metrics: async () => "", isReady: async () => true })),
    ).toBe("io-failed");
    const agent = new http.Agent({ keepAlive: true });
    await new Promise<void>((resolve) => {
      http.get(`${server.url}/healthz`, { agent }, (response) => response.resume().on("end", resolve));
    });
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    agent.destroy();
  });
});
