import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openPortal } from "../../src/client/client.js";
import { MAX_ANSWER } from "../../src/client/transport.js";
import { errorCode } from "../support/deps.js";
import { OUR_HELLO, quickDeps } from "./support.js";

interface Handled {
  readonly authority: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}
type Handle = (request: Handled) => Promise<{ status: number; headers: Record<string, string>; body: Buffer }>;

const AUTHORITY = "mabcd.invalid";
const target = { kind: "embedded" as const, url: "local", path: "/store" };
const answer = (body: unknown, status = 200) => ({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) });

const opened: string[] = [];
const handled: Handled[] = [];
let closed = 0;
let handle: Handle;

beforeEach(() => {
  opened.length = 0;
  handled.length = 0;
  closed = 0;
  handle = async () => answer(OUR_HELLO);
  vi.doMock("../../src/portal/embedded.js", () => ({
    openEmbeddedPortal: async (path: string) => {
      opened.push(path);
      return {
        authority: AUTHORITY,
        handle: (request: Handled) => {
          handled.push(request);
          return handle(request);
        },
        close: async () => {
          closed++;
        },
      };
    },
  }));
});
afterEach(() => vi.doUnmock("../../src/portal/embedded.js"));

describe("the embedded portal", () => {
  it("is spoken to as any other, under its own authority", async () => {
    handle = async () => answer({ HelloResponse: { Status: 201, Extensions: ["succession"] } });
    const client = await openPortal(quickDeps(), target, { timeout: 1000 });
    expect(client).toMatchObject({ url: "local", host: "localhost", info: { wrapping: "reference" } });
    expect(opened).toEqual(["/store"]);
    expect(handled[0]).toMatchObject({ authority: AUTHORITY, method: "POST", path: "/.well-known/mmm/" });
    expect(handled[0]?.body.toString()).toBe(`{"Hello":{"HelloRequest":{"Portal":"${AUTHORITY}"}}}`);
    await client.close();
    expect(closed).toBe(1);
  });

  it("is told the user's languages", async () => {
    await openPortal(quickDeps(), target, { timeout: 1000, languages: ["fr-CA", "en"] });
    expect(handled[0]?.headers["accept-language"]).toBe("fr-CA, en");
  });

  it("is closed where the greeting fails", async () => {
    handle = async () => answer({ HelloResponse: { Status: 500 } }, 500);
    expect(await errorCode(() => openPortal(quickDeps(), target, { timeout: 1000 }))).toBe("portal-failed");
    expect(closed).toBe(1);
  });

  it("is not waited for too long, nor after an interruption", async () => {
    handle = () => new Promise(() => undefined);
    expect(await errorCode(() => openPortal(quickDeps(), target, { timeout: 20 }))).toBe("portal-timeout");
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const deps = quickDeps({ signal: controller.signal });
    expect(await errorCode(() => openPortal(deps, target, { timeout: 5000 }))).toBe("interrupted");
    expect(await errorCode(() => openPortal(deps, target, { timeout: 5000 }))).toBe("interrupted");
  });

  it("is bounded in what it may answer", async () => {
    handle = async () => ({ status: 200, headers: {}, body: Buffer.alloc(MAX_ANSWER + 1) });
    expect(await errorCode(() => openPortal(quickDeps(), target, { timeout: 1000 }))).toBe("portal-answer");
  });
});
