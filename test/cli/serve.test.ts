import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import * as path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { NOUNS } from "../../src/cli/commands.js";
import { CONFIG_MEMBERS } from "../../src/cli/portal/config.js";
import { main } from "../../src/main.js";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { logKeyFileOf, openLogKey, rotateLogKey } from "../../src/portal/log/key-file.js";
import { RATE_KINDS } from "../../src/portal/rates.js";
import { selfSigned } from "../client/tls.js";
import { machine, put, withAccount } from "../support/cli.js";
import { testDeps, temporaryFolder } from "../support/deps.js";
import { openTestStore, random, wrap } from "../support/portal.js";

interface Ready {
  readonly listening: string;
  readonly domains: readonly string[];
  readonly store: string;
  readonly logKey: string;
  readonly metrics?: string;
}

interface ServeOptions {
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Served {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `portal serve` in this process while `work` lasts. */
const serve = async (
  argv: readonly string[],
  work: (ready: Ready, reload: () => void, stderr: () => string) => Promise<void>,
  { folder = temporaryFolder(), env = {} }: ServeOptions = {},
): Promise<Served> => {
  const controller = new AbortController();
  let [stdout, stderr] = ["", ""];
  let reload: () => void = () => undefined;
  let ready: (line: string) => void = () => undefined;
  const line = new Promise<string>((resolve) => (ready = resolve));
  const status = main(
    ["portal", "serve", "--listen", "127.0.0.1:0", "--json", ...argv],
    testDeps({
      cwd: folder,
      env: { MESHMAN_HOME: path.join(folder, "home"), ...env },
      signal: controller.signal,
      onHangup: (listener) => (reload = listener),
      stdout: {
        isTTY: false,
        write: async (text) => {
          stdout += text;
          ready(text);
        },
      },
      stderr: {
        isTTY: false,
        write: async (text) => {
          stderr += text;
        },
      },
    }),
  );
  try {
    const first = await Promise.race([
      line,
      status.then((code) => Promise.reject(new Error(`ended with ${code}: ${stdout}${stderr}`))),
    ]);
    const value = JSON.parse(first) as Ready;
    if (!("listening" in value)) throw new Error(`not served: ${first}`);
    await work(
      value,
      () => reload(),
      () => stderr,
    );
  } finally {
    controller.abort();
  }
  return { status: await status, stdout, stderr };
};

interface Sent {
  readonly status: number;
  readonly text: string;
}

const post = (url: string, body: string, ca?: string, headers: Record<string, string> = {}): Promise<Sent> =>
  new Promise((resolve, reject) => {
    const target = new URL(PORTAL_PATH, url);
    const take = (response: http.IncomingMessage): void => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    };
    const options = { method: "POST", agent: false as const, headers };
    const request =
      ca === undefined ? http.request(target, options, take) : https.request(target, { ...options, ca }, take);
    request.on("error", reject);
    request.end(body);
  });

const HELLO = wrap("Hello", {});

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const writeConfig = (folder: string, value: unknown, name = "portal.json"): string => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
  return file;
};

describe("what portal serve is told", () => {
  test.each([
    "--log-format yaml",
    "--log-level loud",
    "--rate read",
    "--rate read=0",
    "--rate read=-1",
    "--rate read=1.5",
    "--rate nothing=5",
    "--rate read=1e3",
    "--rate READ=5",
    "--rate read=1000000001",
    "--quota bytes=none",
    "--quota bytes=0",
    "--quota nothing=5",
    "--workers 0",
    "--workers 65",
    "--workers many",
    "--tls-cert cert.pem",
    "--tls-key key.pem",
    "--client-address-header X-Forwarded-For",
    "--trusted-proxy 127.0.0.1",
    "--client-address-header Forwarded --trusted-proxy 127.0.0.1",
    "--client-address-header X-Real-IP --trusted-proxy example.com",
    "--metrics-listen nonsense",
    "--metrics-listen 127.0.0.1:70000",
    "--metrics-listen 123456",
    "--store postgres://",
    "--store postgres://user@host",
    "--store postgres://user@host/",
    "--store mysql://user@host/db",
    "--store sqlite:a --store-file b",
    "--store postgres://user@host/db",
    "--log-origin with+plus",
  ])("%s is wrong usage", async (words) => {
    const outcome = await machine().run(`portal serve --listen 127.0.0.1:0 ${words}`);
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
  });

  test.each([
    "postgres://user:hunter22@127.0.0.1:1/db",
    "postgresql://user:hunter22@127.0.0.1:1/db",
    "postgres://127.0.0.1:1/db?password=hunter22",
    "mysql://user:hunter22@127.0.0.1/db",
    "postgres://user:hunter22@127.0.0.1:notaport/db",
  ])("a password on the command line is refused and not repeated: %s", async (address) => {
    const outcome = await machine().run("portal serve --listen 127.0.0.1:0 --log-key-file log.key --store", address);
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    expect(outcome.stdout + outcome.stderr).not.toContain("hunter22");
  });

  test("a password in a file is not shown either", async () => {
    const admin = machine();
    const words = "portal serve --listen 127.0.0.1:0 --log-key-file log.key";
    put(admin, "store.txt", "postgres://user:hunter22@127.0.0.1:1/db\n", 0o600);
    put(admin, "portal.json", '{"store": "postgres://user:hunter22@127.0.0.1:1/db"}', 0o600);
    for (const rest of ["--store-file store.txt", "--config portal.json", "--config portal.json --log-format json"]) {
      const outcome = await admin.run(`${words} ${rest}`);
      expect(outcome).toMatchObject({ status: 1, code: "io-failed" });
      expect(outcome.stdout + outcome.stderr).not.toContain("hunter22");
    }
  });

  test("a file with a password that others can read is warned of once", async () => {
    const admin = machine();
    put(admin, "store.txt", "postgres://user:hunter22@127.0.0.1:1/db\n", 0o644);
    const outcome = await admin.run("portal serve --listen 127.0.0.1:0 --log-key-file log.key --store-file store.txt");
    expect(outcome).toMatchObject({ status: 1, code: "io-failed" });
    expect(outcome.stderr.split("store.txt")).toHaveLength(2);
  });

  test("files that cannot be read", async () => {
    const admin = machine();
    put(admin, "key.pem", "nonsense", 0o600);
    for (const [words, code] of [
      ["--config nowhere.json", "file-unreadable"],
      ["--config .", "file-unreadable"],
      ["--store-file nowhere", "file-unreadable"],
      ["--transfer-token-file nowhere", "file-unreadable"],
      ["--tls-cert nowhere.pem --tls-key key.pem", "file-unreadable"],
      ["--tls-cert key.pem --tls-key nowhere.pem", "file-unreadable"],
      ["--tls-cert key.pem --tls-key key.pem", "usage"],
      ["--store-file key.pem", "usage"],
    ] as const) {
      expect([words, await admin.run(`portal serve --listen 127.0.0.1:0 ${words}`)]).toMatchObject([
        words,
        { status: 2, code },
      ]);
    }
  });
});

describe("the config file", () => {
  const options = NOUNS.find(({ name }) => name === "portal")?.verbs["serve"]?.options ?? [];

  test("may hold every option, by its name, and nothing else", () => {
    const names = options.map(([flags]) => flags.split(" ")[0]?.slice("--".length));
    expect([...CONFIG_MEMBERS, "config"].sort()).toEqual(names.sort());
  });

  test.each([
    ['{"listen": 8080}', "listen"],
    ['{"listne": "127.0.0.1:0"}', "listne"],
    ['{"domain": ["a.example", 7]}', "domain"],
    ['{"rate": {"read": 0}}', "rate.read"],
    ['{"rate": {"read": "many"}}', "rate.read"],
    ['{"rate": {"nothing": 1}}', "rate.nothing"],
    ['{"quota": {"bytes": "none"}}', "quota.bytes"],
    ['{"workers": 0}', "workers"],
    ['{"workers": 2.5}', "workers"],
    ['{"public-log": "yes"}', "public-log"],
    ['{"log-format": "yaml"}', "log-format"],
    ['{"config": "other.json"}', "config"],
    ['{"__proto__": {}}', "__proto__"],
    ["[]", ""],
    ["nonsense", ""],
    ['{"listen": "127.0.0.1:0",}', ""],
    ['{"listen": "127.0.0.1:0", "listen": "127.0.0.1:1"}', "listen"],
    ["", ""],
  ])("%s is refused, and what is wrong is named", async (text, member) => {
    const admin = machine();
    put(admin, "portal.json", text);
    const outcome = await admin.run("portal serve --config portal.json");
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    expect(outcome.at("error", "message")).toContain(member);
    // What it may be is said as well, where a member is at fault and the file is JSON.
    if (member !== "" && !text.includes("proto") && !text.includes("0.0.1:1")) {
      expect(outcome.at("error", "hint")).toEqual(expect.any(String));
    }
  });

  test("may name the port for metrics by its number alone", async () => {
    const folder = temporaryFolder();
    const file = writeConfig(folder, { "metrics-listen": 0 });
    await serve(["--config", file], async ({ metrics = "" }) => {
      expect(new URL(metrics).hostname).toBe("127.0.0.1");
    });
  });

  test.each([
    ['{"listen": "nonsense"}', "usage"],
    ['{"domain": "not a domain"}', "usage"],
    ['{"authority": "https://mesh.example.com"}', "usage"],
    ['{"authority": "mesh.example.com/mesh"}', "usage"],
    ['{"authority": ["mesh.example.com", "not a host"]}', "usage"],
    ['{"authority": "mesh.example.com:99999"}', "usage"],
    ['{"tls-cert": "cert.pem"}', "usage"],
    ['{"store": "sqlite:a", "store-file": "b"}', "usage"],
    ['{"transfer-token-file": "nowhere"}', "file-unreadable"],
  ])("what is wrong with the values is found as with the options': %s", async (text, code) => {
    const admin = machine();
    put(admin, "portal.json", text);
    expect(await admin.run("portal serve --config portal.json")).toMatchObject({ status: 2, code });
  });

  test("counts for all that the options leave open, and its paths are relative to it", async () => {
    const folder = temporaryFolder();
    const etc = path.join(folder, "etc");
    fs.mkdirSync(etc);
    fs.writeFileSync(path.join(etc, "token"), "0123456789abcdef", { mode: 0o600 });
    const config = {
      listen: "192.0.2.1:1",
      domain: ["example.com", "example.org"],
      authority: "Mesh.example.com:443",
      store: "sqlite:portal.sqlite",
      "log-key-file": "log.key",
      "log-origin": "log.example.com",
      "transfer-token-file": "token",
      "public-log": false,
      rate: Object.fromEntries(RATE_KINDS.map((kind) => [kind, kind === "validate" ? 1 : "none"])),
      quota: { accounts: 1 },
      "metrics-listen": "127.0.0.1:0",
      "log-format": "json",
      "log-level": "warn",
      "log-addresses": true,
      "log-accounts": true,
      workers: 1,
    };
    writeConfig(etc, config);
    const check = async ({ listening, domains, store, logKey, metrics }: Ready): Promise<void> => {
      expect({ domains, store }).toEqual({
        domains: ["example.net"],
        store: `sqlite:${path.join(etc, "portal.sqlite")}`,
      });
      expect(logKey).toMatch(/^log\.example\.com\+/);
      expect(metrics).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
      for (const host of ["mesh.example.com", "example.net"]) {
        expect((await post(listening, HELLO, undefined, { host })).status).toBe(201);
      }
      expect((await post(listening, HELLO, undefined, { host: "example.com" })).status).toBe(400);
      const admin = await withAccount(listening, "alice@example.net");
      expect((await admin.run("account create alice2@example.net --portal", listening)).status).toBe(5);
      const valid = wrap("ValidateAccount", { Account: "bob@example.net" });
      const statuses = [(await post(listening, valid)).status, (await post(listening, valid)).status];
      expect(statuses).toContain(429);
      const transfer = wrap("Transfer", {});
      expect((await post(listening, transfer)).status).toBe(401);
      const headers = { authorization: "Bearer 0123456789abcdef" };
      expect((await post(listening, transfer, undefined, headers)).status).toBe(201);
    };
    // The options of `serve` give the place to listen at; the other domain is the only one then.
    const first = await serve(["--config", "etc/portal.json", "--domain", "example.net"], check, { folder });
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(fs.existsSync(path.join(etc, "log.key"))).toBe(true);
    const env = { MESHMAN_PORTAL_CONFIG: path.join(etc, "portal.json") };
    await serve(
      ["--rate", "validate=none"],
      async ({ listening, domains }) => {
        expect(domains).toEqual(["example.com", "example.org"]);
        for (let index = 0; index < 5; index++) {
          const body = wrap("ValidateAccount", { Account: "bob@example.com" });
          expect((await post(listening, body)).status).toBe(201);
        }
      },
      { folder, env },
    );
  });
});

describe("portal serve", () => {
  test("keeps its log's name and key, and insists on both", async () => {
    const folder = temporaryFolder();
    let key = "";
    const words = ["--store", "sqlite:portal.sqlite"];
    await serve([...words, "--log-origin", "log.example.com"], async ({ logKey }) => void (key = logKey), { folder });
    expect(fs.statSync(path.join(folder, "portal.sqlite.key")).mode & 0o777).toBe(0o600);
    await serve(words, async ({ logKey }) => expect(logKey).toBe(key), { folder });
    const again = { cwd: folder, deps: { cwd: folder } };
    const run = (...rest: string[]) =>
      machine()
        .with({ deps: again.deps })
        .run("portal serve --listen 127.0.0.1:0", ...words, ...rest);
    expect(await run("--log-origin", "other.example.com")).toMatchObject({ status: 2, code: "usage" });
    expect(await run("--log-key-file", "other.key")).toMatchObject({ status: 5, code: "log-key-missing" });
    fs.rmSync(path.join(folder, "portal.sqlite.key"));
    const keyless = await run();
    expect(keyless).toMatchObject({ status: 5, code: "log-key-missing" });
    expect(keyless.at("error", "message")).toContain("portal.sqlite.key");
  });

  test("tells the key that its log has, though the file holds one that was never taken", async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, "portal.sqlite");
    const store = await openTestStore(file);
    const keys = await openLogKey(logKeyFileOf(file), { random });
    const full = { ...store, transact: () => Promise.reject(new Error("full")) };
    await expect(rotateLogKey(full, keys, { random, now: 1 })).rejects.toThrow("full");
    await store.close();
    expect((await openLogKey(logKeyFileOf(file), { random })).verifier).not.toBe(keys.verifier);
    const words = ["--store", "sqlite:portal.sqlite"];
    await serve(words, async ({ logKey }) => expect(logKey).toBe(keys.verifier), { folder });
  });

  test("gives its log to everybody where it is told to", async () => {
    const transfer = wrap("Transfer", {});
    await serve([], async ({ listening }) => expect((await post(listening, transfer)).status).toBe(403));
    await serve(["--public-log"], async ({ listening }) => expect((await post(listening, transfer)).status).toBe(201));
  });

  test("speaks https, and reads its certificate again when it is told to", async () => {
    const folder = temporaryFolder();
    const [first, second] = [selfSigned(), selfSigned()];
    const write = ({ cert, key }: { cert: string; key: string }): void => {
      fs.writeFileSync(path.join(folder, "cert.pem"), cert);
      fs.writeFileSync(path.join(folder, "key.pem"), key, { mode: 0o600 });
    };
    write(first);
    const words = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--log-format", "json"];
    const { status, stderr } = await serve(
      [...words, "--metrics-listen", "0"],
      async ({ listening, metrics }, reload, text) => {
        expect(listening).toMatch(/^https:/);
        const answers = (ca: string): Promise<boolean> =>
          post(listening, HELLO, ca).then(
            (sent) => sent.status === 201,
            () => false,
          );
        const reloaded = async (event: string, count: number): Promise<void> => {
          reload();
          await vi.waitFor(() => expect(linesOf(text()).filter((line) => line["event"] === event)).toHaveLength(count));
        };
        expect([await answers(first.cert), await answers(second.cert)]).toEqual([true, false]);
        await reloaded("reloaded", 1);
        write({ cert: first.cert, key: second.key });
        await reloaded("reload-failed", 1);
        fs.rmSync(path.join(folder, "cert.pem"));
        await reloaded("reload-failed", 2);
        expect([await answers(first.cert), await answers(second.cert)]).toEqual([true, false]);
        write(second);
        await reloaded("reloaded", 2);
        expect([await answers(first.cert), await answers(second.cert)]).toEqual([false, true]);
        expect(await (await fetch(metrics ?? "")).text()).toMatch(/^meshman_portal_tls_not_after_seconds \d+$/m);
      },
      { folder },
    );
    expect(status).toBe(0);
    const failed = linesOf(stderr).filter((line) => line["event"] === "reload-failed");
    expect(failed.map((line) => line["code"])).toEqual(["usage", "file-unreadable"]);
  });

  test("warns of a private key that others can read", async () => {
    const folder = temporaryFolder();
    const { cert, key } = selfSigned();
    fs.writeFileSync(path.join(folder, "cert.pem"), cert, { mode: 0o644 });
    fs.writeFileSync(path.join(folder, "key.pem"), key, { mode: 0o644 });
    const words = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    const text = await serve(words, async () => undefined, { folder });
    expect(text.stderr).toContain("key.pem");
    expect(text.stderr).not.toContain("cert.pem");
    const json = await serve([...words, "--log-format", "json"], async () => undefined, { folder });
    expect(linesOf(json.stderr)).toContainEqual(
      expect.objectContaining({ level: "warn", event: "warning", message: expect.stringContaining("key.pem") }),
    );
  });

  test("says what it does in JSON, without names and addresses", async () => {
    const folder = temporaryFolder();
    const store = ["--store", "sqlite:portal.sqlite"];
    const use = async ({ listening }: Ready): Promise<void> => {
      const admin = machine();
      await admin.run("account validate alice@example.com --portal", listening);
      await post(listening, "nonsense");
      await post(listening, wrap("Get", { Account: "Carol@example.com" }));
    };
    const { stderr } = await serve([...store, "--log-format", "json"], use, { folder });
    const lines = linesOf(stderr);
    expect(lines[0]).toMatchObject({ level: "info", event: "started", version: expect.any(String), workers: 1 });
    expect(lines.at(-1)).toMatchObject({ event: "stopped" });
    const requests = lines.filter(({ event }) => event === "request");
    expect(requests.at(-1)).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: "info",
      event: "request",
      id: expect.any(String),
      transaction: "Get",
      status: 404,
      milliseconds: expect.any(Number),
      octets: expect.any(Number),
    });
    expect(stderr).not.toMatch(/alice|carol|example|nonsense/i);
    // The address that it listens at is in the first line.
    expect(stderr.split("\n").slice(1).join("\n")).not.toContain("127.0.0.1");
    const words = [...store, "--log-format", "json", "--log-addresses", "--log-accounts"];
    const asked = await serve(words, use, { folder });
    expect(
      linesOf(asked.stderr)
        .filter(({ event }) => event === "request")
        .at(-1),
    ).toMatchObject({
      address: "127.0.0.1",
      account: "carol@example.com",
    });
  });

  test("says little by itself, and more or less where it is told to", async () => {
    const use = async ({ listening }: Ready): Promise<void> => {
      await post(listening, HELLO);
    };
    const said = async (...words: string[]): Promise<string> => (await serve(words, use)).stderr;
    expect(await said()).toBe("");
    expect(await said("--log-format", "none")).toBe("");
    expect(await said("--log-format", "json", "--quiet")).toBe("");
    expect(await said("--log-format", "text", "--log-level", "error")).toBe("");
    expect(await said("--verbose")).toMatch(/ info request id=\S+ transaction=Hello status=201 /);
    expect(await said("--log-level", "info")).toMatch(/ transaction=Hello /);
  });

  test("says what broke, by its code, and where only with --verbose", async () => {
    const said = async (...words: string[]): Promise<Record<string, unknown>> => {
      const folder = temporaryFolder();
      const file = path.join(folder, "portal.sqlite");
      const { stderr } = await serve(
        ["--store", "sqlite:portal.sqlite", "--log-format", "json", ...words],
        async ({ listening }) => {
          const { default: Database } = await import("better-sqlite3");
          const db = new Database(file);
          db.exec("DROP TABLE account");
          db.close();
          expect((await post(listening, wrap("Get", { Account: "alice@example.com" }))).status).toBeGreaterThanOrEqual(
            500,
          );
        },
        { folder },
      );
      return linesOf(stderr).find(({ event }) => event === "request") ?? {};
    };
    const line = await said();
    expect(line).toMatchObject({
      level: "error",
      status: expect.any(Number),
      code: expect.stringMatching(/^[a-z-]+$/),
      cause: "SQLITE_ERROR",
    });
    expect(line).not.toHaveProperty("stack");
    expect(JSON.stringify(await said("--verbose"))).toContain("at ");
  });

  test("tells what it measures, on this machine alone where only a port is given", async () => {
    await serve(["--metrics-listen", "0", "--rate", "read=1"], async ({ listening, metrics = "" }) => {
      expect(new URL(metrics).hostname).toBe("127.0.0.1");
      const admin = await withAccount(listening).catch(() => undefined);
      expect(admin).toBeUndefined();
      expect((await post(listening, HELLO)).status).toBe(429);
      const text = await (await fetch(metrics)).text();
      expect(text).toMatch(/^meshman_portal_requests_total\{transaction="Hello",status="201"\} 1$/m);
      expect(text).toMatch(/^meshman_portal_limited_total\{rate="read"\} \d+$/m);
      expect(text).toMatch(/^meshman_portal_errors_total\{code="io-failed"\} 0$/m);
      expect(text).toMatch(/^meshman_portal_limited_total\{rate="log"\} 0$/m);
      expect(text).toMatch(/^meshman_portal_log_size 0$/m);
      expect(text).toMatch(/^meshman_portal_store_up 1$/m);
      expect(text).not.toMatch(/alice|127\.0\.0\.1/);
      for (const target of ["/healthz", "/readyz"]) {
        expect((await fetch(new URL(target, metrics))).status).toBe(200);
        expect((await fetch(new URL(target, listening))).status).toBe(200);
      }
    });
  });

  test("counts commits and what is in the log", async () => {
    await serve(["--metrics-listen", "0"], async ({ listening, metrics = "" }) => {
      await withAccount(listening);
      // What the store was found to hold counts for a second.
      await vi.waitFor(
        async () => {
          const text = await (await fetch(metrics)).text();
          expect(text).toMatch(/^meshman_portal_log_size [1-9]\d*$/m);
          expect(text).toMatch(/^meshman_portal_commits_total [1-9]\d*$/m);
          expect(text).toMatch(/^meshman_portal_commit_transactions_count [1-9]\d*$/m);
          expect(text).toMatch(/^meshman_portal_log_checkpoint_age_seconds \d/m);
        },
        { timeout: 10_000, interval: 200 },
      );
    });
  });

  test("ends where the address for metrics is taken", async () => {
    await serve([], async ({ listening }) => {
      const outcome = await machine().run(
        "portal serve --listen 127.0.0.1:0 --metrics-listen",
        new URL(listening).host,
      );
      expect(outcome).toMatchObject({ status: 1, code: "io-failed" });
    });
  });

  test("believes the proxies that it is told of", async () => {
    const words = ["--client-address-header", "X-Forwarded-For", "--trusted-proxy", "127.0.0.0/8", "--rate", "read=1"];
    await serve(words, async ({ listening }) => {
      const from = async (address: string): Promise<number> =>
        (await post(listening, HELLO, undefined, { "x-forwarded-for": address })).status;
      expect([await from("192.0.2.1"), await from("192.0.2.2"), await from("192.0.2.1, 192.0.2.2")]).toEqual([
        201, 201, 429,
      ]);
    });
  });
});
