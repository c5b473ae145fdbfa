import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isMeshError, MeshError } from "../../src/errors.js";
import { utf8 } from "../../src/mesh/bytes.js";
import { signMessage } from "../../src/mesh/jose.js";
import { generateKey, publicKeyOf, type PublicKey } from "../../src/mesh/keys.js";
import {
  NONCE_LIFETIME,
  SIGNATURE_WINDOW,
  signRequest,
  verifyRequest,
  type SignableRequest,
} from "../../src/mesh/request-signature.js";
import { verbatim } from "../../src/messages/message.js";
import { errorCode, meshError } from "../support/deps.js";
import { stream } from "./support.js";

const random = stream("request signature");
const key = generateKey("device-authentication", random);
const other = generateKey("device-authentication", random);
const NOW = 1_772_600_767;
const base = {
  method: "POST",
  authority: "portal.example:8443",
  path: "/.well-known/mmm/",
  body: utf8('{"Hello":{}}'),
};
const headers = signRequest(base, key, NOW, random);
const request: SignableRequest = { ...base, headers };

const keys = new Map<string, PublicKey>([key, other].map((known) => [known.kid, publicKeyOf(known)]));
const resolve = async (udf: string): Promise<PublicKey | undefined> => keys.get(udf);
const verify = (changes: Partial<SignableRequest> = {}, now = NOW) =>
  verifyRequest({ ...request, ...changes }, resolve, now);
const code = (changes: Partial<SignableRequest> = {}, now = NOW): Promise<string> =>
  errorCode(() => verify(changes, now));
const withHeaders = (changes: Record<string, string>): Partial<SignableRequest> => ({
  headers: { ...headers, ...changes },
});

const nonce = /nonce="([^"]*)"/.exec(headers["signature-input"]!)![1]!;
const COMPONENTS = '("@method" "@authority" "@path" "content-digest")';
const PARAMETERS = `;created=${NOW};nonce="${nonce}";keyid="${key.kid}";tag="mmm"`;
const digestOf = (body: Uint8Array): string => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

/** Signs as RFC 9421 section 2.5 says, without the library: any components and any parameters. */
const signedBy = (
  signer: typeof key,
  params: string,
  values: Record<string, string> = {},
  label = "mmm",
): Record<string, string> => {
  const known: Record<string, string> = {
    "@method": "POST",
    "@authority": "portal.example:8443",
    "@path": "/.well-known/mmm/",
    "@scheme": "https",
    "@query": "?",
    "content-digest": digestOf(base.body),
    ...values,
  };
  const names = /^\(([^)]*)\)/.exec(params)![1]!.match(/"[^"]*"(;[a-z]+(="[^"]*")?)*/g) ?? [];
  const lines = names.map((name) => `${name}: ${known[/^"([^"]*)"/.exec(name)![1]!] ?? ""}`);
  const text = [...lines, `"@signature-params": ${params}`].join("\n");
  return {
    "content-digest": digestOf(base.body),
    "signature-input": `${label}=${params}`,
    signature: `${label}=:${signMessage(utf8(text), signer).toString("base64")}:`,
  };
};
const codeOf = (
  params: string,
  values: Record<string, string> = {},
  more: Record<string, string> = {},
): Promise<string> => code({ headers: { ...signedBy(key, params, values), ...values, ...more } });

describe("a signed request", () => {
  test("has the headers of RFC 9421 and RFC 9530, with our components and parameters and no others", () => {
    expect(Object.keys(headers).sort()).toEqual(["content-digest", "signature", "signature-input"]);
    expect(headers["content-digest"]).toBe(digestOf(base.body));
    expect(headers["signature-input"]).toBe(`mmm=${COMPONENTS}${PARAMETERS}`);
    expect(Buffer.from(nonce, "base64url").length).toBe(16);
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{22}$/);
    // Signed by hand, it is the same: Ed25519 leaves nothing to chance.
    expect(headers).toEqual(signedBy(key, COMPONENTS + PARAMETERS));
  });

  test("gives its key, its nonce and its time", async () => {
    expect(await verify()).toEqual({ key: publicKeyOf(key), nonce, created: NOW });
  });

  test("has a nonce of its own each time", () => {
    expect(signRequest(base, key, NOW, random)["signature-input"]).not.toBe(headers["signature-input"]);
  });

  test("may have any other headers, whatever is in them", async () => {
    const more = {
      "user-agent": "x",
      "x-forwarded-host": "evil.example",
      "x-city": "Z\u00fcrich",
      "x-odd": "\u0000\n",
    };
    expect((await verify(withHeaders(more))).nonce).toBe(nonce);
  });

  test("is for the default port whether or not that is named", async () => {
    const plain = signRequest({ ...base, authority: "portal.example" }, key, NOW, random);
    expect((await verify({ authority: "Portal.Example:443", headers: plain })).key.udf).toBe(key.kid);
    expect(await code({ authority: "portal.example:80", headers: plain })).toBe("signature-invalid");
  });
});

describe("a signature is refused", () => {
  test("for another method, authority, path or body", async () => {
    expect(await code({ method: "GET" })).toBe("signature-invalid");
    expect(await code({ method: "post" })).toBe("signature-invalid");
    expect(await code({ authority: "portal.example" })).toBe("signature-invalid");
    expect(await code({ authority: "evil.example:8443" })).toBe("signature-invalid");
    expect(await code({ path: "/" })).toBe("signature-invalid");
    expect(await code({ path: "/.well-known/mmm" })).toBe("signature-invalid");
    expect(await code({ path: "/.well-known/MMM/" })).toBe("signature-invalid");
    expect(await code({ body: utf8('{"Hello": {}}') })).toBe("signature-invalid");
    expect(await code({ body: new Uint8Array(0) })).toBe("signature-invalid");
  });

  test("for another body though its digest is right", async () => {
    const body = utf8('{"Status":{}}');
    expect(await code({ body, ...withHeaders({ "content-digest": digestOf(body) }) })).toBe("signature-invalid");
  });

  test("with another spelling or kind of digest, however well it is signed", async () => {
    const digest = digestOf(base.body);
    const sha512 = `sha-512=:${createHash("sha512").update(base.body).digest("base64")}:`;
    for (const value of [
      "",
      ` ${digest}`,
      `${digest}, ${digest}`,
      `${digest}, ${sha512}`,
      sha512,
      digest.toUpperCase(),
    ]) {
      expect(await codeOf(COMPONENTS + PARAMETERS, { "content-digest": value })).toBe("signature-invalid");
    }
  });

  test.each(["content-digest", "signature-input", "signature"])("without its %s header", async (name) => {
    expect(
      await code({ headers: Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name)) }),
    ).toBe("signature-invalid");
    expect(await code(withHeaders({ [name]: "" }))).toBe("signature-invalid");
    expect(await code(withHeaders({ [name]: "x" }))).toBe("signature-invalid");
  });

  test.each([
    ["no components", `()${PARAMETERS}`],
    ["no method", `("@authority" "@path" "content-digest")${PARAMETERS}`],
    ["no authority", `("@method" "@path" "content-digest")${PARAMETERS}`],
    ["no path", `("@method" "@authority" "content-digest")${PARAMETERS}`],
    ["no digest", `("@method" "@authority" "@path")${PARAMETERS}`],
    ["one component more", `("@method" "@authority" "@path" "content-digest" "@scheme")${PARAMETERS}`],
    ["a component twice", `("@method" "@authority" "@path" "content-digest" "@path")${PARAMETERS}`],
    ["a component in place of another", `("@method" "@authority" "@query" "content-digest")${PARAMETERS}`],
    ["a key of the digest", `("@method" "@authority" "@path" "content-digest";key="sha-256")${PARAMETERS}`],
    ["a component of the request", `("@method";req "@authority" "@path" "content-digest")${PARAMETERS}`],
    ["the octets of the digest", `("@method" "@authority" "@path" "content-digest";bs)${PARAMETERS}`],
    ["no created", COMPONENTS + PARAMETERS.replace(/;created=\d+/, "")],
    ["no nonce", COMPONENTS + PARAMETERS.replace(/;nonce="[^"]*"/, "")],
    ["no keyid", COMPONENTS + PARAMETERS.replace(/;keyid="[^"]*"/, "")],
    ["no tag", COMPONENTS + PARAMETERS.replace(';tag="mmm"', "")],
    ["another tag", COMPONENTS + PARAMETERS.replace("mmm", "web-bot-auth")],
    ["a tag in another case", COMPONENTS + PARAMETERS.replace("mmm", "MMM")],
    ["an empty nonce", COMPONENTS + PARAMETERS.replace(nonce, "")],
    ["a shorter nonce", COMPONENTS + PARAMETERS.replace(nonce, nonce.slice(0, 20))],
    ["a longer nonce", COMPONENTS + PARAMETERS.replace(nonce, `${nonce}AAAA`)],
    ["created in text", COMPONENTS + PARAMETERS.replace(`=${NOW}`, `="${NOW}"`)],
    ["a broken created", COMPONENTS + PARAMETERS.replace(`=${NOW}`, `=${NOW}.5`)],
    ["created twice", `${COMPONENTS};created=1${PARAMETERS}`],
    ["keyid twice", `${COMPONENTS};keyid="${other.kid}"${PARAMETERS}`],
    ["expires", `${COMPONENTS}${PARAMETERS};expires=${NOW + 60}`],
    ["another parameter", `${COMPONENTS}${PARAMETERS};x=1`],
    ["alg rsa-pss-sha512", `${COMPONENTS}${PARAMETERS};alg="rsa-pss-sha512"`],
    ["alg hmac-sha256", `${COMPONENTS}${PARAMETERS};alg="hmac-sha256"`],
    ["a keyid that nobody knows", COMPONENTS + PARAMETERS.replace(key.kid, publicKeyOf(key).x)],
    ["the keyid of another", COMPONENTS + PARAMETERS.replace(key.kid, other.kid)],
    ["an empty keyid", COMPONENTS + PARAMETERS.replace(key.kid, "")],
  ])("with %s, however well it is signed", async (_, params) => {
    expect(await codeOf(params)).toBe("signature-invalid");
  });

  test("by another key, or for another request", async () => {
    expect(await code({ headers: signedBy(other, COMPONENTS + PARAMETERS) })).toBe("signature-invalid");
    const later = signRequest(base, key, NOW + 1, random);
    expect(await code(withHeaders({ signature: later["signature"]! }))).toBe("signature-invalid");
    expect(await code(withHeaders({ "signature-input": later["signature-input"]! }))).toBe("signature-invalid");
    const none = verifyRequest(request, async () => undefined, NOW);
    expect(await errorCode(() => none)).toBe("signature-invalid");
  });

  test("where there are two of them, or their names differ", async () => {
    const second = signedBy(other, COMPONENTS + PARAMETERS.replace(key.kid, other.kid), {}, "sig2");
    const both = {
      "signature-input": `${headers["signature-input"]!}, ${second["signature-input"]!}`,
      signature: `${headers["signature"]!}, ${second["signature"]!}`,
    };
    expect(await code(withHeaders(both))).toBe("signature-invalid");
    expect(await code(withHeaders({ signature: both.signature }))).toBe("signature-invalid");
    expect(await code(withHeaders({ "signature-input": both["signature-input"] }))).toBe("signature-invalid");
    expect(await code(withHeaders({ signature: second["signature"]! }))).toBe("signature-invalid");
    const twice = { signature: `${headers["signature"]!}, ${headers["signature"]!}` };
    expect(await code(withHeaders(twice))).toBe("signature-invalid");
  });

  test("with another length or spelling of its octets", async () => {
    const text = headers["signature"]!;
    for (const value of [
      text.slice(0, -1),
      "mmm=::",
      `mmm=:${Buffer.alloc(64).toString("base64")}:`,
      `mmm=:${Buffer.alloc(63).toString("base64")}:`,
      text.replace("mmm=:", 'mmm="').replace(/:$/, '"'),
      `${text};x=1`,
      `mmm=(${text.slice(4)})`,
    ]) {
      expect(await code(withHeaders({ signature: value }))).toBe("signature-invalid");
    }
  });
});

describe("what is not part of what is signed", () => {
  test("may differ: the label, the order of components and parameters, alg ed25519", async () => {
    const order = `("content-digest" "@path" "@authority" "@method");tag="mmm";keyid="${key.kid}";nonce="${nonce}";created=${NOW}`;
    for (const signed of [
      signedBy(key, COMPONENTS + PARAMETERS, {}, "sig1"),
      signedBy(key, order),
      signedBy(key, `${COMPONENTS}${PARAMETERS};alg="ed25519"`),
    ]) {
      expect((await verify({ headers: signed })).key.udf).toBe(key.kid);
    }
  });
});

describe("the time of a signature", () => {
  test("may be off by five minutes either way", async () => {
    expect(SIGNATURE_WINDOW).toBe(300);
    expect(NONCE_LIFETIME).toBe(2 * SIGNATURE_WINDOW);
    for (const offset of [-300, -1, 0, 1, 300]) expect((await verify({}, NOW + offset)).created).toBe(NOW);
  });

  test("off by more is an error of its own that names both times", async () => {
    for (const offset of [-301, 301, 86_400]) {
      const error = await meshError(() => verify({}, NOW + offset));
      expect(error.code).toBe("clock-skew");
      // What to do about it the client says.
      expect(error.hint).toBeUndefined();
      const [signed, now] = [NOW, NOW + offset].map((seconds) => new Date(seconds * 1000).toISOString());
      expect(error.text.values).toEqual({ signed, now });
    }
  });

  test("is judged only where the signature holds", async () => {
    expect(await code({ headers: signedBy(other, COMPONENTS + PARAMETERS) }, NOW + 1000)).toBe("signature-invalid");
  });

  test.each([0, 1, -1, -NOW, 1e11, 8_640_000_000_000, 8_640_000_000_001, 999_999_999_999_999, -999_999_999_999_999])(
    "may be any number that a header can hold: %d",
    async (created) => {
      const strange = signRequest(base, key, created, random);
      expect(await code({ headers: strange })).toBe("clock-skew");
    },
  );
});

describe("an error of whoever looks the key up", () => {
  test("can be told from a bad signature by its cause", async () => {
    const busy = new MeshError("busy", verbatim("The store is busy."));
    const error = await meshError(() => verifyRequest(request, () => Promise.reject(busy), NOW));
    const causes: unknown[] = [];
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
    expect(causes.some((cause) => isMeshError(cause, "busy"))).toBe(true);
  });
});
