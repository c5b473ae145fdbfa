import { createHash } from "node:crypto";
import { createSignatureSync } from "http-message-sig";
import { beforeEach, describe, expect, it } from "vitest";
import { signMessage } from "../../src/mesh/jose.js";
import type { PrivateKey } from "../../src/mesh/keys.js";
import { nextPersonal, recordTime } from "../../src/mesh/profile.js";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import {
  AUTHORITY,
  makeApplication,
  makeDevice,
  makeEscrowEntry,
  makeHttpRequest,
  makeIdentifier,
  makePerson,
  makeRequest,
  openTestPortal,
  personalEntry,
  random,
  wrap,
  type CallOptions,
  type Person,
  type TestPortal,
} from "../support/portal.js";

let portal: TestPortal;
let alice: Person;

const pendingBody = wrap("ConnectPending", { AccountID: "alice" });
const deleteBody = wrap("DeleteAccount", { Account: "alice" });

const signed = (body: string, options: CallOptions = {}) =>
  makeHttpRequest(body, portal.clock, AUTHORITY, { signer: alice.admin, ...options });

interface Message {
  readonly StatusDescription: string;
}

/** Sends a request with some of it replaced after it was signed. */
const send = async (request: ReturnType<typeof signed>, changes: Partial<ReturnType<typeof signed>> = {}) => {
  const response = await portal.portal.handle({ ...request, ...changes });
  const [message] = Object.values<Message>(JSON.parse(response.body.toString()));
  return {
    status: response.status,
    headers: response.headers,
    message: message!,
    body: response.body.toString(),
  };
};

beforeEach(async () => {
  portal = await openTestPortal();
  alice = makePerson("laptop", portal.clock.now());
  await portal.createAccount("alice", alice);
});

describe("the signature of a request", () => {
  it("covers method, authority, path and body", async () => {
    const request = signed(pendingBody);
    expect((await send(request)).status).toBe(201);
    const fresh = signed(pendingBody);
    expect((await send(fresh, { body: Buffer.from(deleteBody) })).status).toBe(401);
    expect((await send(fresh, { path: PORTAL_PATH.slice(0, -1) })).status).toBe(401);
    const other = await openTestPortal({ authorities: ["other.example"] }, portal.clock, portal.file);
    const moved = await other.portal.handle({ ...fresh, authority: "other.example" });
    expect(moved.status).toBe(401);
    expect((await send(fresh)).status).toBe(201);
  });

  it("passes over what stands behind the path", async () => {
    const request = signed(pendingBody);
    expect((await send(request, { path: `${PORTAL_PATH}?a=b` })).status).toBe(201);
  });

  it("is exactly one, of exactly our form", async () => {
    const { headers, ...request } = signed(pendingBody);
    const input = headers["signature-input"] ?? "";
    const signature = headers.signature ?? "";
    for (const changed of [
      { ...headers, signature: "" },
      { ...headers, signature: signature.replace("mmm=", "xxx=") },
      { ...headers, "content-digest": "" },
      { ...headers, "content-digest": `${headers["content-digest"]}, sha-512=:AA==:` },
      { ...headers, "signature-input": input.replace('"@path" ', "") },
      { ...headers, "signature-input": input.replace('tag="mmm"', 'tag="other"') },
      { ...headers, "signature-input": `${input};expires=9999999999` },
      { ...headers, "signature-input": `${input}, b=();created=1`, signature: `${signature}, b=:AA==:` },
      { ...headers, "signature-input": "garbage((" },
    ]) {
      expect((await send({ ...request, headers: changed })).status).toBe(401);
    }
    const unsigned = await send({ ...request, headers: {} });
    expect(unsigned.status).toBe(401);
    expect(unsigned.message.StatusDescription).toContain("must be signed");
    expect(unsigned.headers["www-authenticate"]).toBe("Signature");
  });

  it.each([-300, -299, 0, 1, 299, 300])("is good at %i seconds from the portal's clock", async (seconds) => {
    const time = portal.clock.time + seconds * 1000;
    expect((await send(signed(pendingBody, { time }))).status).toBe(201);
  });

  it.each([-301, 301, -86_400, 86_400])("is refused at %i seconds, naming both times", async (seconds) => {
    const time = portal.clock.time + seconds * 1000;
    const answer = await send(signed(pendingBody, { time }));
    expect(answer.status).toBe(401);
    expect(answer.headers["mmm-error"]).toBe("clock-skew");
    const text = answer.message.StatusDescription;
    expect(text).toContain("2026-03-01T12:00:00");
    expect(text).toContain(new Date(Math.floor(time / 1000) * 1000).toISOString());
  });

  it("is not needed where the record speaks for itself, and then not looked at", async () => {
    const next = nextPersonal(alice.admin.keys.online, alice.profile, {}, portal.clock.now());
    const headers = { "signature-input": "garbage", signature: "garbage" };
    expect((await portal.call("Publish", { Entry: personalEntry(next) }, { headers })).status).toBe(201);
  });
});

describe("a nonce", () => {
  it("gives an identical resend the identical answer, even where the request ended its own right", async () => {
    const request = signed(deleteBody);
    const first = await send(request);
    expect(first.status).toBe(201);
    expect(await send(request)).toEqual(first);
    expect((await send(signed(deleteBody))).status).toBe(404);
    expect(await send(request)).toEqual(first);
  });

  it("gives a refused request the same refusal again", async () => {
    const phone = makeDevice("phone", portal.clock.now());
    const devices = [alice.admin.device, phone.device];
    const next = nextPersonal(alice.admin.keys.online, alice.profile, { devices }, portal.clock.now());
    await portal.call("Publish", { Entry: personalEntry(next) });
    const request = signed(deleteBody, { signer: phone });
    const first = await send(request);
    expect(first.status).toBe(403);
    expect(await send(request)).toEqual(first);
  });

  it("cannot be used with another body, in whatever transaction", async () => {
    const nonce = random(16);
    expect((await send(signed(pendingBody, { nonce }))).status).toBe(201);
    expect((await send(signed(pendingBody, { nonce }))).status).toBe(201);
    const refused = await send(signed(deleteBody, { nonce }));
    expect(refused.status).toBe(401);
    expect(refused.message.StatusDescription).toContain("nonce");
    expect((await portal.call("Get", { Account: "alice" })).status).toBe(201);
  });

  it("belongs to its key", async () => {
    const bob = makePerson("desk", portal.clock.now());
    await portal.createAccount("bob", bob);
    const nonce = random(16);
    expect((await send(signed(pendingBody, { nonce }))).status).toBe(201);
    const body = wrap("ConnectPending", { AccountID: "bob" });
    expect((await send(signed(body, { nonce, signer: bob.admin }))).status).toBe(201);
  });

  it("is remembered for as long as the signature can be good, by every process", async () => {
    const nonce = random(16);
    const time = portal.clock.time + 300_000;
    expect((await send(signed(pendingBody, { nonce, time }))).status).toBe(201);
    const other = await openTestPortal({}, portal.clock, portal.file);
    const body = wrap("ConnectPending", { AccountID: "alice@localhost" });
    const replay = () => other.portal.handle(signed(body, { nonce, time }));
    for (const milliseconds of [0, 300_000, 299_999, 1, 749]) {
      portal.clock.advance(milliseconds);
      expect((await replay()).status).toBe(401);
    }
    expect((await replay()).headers["mmm-error"]).toBeUndefined();
    portal.clock.advance(1);
    expect((await replay()).headers["mmm-error"]).toBe("clock-skew");
  });

  it("has one spelling", async () => {
    const created = Math.floor(portal.clock.time / 1000);
    const body = Buffer.from(pendingBody);
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    const { authentication } = alice.admin.keys;
    const request = { method: "POST", authority: AUTHORITY, path: PORTAL_PATH, body, address: "192.0.2.1" };
    const sign = (nonce: string) => {
      const fields = createSignatureSync(
        {
          kind: "request",
          method: "POST",
          targetUri: `https://${AUTHORITY}${PORTAL_PATH}`,
          fields: [{ name: "content-digest", value: digest }],
        },
        {
          label: "mmm",
          components: ["@method", "@authority", "@path", "content-digest"],
          parameters: { created, nonce, keyid: authentication.kid, tag: "mmm" },
          signer: { algorithm: "ed25519", sign: (data) => signMessage(data, authentication) },
        },
      );
      return { "content-digest": digest, "signature-input": fields.signatureInput, signature: fields.signature };
    };
    const canonical = "AAAAAAAAAAAAAAAAAAAAAA";
    expect((await send({ ...request, headers: sign(canonical) })).status).toBe(201);
    // All of these decode to the same sixteen octets.
    for (const nonce of ["AAAAAAAAAAAAAAAAAAAAAB", `${canonical}==`, `${canonical.slice(1)}!A`]) {
      expect((await send({ ...request, headers: sign(nonce) })).status).toBe(401);
    }
  });

  it("is used up by one of several identical requests at once", async () => {
    const escrow = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    const request = signed(wrap("Publish", { Entry: escrow }));
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(request)));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
  });
});

describe("a device that has been removed", () => {
  it("can sign nothing any more, whatever it could before", async () => {
    const phone = makeDevice("phone", portal.clock.now());
    const ask = { AccountID: "alice", SignedRequest: makeRequest(phone, alice.profile.udf) };
    await portal.call("ConnectStart", ask);
    const devices = [alice.admin.device, phone.device];
    const second = nextPersonal(alice.admin.keys.online, alice.profile, { devices }, portal.clock.now());
    const third = nextPersonal(alice.admin.keys.online, second, { devices: [alice.admin.device] }, portal.clock.now());
    for (const profile of [second, third]) await portal.call("Publish", { Entry: personalEntry(profile) });
    for (const body of [pendingBody, deleteBody]) {
      expect((await send(signed(body, { signer: phone }))).status).toBe(401);
    }
    const escrow = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    expect((await portal.call("Publish", { Entry: escrow }, { signer: phone })).status).toBe(401);
  });
});

describe("a device that has lapsed", () => {
  const MINUTE = 60_000;
  const AGE = 10 * MINUTE;

  /** Publishes a profile whose phone lapses in ten minutes of the portal's clock. */
  const withPhone = async () => {
    const { clock } = portal;
    const phone = makeDevice("phone", clock.now());
    const until = recordTime(new Date(clock.time + AGE));
    const change = {
      devices: [alice.admin.device, phone.device],
      deviceExpiries: { [phone.device.udf]: until },
    };
    const profile = nextPersonal(alice.admin.keys.online, alice.profile, change, clock.now());
    await portal.call("Publish", { Entry: personalEntry(profile) });
    return { phone, profile, until: Date.parse(until) };
  };

  it("is refused from that moment on, by the portal's clock and whatever it asks for", async () => {
    const { phone, profile, until } = await withPhone();
    const create = wrap("CreateAccount", { Account: "second", Profile: personalEntry(profile) });
    const reserve = wrap("ValidateAccount", { Account: "third", Reserve: true });
    portal.clock.time = until - 1;
    const first = signed(create, { signer: phone });
    expect((await send(first)).status).toBe(201);
    expect((await send(signed(reserve, { signer: phone }))).status).toBe(201);
    portal.clock.time = until;
    const escrow = wrap("Publish", { Entry: { OfflineEscrowEntry: await makeEscrowEntry(alice) } });
    for (const body of [create, reserve, pendingBody, deleteBody, escrow]) {
      const request = signed(body, { signer: phone });
      const answer = await send(request);
      expect(answer.status).toBe(403);
      expect(answer.message.StatusDescription).toContain("lapsed");
      // A resend gets the same answer, and what was answered before is not taken back.
      expect((await send(request)).status).toBe(403);
    }
    expect((await send(first)).status).toBe(201);
    // Its own clock does not count.
    expect((await send(signed(create, { signer: phone, time: until - MINUTE }))).status).toBe(403);
    expect((await send(signed(pendingBody))).status).toBe(201);
  });

  it("may speak again once an administrator has renewed it", async () => {
    const { phone, profile, until } = await withPhone();
    portal.clock.time = until + MINUTE;
    const body = (version: typeof profile) =>
      wrap("CreateAccount", { Account: "second", Profile: personalEntry(version) });
    expect((await send(signed(body(profile), { signer: phone }))).status).toBe(403);
    const change = { deviceExpiries: { [phone.device.udf]: null } };
    const renewed = nextPersonal(alice.admin.keys.online, profile, change, portal.clock.now());
    expect((await portal.call("Publish", { Entry: personalEntry(renewed) })).status).toBe(201);
    expect((await send(signed(body(renewed), { signer: phone }))).status).toBe(201);
  });

  it("publishes no applications any more", async () => {
    const { phone, until } = await withPhone();
    const publish = async (signer: PrivateKey) => {
      const owner = { owner: alice.profile.udf, identifier: makeIdentifier(), key: signer };
      const record = makeApplication(owner, portal.clock.now());
      return (await portal.call("Publish", { Entry: { SignedApplicationProfile: record } })).status;
    };
    portal.clock.time = until - 1;
    expect(await publish(phone.keys.signature)).toBe(201);
    portal.clock.time = until;
    expect(await publish(phone.keys.signature)).toBe(403);
    expect(await publish(alice.admin.keys.signature)).toBe(201);
  });

  it("is not one where only a stranger's profile says so", async () => {
    const { clock } = portal;
    const mallory = makePerson("mallory", clock.now());
    const until = recordTime(new Date(clock.time + AGE));
    const change = {
      devices: [mallory.admin.device, alice.admin.device],
      deviceExpiries: { [alice.admin.device.udf]: until },
    };
    const listing = nextPersonal(mallory.admin.keys.online, mallory.profile, change, clock.now());
    await portal.createAccount("mallory", { ...mallory, profile: listing });
    clock.time = Date.parse(until) + MINUTE;
    const escrow = wrap("Publish", { Entry: { OfflineEscrowEntry: await makeEscrowEntry(alice) } });
    const reserve = wrap("ValidateAccount", { Account: "third", Reserve: true });
    for (const body of [escrow, reserve, pendingBody]) expect((await send(signed(body))).status).toBe(201);
    const bob = makePerson("desk", clock.now());
    const taken = { Account: "third", Profile: personalEntry(bob.profile) };
    expect((await portal.call("CreateAccount", taken, { signer: bob.admin })).status).toBe(409);
  });
});
