import { describe, expect, test } from "vitest";
import { sha512, utf8 } from "../../src/mesh/bytes.js";
import {
  createConnectionRequest,
  createConnectionResult,
  parseVerificationCode,
  readConnectionRequest,
  readConnectionResult,
  verificationCode,
  type ConnectionOutcome,
} from "../../src/mesh/connection.js";
import { signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { publicKeyOf, type PrivateKey } from "../../src/mesh/keys.js";
import { encodeBase32, fingerprint } from "../../src/mesh/udf.js";
import { altered, forge, newDevice, newPerson, payloadOf, refusal } from "./support.js";

const phone = newDevice("phone");
const tablet = newDevice("tablet");
const { keys, master, admin } = newPerson("alice");
const stranger = newPerson("mallory");
const request = createConnectionRequest(phone.device, master.udf, phone.keys.signature);
const administrators = master.administrators.map(({ key }) => key);

describe("the verification code", () => {
  test("is 100 bits of a fingerprint of both parties", () => {
    const digest = sha512(utf8("application/mmm-connect:"), sha512(utf8(`${phone.device.udf}:${master.udf}`)));
    const text = encodeBase32(Buffer.concat([Buffer.of(0x60), digest])).slice(0, 24);
    expect(verificationCode(phone.device.udf, master.udf)).toBe(text);
    expect(request.code).toBe(text);
    expect(text).toMatch(/^M[A-D][A-Z2-7]{2}(-[A-Z2-7]{4}){4}$/);
  });

  test("is another for another device, another profile, and the two swapped", () => {
    const codes = [
      request.code,
      verificationCode(tablet.device.udf, master.udf),
      verificationCode(phone.device.udf, stranger.master.udf),
      verificationCode(master.udf, phone.device.udf),
    ];
    expect(new Set(codes).size).toBe(4);
  });

  test("can be typed in any case and grouping, but only whole", () => {
    for (const text of [request.code.toLowerCase(), request.code.replaceAll("-", ""), ` ${request.code} `]) {
      expect(parseVerificationCode(text)).toBe(request.code);
    }
    for (const text of ["", "y", request.code.slice(0, 19), `${request.code}AAAA`, phone.device.udf]) {
      expect(refusal(() => parseVerificationCode(text))).toBe("fingerprint-invalid");
    }
  });

  test("can be typed whatever the digest: it is never the compressed form", () => {
    // Found by trying: the digest for this pair ends in 20 zero bits.
    const pair = ["MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", "M3234735"] as const;
    expect(fingerprint("application/mmm-connect", utf8(pair.join(":")), 100)).toMatch(/^M[E-H]/);
    const code = verificationCode(...pair);
    expect(parseVerificationCode(code)).toBe(code);
  });
});

describe("a connection request", () => {
  test("says who wants to join what, and nothing else, since the 2016 portal parses it", () => {
    expect(payloadOf(request.record)).toEqual({ ParentUDF: master.udf, Device: phone.device.record });
    expect(request.record.Identifier).toBe(phone.device.udf);
    const read = readConnectionRequest(structuredClone(request.record));
    expect(read).toEqual({
      record: request.record,
      device: phone.device,
      profileUdf: master.udf,
      code: request.code,
    });
  });

  const change = (members: object, key: PrivateKey = phone.keys.signature, identifier = phone.device.udf) =>
    forge(identifier, JSON.stringify({ ConnectionRequest: { ...payloadOf(request.record), ...members } }), key);
  const code = (value: unknown): string | undefined => refusal(() => readConnectionRequest(value));

  test("is signed by the device that it presents", () => {
    expect(code(change({}))).toBeUndefined();
    for (const key of [phone.keys.authentication, phone.keys.online, tablet.keys.signature, admin.keys.online]) {
      expect(code(change({}, key))).toBe("signature-invalid");
    }
    expect(code(change({ Device: tablet.device.record }))).toBe("record-invalid");
    expect(code(change({ Device: tablet.device.record }, phone.keys.signature, tablet.device.udf))).toBe(
      "signature-invalid",
    );
    expect(code(change({}, tablet.keys.signature, tablet.device.udf))).toBe("record-invalid");
  });

  test("presents a valid device", () => {
    const renamed = altered(phone.device.record, "DeviceProfile", tablet.keys.signature, (payload) => ({
      ...payload,
      Names: ["your other phone"],
    }));
    expect(code(change({ Device: renamed }))).toBe("signature-invalid");
    expect(code(change({ Device: master.record }))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["another member", { Nonce: "x" }],
    ["no profile", { ParentUDF: undefined }],
    ["an account in place of the profile", { ParentUDF: "alice@example.com" }],
    ["a profile of 2016", { ParentUDF: "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY" }],
    ["no device", { Device: undefined }],
    ["another member beside the device's", { Device: { ...phone.device.record, Extra: 1 } }],
    ["a list of devices", { Device: [phone.device.record] }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });

  test("is no result", () => {
    const result = createConnectionResult(phone.device.record, master.udf, "Accepted", phone.keys.signature);
    expect(code(result)).toBe("record-invalid");
  });
});

describe("a connection result", () => {
  const result = createConnectionResult(phone.device.record, master.udf, "Accepted", admin.keys.online);
  const code = (value: unknown, allowed = administrators): string | undefined =>
    refusal(() => readConnectionResult(value, allowed));
  const change = (members: object, key: PrivateKey = admin.keys.online, identifier = phone.device.udf): SignedRecord =>
    signRecord(identifier, "ConnectionResult", { ...payloadOf(result), ...members }, key);

  test.each<ConnectionOutcome>(["Accepted", "Refused", "Query"])(
    "gives the device's own octets back: %s",
    (outcome) => {
      const record = createConnectionResult(phone.device.record, master.udf, outcome, admin.keys.online);
      expect(payloadOf(record)).toEqual({ ParentUDF: master.udf, Device: phone.device.record, Result: outcome });
      expect(readConnectionResult(structuredClone(record), administrators)).toEqual({
        record,
        device: phone.device.record,
        profileUdf: master.udf,
        outcome,
      });
    },
  );

  test("is signed by an administrator of the newest master profile, and nobody else", () => {
    for (const key of [
      keys.signature,
      admin.keys.signature,
      phone.keys.signature,
      phone.keys.online,
      stranger.admin.keys.online,
    ]) {
      expect(code(change({}, key))).toBe("signature-invalid");
    }
    expect(code(result, [])).toBe("signature-invalid");
    expect(code(result, [publicKeyOf(stranger.admin.keys.online)])).toBe("signature-invalid");
    expect(code(result, [publicKeyOf(stranger.admin.keys.online), ...administrators])).toBeUndefined();
  });

  test.each<[string, object]>([
    ["another outcome", { Result: "Maybe" }],
    ["an outcome in another case", { Result: "accepted" }],
    ["no outcome", { Result: undefined }],
    ["another member", { Comment: "x" }],
    ["no profile", { ParentUDF: undefined }],
    ["another device than it is named after", { Device: tablet.device.record }],
    ["a device that is none", { Device: {} }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });

  test("is named after its device", () => {
    expect(code(change({}, admin.keys.online, tablet.device.udf))).toBe("record-invalid");
    expect(code({ ...result, Identifier: tablet.device.udf })).toBe("record-invalid");
  });

  test("cannot be turned into another outcome", () => {
    const refused = createConnectionResult(phone.device.record, master.udf, "Refused", admin.keys.online);
    const { SignedData } = refused;
    const turned = { ...refused, SignedData: { ...SignedData, payload: result.SignedData.payload } };
    expect(code(turned)).toBe("signature-invalid");
  });

  test("is no request", () => {
    expect(code(request.record)).toBe("record-invalid");
  });
});
