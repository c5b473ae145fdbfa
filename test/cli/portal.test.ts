import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { main } from "../../src/main.js";
import { plainPortal } from "../client/plain-portal.js";
import { filePortal, machine, put, run, UDF, withAccount } from "../support/cli.js";
import { testDeps, temporaryFolder } from "../support/deps.js";
import { openWire } from "../support/wire.js";

const EXTENSIONS = ["history", "revocation", "signed-requests", "succession"];

/** `portal serve`, from its line to its end. */
const serve = async (
  argv: readonly string[],
  work: (line: string) => Promise<void>,
): Promise<{ status: number; stdout: string }> => {
  const controller = new AbortController();
  const folder = temporaryFolder();
  let stdout = "";
  let ready: (line: string) => void = () => undefined;
  const line = new Promise<string>((resolve) => (ready = resolve));
  const status = main(
    ["portal", "serve", "--listen", "127.0.0.1:0", ...argv],
    testDeps({
      cwd: folder,
      env: { MESHMAN_HOME: path.join(folder, "home") },
      signal: controller.signal,
      stdout: {
        isTTY: false,
        write: async (text) => {
          stdout += text;
          ready(text);
        },
      },
    }),
  );
  try {
    const first = await Promise.race([
      line,
      status.then((code) => Promise.reject(new Error(`ended with ${code}: ${stdout}`))),
    ]);
    await work(first);
  } finally {
    controller.abort();
  }
  return { status: await status, stdout };
};

/** A server that answers nothing. */
const silent = async (work: (url: string) => Promise<void>): Promise<void> => {
  const server = http.createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
};

describe("portal hello", () => {
  test("says what a portal can do", async () => {
    const wire = await openWire({ domains: ["example.com"] });
    const expected = {
      portal: wire.url,
      wrapping: "reference",
      version: expect.stringMatching(/^\d+\.\d+$/),
      extensions: expect.arrayContaining(EXTENSIONS),
      defaultDomain: "example.com",
      log: {
        key: expect.stringMatching(/^[0-9a-z.]+\+[0-9a-f]{8}\+/) as string,
        origin: expect.stringMatching(/^[0-9a-z.]+$/) as string,
      },
    };
    expect((await machine().ok("portal hello", wire.url)).json).toEqual(expected);
    expect((await machine().ok("portal hello --portal", wire.url)).json).toEqual(expected);
    expect((await machine().ok("portal hello", `${wire.url}/.well-known/mmm/`)).json).toEqual(expected);
    expect(await machine().text("portal hello", wire.url)).toMatchObject({ status: 0, stderr: "" });
    const admin = await withAccount(wire.url);
    expect((await admin.ok("portal hello")).json).toEqual(expected);
    expect((await machine().ok("portal hello", filePortal())).json).toMatchObject({ defaultDomain: "localhost" });
  });

  test("has no log key of a portal without a log", async () => {
    const portal = await plainPortal();
    expect(Object.keys((await machine().ok("portal hello", portal.url)).json as object)).not.toContain("log");
  });

  test("of no portal in particular", async () => {
    expect(await machine().run("portal hello")).toMatchObject({ status: 2, code: "input-required" });
  });

  test("nothing there, nobody listening, no Mesh portal", async () => {
    const wire = await openWire();
    await wire.stop();
    expect(await machine().run("portal hello", wire.url)).toMatchObject({ status: 6, code: "portal-unreachable" });
    const server = http.createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outcome = await machine().run("portal hello", url);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(outcome).toMatchObject({ status: 6, code: "portal-not-found" });
    expect(outcome.at("error", "hint")).toContain("--portal local");
  });
});

describe("options for the way to a portal", () => {
  test("--timeout", async () => {
    await silent(async (url) => {
      const began = performance.now();
      const outcome = await machine().run("portal hello --timeout 1", url);
      expect(outcome).toMatchObject({ status: 6, code: "portal-timeout" });
      expect(outcome.at("error", "hint")).toContain("--timeout");
      expect(performance.now() - began).toBeLessThan(10_000);
    });
  });

  test("--ca", async () => {
    const admin = machine();
    put(admin, "empty.pem", "");
    put(admin, "text.pem", "no certificate");
    for (const file of ["nowhere.pem", "empty.pem", "text.pem", "."]) {
      expect([file, await admin.run("portal hello https://127.0.0.1:1 --ca", file)]).toMatchObject([
        file,
        { status: 2, code: "file-unreadable" },
      ]);
    }
    // As large as the system's own, and public: no warning.
    const bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".repeat(4000);
    put(admin, "bundle.pem", bundle, 0o644);
    const outcome = await admin.run("portal hello https://127.0.0.1:1 --ca bundle.pem");
    expect(outcome).toMatchObject({ status: 6, stderr: "" });
  });

  test("--allow-http", async () => {
    const wire = await openWire();
    // This address reaches this machine too, but does not say so.
    const url = wire.url.replace("127.0.0.1", "0.0.0.0");
    const refused = await machine().run("portal hello", url);
    expect(refused).toMatchObject({ status: 2, code: "portal-invalid" });
    expect(refused.at("error", "hint")).toContain("--allow-http");
    expect(wire.seen).toEqual([]);
    const outcome = await machine().run("portal hello --allow-http", url);
    expect(outcome.code).not.toBe("portal-invalid");
    expect(wire.seen.length).toBeGreaterThan(0);
  });

  test.each(["http://localhost:1", "http://127.0.0.1:1", "http://127.9.9.9:1", "http://[::1]:1"])(
    "%s needs no --allow-http",
    async (url) => {
      expect((await machine().run("portal hello", url)).status).toBe(6);
    },
  );

  test.each(["garbage", "http://", "https://", "mailto:alice@example.com", "https://example.com:99999", "file:", " "])(
    "the portal %j",
    async (url) => {
      for (const line of ["portal hello", "portal hello --portal"]) {
        expect(await machine().run(line, url)).toMatchObject({ status: 2, code: "portal-invalid" });
      }
    },
  );

  test("a store that is none", async () => {
    const admin = machine();
    put(admin, "store", "this is no database".repeat(100));
    const outcome = await admin.run("portal hello file:store");
    expect(outcome.status).toBe(1);
    expect(outcome.code).toMatch(/^(state-corrupt|io-failed)$/);
  });

  test("file: is relative to the working folder, and remembered as absolute", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    await admin.ok("account create alice --portal file:here.sqlite");
    expect((await admin.ok("account list")).json).toMatchObject({
      accounts: [{ portal: `file:${path.join(admin.folder, "here.sqlite")}` }],
    });
    await admin.with({ deps: { cwd: "/" } }).ok("account status");
  });
});

describe("portal serve", () => {
  test("prints one line when it is ready, serves, and ends when it is told to", async () => {
    const { status, stdout } = await serve(
      ["--json", "--domain", "example.com", "--domain", "B\u00fccher.example"],
      async (line) => {
        expect(line).toMatch(/^[^\n]+\n$/);
        const value = JSON.parse(line) as { listening: string };
        expect(value).toEqual({
          listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
          domains: ["example.com", "xn--bcher-kva.example"],
          store: expect.stringMatching(/^sqlite:\/.*home\/portal\.sqlite$/),
          logKey: expect.stringMatching(/^[0-9a-f]{32}\.mmm\.invalid\+[0-9a-f]{8}\+/),
        });
        const admin = await withAccount(value.listening);
        expect((await admin.ok("account status")).json).toMatchObject({ status: "open", profile: { udf: UDF } });
        expect(await admin.run("account create alice@example.org --portal", value.listening)).toMatchObject({
          status: 5,
        });
        expect((await admin.run("account validate alice@example.org --portal", value.listening)).status).toBe(5);
      },
    );
    expect(status).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
  });

  test("as text, over a store that is named; what it kept is there the next time", async () => {
    const store = path.join(temporaryFolder(), "store.sqlite");
    const urlOf = (line: string): string => /http:\/\/\S+/.exec(line)![0];
    let admin: Awaited<ReturnType<typeof withAccount>> | undefined;
    const first = await serve(["--store", `sqlite:${store}`], async (line) => {
      admin = await withAccount(urlOf(line));
    });
    expect(first.status).toBe(0);
    await serve(["--store", `sqlite:${store}`], async (line) => {
      expect((await admin!.ok("account status alice@example.com --portal", urlOf(line))).json).toMatchObject({
        status: "open",
      });
    });
  });

  test.each([
    [["--listen", "nonsense"], 2, "usage"],
    [["--listen", "127.0.0.1:70000"], 2, "usage"],
    [["--listen", "127.0.0.1:0", "--domain", "not a domain"], 2, "usage"],
    [["--listen", "127.0.0.1:0", "--store", "mysql:x"], 2, "usage"],
    [["--listen", "127.0.0.1:0", "--store", "sqlite:"], 2, "usage"],
  ] as const)("%j", async (words, status, code) => {
    expect(await machine().run("portal serve", ...words)).toMatchObject({ status, code });
  });

  test("an address that is taken", async () => {
    const wire = await openWire();
    const outcome = await machine().run("portal serve --listen", wire.url.slice("http://".length));
    expect(outcome.status).not.toBe(0);
    expect(outcome.code).not.toBe("internal");
  });
});

test("the embedded portal of a home without a profile needs none", async () => {
  const home = path.join(temporaryFolder(), "home");
  const outcome = await run(["account", "validate", "alice", "--portal", "local", "--json"], { home });
  expect(outcome).toMatchObject({ status: 0, json: { account: "alice@localhost", valid: true } });
});
