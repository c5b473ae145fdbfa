import { createPrivateKey, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AGENT_FAILURE,
  AGENT_SUCCESS,
  agentMessages,
  identitiesAnswer,
  MESSAGE_LIMIT,
  queryAnswer,
  readAgentRequest,
  sessionBindings,
  signResponse,
  type SessionBinding,
} from "../../../../src/mesh/application/ssh/agent-protocol.js";
import { ed25519Blob } from "../../../../src/mesh/application/ssh/public-key.js";
import { wireByte, wireString, wireUint32 } from "../../../../src/mesh/application/ssh/wire.js";
import { sshKey } from "./support.js";

const blob = ed25519Blob(sshKey("laptop").x);
const SIGN = Buffer.concat([wireByte(13), wireString(blob), wireString("data"), wireUint32(4)]);

const binding = (session: string, isForwarding: boolean, host = "host"): SessionBinding => {
  const { kty, crv, x, d } = sshKey(host);
  const signature = sign(null, Buffer.from(session), createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" }));
  return {
    hostKey: ed25519Blob(x),
    session: Buffer.from(session),
    signature: Buffer.concat([wireString("ssh-ed25519"), wireString(signature)]),
    isForwarding,
  };
};
const bindMessage = ({ hostKey, session, signature, isForwarding }: SessionBinding): Buffer =>
  Buffer.concat([
    wireByte(27),
    wireString("session-bind@openssh.com"),
    ...[hostKey, session, signature].map(wireString),
    wireByte(isForwarding ? 1 : 0),
  ]);

describe("requests to an agent", () => {
  test("are understood", () => {
    expect(readAgentRequest(wireByte(11))).toEqual({ kind: "identities" });
    expect(readAgentRequest(SIGN)).toEqual({ kind: "sign", blob, data: Buffer.from("data") });
    expect(readAgentRequest(Buffer.concat([wireByte(27), wireString("query")]))).toEqual({ kind: "query" });
    const bound = binding("session", true);
    expect(readAgentRequest(bindMessage(bound))).toEqual({ kind: "bind", binding: bound });
  });

  test("of any other kind, cut, or with something behind them are all the same", () => {
    const others = [
      Buffer.alloc(0),
      wireByte(0),
      Buffer.concat([wireByte(11), wireByte(0)]),
      Buffer.concat([SIGN, wireByte(0)]),
      Buffer.concat([wireByte(27), wireString("another@example.com")]),
      Buffer.concat([wireByte(27), wireString("query"), wireByte(1)]),
      // Adding, removing, locking and unlocking.
      ...[17, 18, 19, 22, 23, 25].map((number) => Buffer.concat([wireByte(number), wireString("secret")])),
    ];
    for (const message of others) expect(readAgentRequest(message), message.toString("hex")).toEqual({ kind: "other" });
    for (const whole of [SIGN, bindMessage(binding("session", false))]) {
      for (let length = 1; length < whole.length; length++) {
        expect(readAgentRequest(whole.subarray(0, length))).toEqual({ kind: "other" });
      }
    }
  });

  test("no octets break the reader", () => {
    fc.assert(fc.property(fc.uint8Array(), (octets) => void readAgentRequest(Buffer.from(octets))));
  });
});

test("answers are as the protocol has them", () => {
  expect(AGENT_FAILURE.toString("hex")).toBe("0000000105");
  expect(AGENT_SUCCESS.toString("hex")).toBe("0000000106");
  expect(identitiesAnswer([]).toString("hex")).toBe("000000050c00000000");
  const listed = identitiesAnswer([{ blob, comment: "laptop" }]);
  expect(listed.readUInt32BE()).toBe(listed.length - 4);
  expect(listed.subarray(4)).toEqual(
    Buffer.concat([wireByte(12), wireUint32(1), wireString(blob), wireString("laptop")]),
  );
  const signed = signResponse(Buffer.alloc(64, 1));
  expect(signed.subarray(4)).toEqual(
    Buffer.concat([
      wireByte(14),
      wireString(Buffer.concat([wireString("ssh-ed25519"), wireString(Buffer.alloc(64, 1))])),
    ]),
  );
  expect(queryAnswer().toString("latin1")).toContain("session-bind@openssh.com");
});

describe("what arrives on a connection", () => {
  const framed = (octets: Uint8Array): Buffer => wireString(octets);

  test("is cut into messages, however it is torn", () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (messages, cuts) => {
        const all = Buffer.concat(messages.map(framed));
        const take = agentMessages();
        const found: Buffer[] = [];
        for (let offset = 0, turn = 0; offset < all.length; turn++) {
          const length = cuts[turn % cuts.length] ?? 1;
          found.push(...(take(all.subarray(offset, offset + length)) ?? []));
          offset += length;
        }
        expect(found).toEqual(messages.map((octets) => Buffer.from(octets)));
      }),
    );
  });

  test("ends with a message that is empty or too long, before any of it is kept", () => {
    for (const length of [0, MESSAGE_LIMIT + 1, 0xffffffff]) {
      const take = agentMessages();
      expect(take(framed(Buffer.of(11)))).toHaveLength(1);
      expect(take(wireUint32(length))).toBeUndefined();
      expect(take(framed(Buffer.of(11)))).toBeUndefined();
    }
    const take = agentMessages();
    expect(take(framed(Buffer.alloc(MESSAGE_LIMIT)))).toHaveLength(1);
  });
});

describe("a connection that is bound to sessions", () => {
  test("takes the hosts that an agent is forwarded through, and the login last", () => {
    const { bind } = sessionBindings();
    expect(bind(binding("first", true))).toBe(true);
    expect(bind(binding("first", true))).toBe(true);
    expect(bind(binding("second", true, "other host"))).toBe(true);
    expect(bind(binding("third", false))).toBe(true);
    expect(bind(binding("fourth", true))).toBe(false);
  });

  test("refuses a signature that does not hold, another host for one session, and too many of them", () => {
    const { bind } = sessionBindings();
    expect(bind({ ...binding("one", true), session: Buffer.from("two") })).toBe(false);
    expect(bind({ ...binding("", true), session: Buffer.alloc(0) })).toBe(false);
    expect(bind(binding("x".repeat(129), true))).toBe(false);
    expect(bind(binding("one", true))).toBe(true);
    expect(bind(binding("one", false))).toBe(false);
    expect(bind(binding("one", true, "other host"))).toBe(false);
    for (let count = 1; count < 16; count++) expect(bind(binding(`session ${count}`, true))).toBe(true);
    expect(bind(binding("one more", true))).toBe(false);
  });
});
