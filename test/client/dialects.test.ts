import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/client/dialects.js";
import { MeshError } from "../../src/errors.js";
import { TRANSACTIONS } from "../../src/mesh/protocol.js";
import { errorCode } from "../support/deps.js";

const octets = (text: string): Buffer => Buffer.from(text, "utf8");
const get = (text: string) => decode("Get", octets(text));

describe("encode", () => {
  it("wraps a request as each kind of portal expects it", () => {
    const request = { Portal: "example.com", Account: "alice@example.com", Reserve: undefined };
    const inner = '{"ValidateRequest":{"Portal":"example.com","Account":"alice@example.com"}}';
    expect(encode("ValidateAccount", request, "draft").toString()).toBe(inner);
    expect(encode("ValidateAccount", request, "reference").toString()).toBe(`{"ValidateAccount":${inner}}`);
  });
});

describe("decode", () => {
  it("takes the raw line feeds of the 2016 portal out of strings, and only there", () => {
    const response = get(
      '{\n "GetResponse": {\n "Entries": [{ "A": {"payload": "\nabc\r\ndef\n", "x": "a\\nb\\\\\n"}}]}}\n',
    );
    expect(response.Entries).toEqual([{ A: { payload: "abcdef", x: "a\nb\\" } }]);
  });

  it("takes responses without a status and without lists", () => {
    expect(decode("ConnectPending", octets('{ "ConnectPendingResponse": {}}'))).toEqual({});
    expect(decode("ConnectStatus", octets('{ "ConnectStatusResponse": {}}'))).toEqual({});
  });

  it.each([
    ["HTML", "<h1>Bad Request (Invalid host)</h1>"],
    ["nothing", ""],
    ["half", '{"GetResponse": {"Status": 20'],
    ["a list", "[]"],
    ["null", "null"],
    ["a number broken by a line feed", '{"GetResponse": {"Status": 2\n01}}'],
    ["an escape broken by a line feed", '{"GetResponse": {"StatusDescription": "a\\\nn"}}'],
    ["another response", '{"HelloResponse": {"Status": 201}}'],
    ["two responses", '{"GetResponse": {}, "HelloResponse": {}}'],
    ["a member twice", '{"GetResponse": {"Status": 201, "Status": 400}}'],
    ["an inherited member", '{"toString": {}}'],
    ["null for a list", '{"GetResponse": {"Entries": null}}'],
    ["text for a status", '{"GetResponse": {"Status": "201"}}'],
    ["a response that is no object", '{"GetResponse": 3}'],
    ["a byte order mark", '\ufeff{"GetResponse": {}}'],
    ["something behind it", '{"GetResponse": {}} {}'],
    ["a tab in a string", '{"GetResponse": {"StatusDescription": "a\tb"}}'],
    ["a lone surrogate", '{"GetResponse": {"StatusDescription": "\\ud800"}}'],
    ["too deep", `{"GetResponse": {"Entries": [{"a": ${"[".repeat(70)}${"]".repeat(70)}}]}}`],
  ])("refuses %s", async (_, text) => {
    expect(await errorCode(() => get(text))).toBe("portal-answer");
  });

  it("refuses octets that are not UTF-8", async () => {
    expect(await errorCode(() => decode("Get", Buffer.from([0x7b, 0xff, 0x7d])))).toBe("portal-answer");
  });

  it("throws nothing but portal-answer, whatever comes", () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map(octets),
      fc.json().map((json) => octets(`{"GetResponse":${json}}`)),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\\n\rnu0a'.split("")), maxLength: 60 }).map(octets),
    );
    fc.assert(
      fc.property(fc.constantFrom(...TRANSACTIONS), body, (transaction, bytes) => {
        try {
          decode(transaction, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MeshError);
          expect((error as MeshError).code).toBe("portal-answer");
        }
      }),
      { numRuns: 500 },
    );
  });

  it("reads back any text wherever line feeds were put into it", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (text, width) => {
        const literal = JSON.stringify(text);
        // Line feeds anywhere but behind a backslash or within a \u escape.
        const wrapped = literal.replace(/\\u[0-9a-f]{4}|\\.|[^\\]/g, (part, offset: number) =>
          offset > 0 && offset < literal.length && offset % width === 0 ? `\n${part}` : part,
        );
        expect(get(`{"GetResponse":{"StatusDescription":${wrapped}}}`).StatusDescription).toBe(text);
      }),
    );
  });

  it("does not slow down on hostile text", () => {
    const started = performance.now();
    for (const text of [
      '"' + '\\"'.repeat(1_000_000),
      '"'.repeat(2_000_001),
      "\\".repeat(2_000_000),
      "[".repeat(1_000_000),
    ]) {
      expect(() => get(text)).toThrow(MeshError);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
