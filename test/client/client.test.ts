import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { PortalClient } from "../../src/client/client.js";
import { generateKey, publicKeyOf } from "../../src/mesh/keys.js";
import { verifyRequest } from "../../src/mesh/request-signature.js";
import { msg } from "../../src/messages/message.js";
import { errorCode, meshError } from "../support/deps.js";
import { ALL_EXTENSIONS, greeting, HELLO, open, OUR_HELLO, quickDeps, reply, serve, type Handler } from "./support.js";

const drop = (response: ServerResponse): void => void response.socket?.destroy();
const key = generateKey("device-authentication", randomBytes);
const HTML = "<!doctype html><title>Welcome</title>";

describe("the first contact", () => {
  it("greets in the reference wrapping and learns what the portal says", async () => {
    const server = await serve((_, response) => reply(response, OUR_HELLO));
    const client = await open(server.url);
    expect(server.names()).toEqual(["Hello"]);
    expect(server.requests[0]?.message).toEqual({ Portal: "127.0.0.1" });
    expect(client.url).toBe(server.url);
    expect(client.host).toBe("example.com");
    expect(client.info).toEqual({
      wrapping: "reference",
      date: expect.any(Date),
      extensions: new Set(ALL_EXTENSIONS),
      defaultDomain: "example.com",
      version: "1.0",
    });
  });

  it("knows a portal of 2016", async () => {
    const text =
      '{\n  "HelloResponse": {\n    "Status": 201,\n    "StatusDescription": "Operation completed\n successfully",' +
      '\n    "Version": {\n      "Major": 0,\n      "Minor": 7,\n      "Encodings": [{\n "ID": ["application/json"]}]}}}';
    const server = await serve((_, response) => reply(response, text));
    const client = await open(server.url);
    expect(client.info).toMatchObject({ wrapping: "reference", version: "0.7", defaultDomain: undefined });
    expect(client.info.extensions.size).toBe(0);
    expect(client.host).toBe("127.0.0.1");
  });

  it("tries the draft wrapping where the reference wrapping is not understood", async () => {
    const server = await serve((request, response) => {
      if (request.outer === "HelloRequest") reply(response, HELLO);
      else reply(response, { Error: "unknown request" }, 400);
    });
    const client = await open(server.url);
    expect(server.names()).toEqual(["Hello", "HelloRequest"]);
    expect(client.info.wrapping).toBe("draft");
  });

  it("takes a portal that answers in JSON but knows no Hello for one that knows only the draft", async () => {
    const server = await serve((request, response) => {
      if (request.outer === "ValidateRequest") reply(response, { ValidateResponse: { Status: 201, Valid: true } });
      else reply(response, { ErrorResponse: {} }, request.outer === "Hello" ? 404 : 400);
    });
    const client = await open(server.url);
    expect(client.info).toMatchObject({ wrapping: "draft", version: "unknown" });
    expect(client.info.extensions.size).toBe(0);
    expect((await client.send("ValidateAccount", { Account: "alice" })).Valid).toBe(true);
    expect(server.requests[2]?.message).toEqual({ Portal: "127.0.0.1", Account: "alice" });
  });

  it("remembers the draft wrapping", async () => {
    const server = await serve((_, response) => reply(response, HELLO));
    await open(server.url, { pinned: { wrapping: "draft", extensions: [] } });
    expect(server.names()).toEqual(["HelloRequest"]);
  });

  it.each([
    ["HTML", HTML, 200],
    ["HTML and 404", HTML, 404],
    ["half a JSON", '{"HelloResponse": {"Stat', 200],
    ["nothing", "", 200],
  ])("finds no portal where %s answers", async (_, body, status) => {
    const server = await serve((__, response) => reply(response, body, status));
    const error = await meshError(() => open(server.url));
    expect(error.code).toBe("portal-not-found");
    expect(error.hint).toEqual(msg("client.no-portal.hint"));
  });

  it("tells a portal that is busy from one that is not there", async () => {
    for (const [status, code] of [
      [503, "portal-busy"],
      [502, "portal-busy"],
      [429, "rate-limited"],
    ] as const) {
      const server = await serve((_, response) => reply(response, HTML, status));
      expect(await errorCode(() => open(server.url))).toBe(code);
    }
    const failing = await serve((_, response) => reply(response, { HelloResponse: { Status: 500 } }, 500));
    expect(await errorCode(() => open(failing.url))).toBe("portal-failed");
  });

  it("does not greet again after a dropped connection", async () => {
    const server = await serve((_, response) => drop(response));
    expect(await errorCode(() => open(server.url))).toBe("portal-unreachable");
    expect(server.requests.length).toBe(1);
  });

  it("notices that an extension seen earlier is gone", async () => {
    const pinned = { wrapping: "reference" as const, extensions: ["succession"] };
    for (const handler of [
      (_, response) => reply(response, HELLO),
      (_, response) => reply(response, { Error: "?" }, 400),
    ] satisfies Handler[]) {
      const server = await serve(handler);
      expect(await errorCode(() => open(server.url, { pinned }))).toBe("downgrade");
    }
    const better = await serve((_, response) => reply(response, OUR_HELLO));
    expect((await open(better.url, { pinned })).info.extensions.size).toBe(ALL_EXTENSIONS.length);
  });

  it("says what a portal says that understands but refuses", async () => {
    const refusal = { MeshResponse: { Status: 400, StatusDescription: "Not by this name." } };
    const server = await serve((_, response) => reply(response, refusal, 400));
    const error = await meshError(() => open(server.url));
    expect(error.code).toBe("refused");
    expect(error.text.values).toMatchObject({ words: "Not by this name." });
    expect(server.names()).toEqual(["Hello", "HelloRequest"]);
  });

  it("ignores a default domain that is none", async () => {
    const hello = { HelloResponse: { Status: 201, DefaultDomain: "evil.com/@" } };
    const server = await serve((_, response) => reply(response, hello));
    expect((await open(server.url)).host).toBe("127.0.0.1");
  });
});

describe("redirects", () => {
  const redirecting = (status: number, location: (count: number) => string) => {
    return serve((request, response, index) => {
      if (request.path === "/mesh/") reply(response, OUR_HELLO);
      else reply(response, "", status, { location: location(index) });
    });
  };

  it.each([307, 308])("are followed within the origin (%i), and signed anew", async (status) => {
    const server = await redirecting(status, () => "/mesh/");
    const client = await open(server.url);
    expect(server.requests.map(({ path }) => path)).toEqual(["/.well-known/mmm/", "/mesh/"]);
    expect(await errorCode(() => client.send("Status", {}, { signer: key }))).toBe("portal-answer");
    const [first, second] = server.requests.slice(2).map(({ headers }) => headers["signature"]);
    expect(first).toBeDefined();
    expect(second).not.toBe(first);
  });

  it.each([
    ["to another origin", 307, "https://example.net/.well-known/mmm/"],
    ["from http to https", 308, "https://127.0.0.1/.well-known/mmm/"],
    ["that loses the request", 301, "/mesh/"],
    ["that loses the request", 303, "/mesh/"],
    ["to nowhere", 307, "http://["],
  ])("%s are refused", async (_, status, location) => {
    const server = await redirecting(status, () => location);
    expect(await errorCode(() => open(server.url))).toBe("portal-answer");
    expect(server.requests.length).toBe(1);
  });

  it("in circles end", async () => {
    const server = await redirecting(307, (count) => `/hop-${count}`);
    expect(await errorCode(() => open(server.url))).toBe("portal-answer");
    expect(server.requests.length).toBe(4);
  });
});

describe("answers", () => {
  const ask = async (body: unknown, status = 200, headers = {}) => {
    const server = await serve(greeting(OUR_HELLO, (_, response) => reply(response, body, status, headers)));
    return open(server.url);
  };
  const validate = { ValidateResponse: { Status: 201, Valid: true } };

  it.each([
    [400, "refused"],
    [401, "refused"],
    [403, "refused"],
    [404, "record-not-found"],
    [409, "conflict"],
    [413, "too-large"],
    [429, "rate-limited"],
    [500, "portal-failed"],
    [503, "portal-busy"],
    [418, "portal-answer"],
  ])("with status %i are %s, whatever HTTP says", async (status, code) => {
    const message = { PublishResponse: { Status: status, StatusDescription: "Because \u202eof\n this." } };
    for (const http of [200, status]) {
      const client = await ask(message, http);
      const entry = { OfflineEscrowEntry: {} } as never;
      const error = await meshError(() => client.send("Publish", { Entry: entry }));
      expect(error.code).toBe(code);
      expect(error.text.values).toMatchObject({ status, words: "Because \\u{202e}of\\u{a} this." });
    }
  });

  it("without a status count by that of HTTP", async () => {
    await expect((await ask({ StatusResponse: {} })).send("Status", {})).resolves.toEqual({});
    const client = await ask({ StatusResponse: {} }, 403);
    expect(await errorCode(() => client.send("Status", {}))).toBe("refused");
  });

  it("are told with the portal's words where it gives any", async () => {
    for (const [description, key] of [
      [{}, "client.refused"],
      [{ StatusDescription: "" }, "client.refused"],
      [{ StatusDescription: "No." }, "client.refused-saying"],
    ] as const) {
      const client = await ask({ StatusResponse: { Status: 403, ...description } }, 403);
      expect((await meshError(() => client.send("Status", {}))).text.key).toBe(key);
    }
  });

  it("tell a taken account and a wrong clock apart", async () => {
    const taken = await ask({ CreateResponse: { Status: 409 } }, 409);
    const profile = { OfflineEscrowEntry: {} } as never;
    expect(await errorCode(() => taken.send("CreateAccount", { Account: "a", Profile: profile }))).toBe(
      "account-taken",
    );
    const skewed = await ask({ StatusResponse: { Status: 401 } }, 401, { "mmm-error": "clock-skew" });
    expect(await errorCode(() => skewed.send("Status", {}))).toBe("clock-skew");
  });

  it.each([
    [{ "retry-after": "12" }, "12s"],
    [{ "retry-after": "86400" }, "1d"],
    [{ "retry-after": "Sun, 06 Nov 1994 08:51:07 GMT", date: "Sun, 06 Nov 1994 08:49:37 GMT" }, "1m 30s"],
    [{}, undefined],
    [{ "retry-after": "86401" }, undefined],
    [{ "retry-after": "999999999999999999999" }, undefined],
    [{ "retry-after": "-12" }, undefined],
    [{ "retry-after": "12.5" }, undefined],
    [{ "retry-after": "1e9" }, undefined],
    [{ "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" }, undefined],
    [{ "retry-after": "Sun, 06 Nov 1994 08:51:07 GMT", date: "soon" }, undefined],
    [{ "retry-after": "Sun, 99 Nov 1994 08:51:07 GMT" }, undefined],
    [{ "retry-after": "\u00e9 12" }, undefined],
  ])("say when to try again where the portal does sensibly: %j", async (headers, time) => {
    const limited = await ask({ StatusResponse: { Status: 429 } }, 429, headers);
    const { code, hint } = await meshError(() => limited.send("Status", {}));
    expect(code).toBe("rate-limited");
    expect(hint).toEqual(time === undefined ? msg("client.later.hint") : msg("client.later-in.hint", { time }));
  });

  it.each([
    ["HTML", HTML],
    ["half a JSON", '{"ValidateResponse": {"Status": 201, '],
    ["another transaction's response", { HelloResponse: { Status: 201 } }],
    ["a member of the wrong type", { ValidateResponse: { Valid: "yes" } }],
  ])("that are %s are refused", async (_, body) => {
    const client = await ask(body);
    expect(await errorCode(() => client.send("ValidateAccount", { Account: "a" }))).toBe("portal-answer");
  });

  it("to no transaction in particular are refusals", async () => {
    const client = await ask({ MeshResponse: { Status: 413, StatusDescription: "At most 5." } }, 413);
    expect((await meshError(() => client.send("Status", {}))).text.values).toMatchObject({ words: "At most 5." });
    const odd = await ask({ MeshResponse: { Status: 201 } });
    expect(await errorCode(() => odd.send("Status", {}))).toBe("portal-answer");
  });

  it("of a proxy mean what their status says", async () => {
    for (const [status, code] of [
      [413, "too-large"],
      [502, "portal-busy"],
      [504, "portal-busy"],
      [404, "portal-answer"],
    ] as const) {
      const client = await ask(HTML, status);
      expect(await errorCode(() => client.send("Status", {}))).toBe(code);
    }
  });

  it("are not waited for where the request is too large for any portal", async () => {
    const client = await ask(validate);
    const Account = "x".repeat(1024 * 1024);
    expect(await errorCode(() => client.send("ValidateAccount", { Account }))).toBe("too-large");
  });
});

describe("signatures", () => {
  const status = greeting(OUR_HELLO, (_, response) => reply(response, { StatusResponse: { Status: 201 } }));

  it("cover the request, where the portal announced that it knows them", async () => {
    const server = await serve(status);
    const client = await open(server.url);
    await client.send("Status", {}, { signer: key });
    const [, { headers, text }] = server.requests as [unknown, (typeof server.requests)[0]];
    const verified = await verifyRequest(
      {
        method: "POST",
        authority: new URL(server.url).host,
        path: "/.well-known/mmm/",
        headers: headers as Record<string, string>,
        body: Buffer.from(text),
      },
      async (udf) => (udf === key.kid ? publicKeyOf(key) : undefined),
      Math.floor(Date.now() / 1000),
    );
    expect(verified.key.udf).toBe(key.kid);
  });

  it("are sent to nobody else", async () => {
    const plain = await serve(greeting(HELLO, (_, response) => reply(response, { StatusResponse: {} })));
    await (await open(plain.url)).send("Status", {}, { signer: key });
    const ours = await serve(status);
    await (await open(ours.url)).send("Status", {});
    for (const request of [...plain.requests, ...ours.requests]) expect(request.headers["signature"]).toBeUndefined();
  });
});

describe("the user's languages", () => {
  const ACCEPTED = "de-CH, fr";
  const status = greeting(OUR_HELLO, (_, response) => reply(response, { StatusResponse: { Status: 201 } }));

  it("are told with every request, and not signed", async () => {
    const server = await serve(status);
    const client = await open(server.url, { languages: ["de-CH", "fr"] });
    await client.send("Status", {});
    await client.send("Status", {}, { signer: key });
    expect(server.requests.map(({ headers }) => headers["accept-language"])).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
    const signed = server.requests[2]?.headers["signature-input"];
    expect(signed).toContain("content-digest");
    expect(signed).not.toContain("accept-language");
  });

  it("are told anew after a redirect and a lost answer", async () => {
    const server = await serve((request, response, index) => {
      if (index === 0) reply(response, "", 307, { location: "/mesh/" });
      else if (index === 2) drop(response);
      else if (request.outer === "Hello") reply(response, OUR_HELLO);
      else reply(response, { StatusResponse: { Status: 201 } });
    });
    await (await open(server.url, { languages: ["de-CH", "fr"] })).send("Status", {});
    expect(server.requests.map(({ headers }) => headers["accept-language"])).toEqual(Array(4).fill(ACCEPTED));
  });

  it.each([[undefined], [[]]])("are not told where there are none (%j)", async (languages) => {
    const server = await serve(status);
    await (await open(server.url, { languages })).send("Status", {});
    for (const { headers } of server.requests) expect(headers["accept-language"]).toBeUndefined();
  });
});

describe("trying again", () => {
  /** Fails so many times, then answers. */
  const failing = (hello: unknown, times: number, fail: (response: ServerResponse) => void) => {
    let left = times;
    return serve(
      greeting(hello, (request, response) => {
        if (left-- > 0) fail(response);
        else reply(response, { [`${request.outer.replace("Account", "")}Response`]: { Status: 201 } });
      }),
    );
  };
  const busy = (headers: Record<string, string>) => (response: ServerResponse) =>
    reply(response, { StatusResponse: { Status: 503 } }, 503, headers);

  it("never happens after a dropped connection where the portal is not ours", async () => {
    const server = await failing(HELLO, 9, drop);
    const client = await open(server.url);
    expect(await errorCode(() => client.send("Get", { Account: "a" }, { signer: key }))).toBe("portal-unreachable");
    expect(server.names()).toEqual(["Hello", "Get"]);
  });

  it("happens once for reads and signed requests where it is", async () => {
    const server = await failing(OUR_HELLO, 1, drop);
    await (await open(server.url)).send("Get", { Account: "a" });
    const signed = await failing(OUR_HELLO, 1, drop);
    await (await open(signed.url)).send("DeleteAccount", { Account: "a" }, { signer: key });
    expect(signed.names()).toEqual(["Hello", "DeleteAccount", "DeleteAccount"]);
    const [, first, second] = signed.requests;
    expect(second?.headers["signature-input"]).toBe(first?.headers["signature-input"]);
    expect(second?.text).toBe(first?.text);
    const dead = await failing(OUR_HELLO, 9, drop);
    const client = await open(dead.url);
    expect(await errorCode(() => client.send("Get", { Account: "a" }))).toBe("portal-unreachable");
    expect(dead.requests.length).toBe(3);
  });

  it("does not happen for what changes something and is not signed", async () => {
    const asks = [
      (client: PortalClient) => client.send("ValidateAccount", { Account: "a", Reserve: true }),
      (client: PortalClient) => client.send("DeleteAccount", { Account: "a" }),
      (client: PortalClient) => client.send("ConnectStart", { AccountID: "a", SignedRequest: {} as never }),
    ];
    for (const ask of asks) {
      const server = await failing(OUR_HELLO, 1, drop);
      const client = await open(server.url);
      expect(await errorCode(() => ask(client))).toBe("portal-unreachable");
      expect(server.requests.length).toBe(2);
    }
  });

  it("happens after a time-out under the same rule", async () => {
    for (const [hello, count] of [
      [HELLO, 2],
      [OUR_HELLO, 3],
    ] as const) {
      const server = await failing(hello, 9, () => undefined);
      const client = await open(server.url, { timeout: 60 });
      expect(await errorCode(() => client.send("Status", {}))).toBe("portal-timeout");
      expect(server.requests.length).toBe(count);
    }
  });

  it("waits as a busy portal asks, for at most five seconds, and signs anew", async () => {
    const server = await failing(HELLO, 2, busy({ "retry-after": "3" }));
    const deps = quickDeps();
    await (await open(server.url, {}, deps)).send("Status", {});
    expect(deps.slept.length).toBe(2);
    expect(Math.min(...deps.slept)).toBeGreaterThanOrEqual(3000);
    const signed = await failing(OUR_HELLO, 1, busy({ "retry-after": "0" }));
    await (await open(signed.url)).send("Status", {}, { signer: key });
    const [, first, second] = signed.requests;
    expect(second?.headers["signature-input"]).not.toBe(first?.headers["signature-input"]);
  });

  it("ends where a busy portal names no time, a long one, or stays busy", async () => {
    for (const [headers, count] of [
      [{}, 2],
      [{ "retry-after": "60" }, 2],
      [{ "retry-after": "1" }, 4],
    ] as const) {
      const server = await failing(OUR_HELLO, 9, busy(headers));
      const client = await open(server.url);
      expect(await errorCode(() => client.send("Status", {}))).toBe("portal-busy");
      expect(server.requests.length).toBe(count);
    }
  });

  it("happens twice where nothing listens", async () => {
    const server = await serve(() => undefined);
    await server.close();
    const deps = quickDeps();
    expect(await errorCode(() => open(server.url, {}, deps))).toBe("portal-unreachable");
    expect(deps.slept.length).toBe(2);
  });

  it("stops when the user interrupts the waiting", async () => {
    const server = await failing(HELLO, 9, busy({ "retry-after": "1" }));
    const deps = quickDeps({
      sleep: async () => {
        throw new Error("aborted");
      },
    });
    const client = await open(server.url, {}, deps);
    expect(await errorCode(() => client.send("Status", {}))).toBe("interrupted");
  });
});
