import { describe, expect, test } from "vitest";
import {
  readingOnce,
  readRecord,
  recordHash,
  signRecord,
  verifyAhead,
  verifySignature,
  type SignedRecord,
} from "../../src/mesh/jose.js";
import { generateKey, publicKeyObject, publicKeyOf } from "../../src/mesh/keys.js";
import { remembered } from "../../src/mesh/remembered.js";
import { refusal, stream } from "./support.js";

describe("a map that forgets", () => {
  test("keeps what was used lately, within its bounds", () => {
    const map = remembered<string, number>(3);
    for (const [name, value] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const)
      map.set(name, value);
    expect(map.get("a")).toBe(1);
    map.set("d", 4);
    expect(["a", "b", "c", "d"].map((name) => map.get(name))).toEqual([1, undefined, 3, 4]);
    map.set("a", 5);
    expect([map.get("a"), map.size]).toEqual([5, 3]);
    map.clear();
    expect([map.get("a"), map.size]).toEqual([undefined, 0]);
    for (let index = 0; index < 10_000; index++) map.set(String(index), index);
    expect(map.size).toBe(3);
  });

  test("counts by weight where things have one, and keeps nothing that is heavier than all", () => {
    const map = remembered<string, string>(10, (text) => text.length);
    map.set("a", "xxxx");
    map.set("b", "xxxx");
    map.set("c", "xxx");
    expect(["a", "b", "c"].map((name) => map.get(name)?.length)).toEqual([undefined, 4, 3]);
    map.set("b", "xxxxxxx");
    expect(["b", "c"].map((name) => map.get(name)?.length)).toEqual([7, 3]);
    map.set("d", "x".repeat(11));
    expect(map.size).toBe(0);
    map.set("e", "x".repeat(10));
    expect(map.get("e")).toHaveLength(10);
  });
});

const random = stream("remembered");
const key = generateKey("device-signature", random);
const other = generateKey("device-signature", random);
const record = signRecord(key.kid, "Thing", { Identifier: key.kid, Number: 1 }, key);
const second = signRecord(key.kid, "Thing", { Identifier: key.kid, Number: 2 }, key);
const withData = (members: Partial<SignedRecord["SignedData"]>): SignedRecord => ({
  ...record,
  SignedData: { ...record.SignedData, ...members },
});

describe("a signature that was verified before", () => {
  const verify = (value: unknown, keys = [publicKeyOf(key)]): string | undefined =>
    refusal(() => verifySignature(readRecord(value, "Thing"), keys));

  test("says nothing of any other record, signature or key", () => {
    for (let round = 0; round < 2; round++) {
      expect(verify(record)).toBeUndefined();
      expect(verify(withData({ signature: second.SignedData.signature }))).toBe("signature-invalid");
      expect(verify(withData({ payload: second.SignedData.payload }))).toBe("signature-invalid");
      // Another key in the place of that one, whatever it calls itself.
      expect(verify(record, [{ ...publicKeyOf(key), x: other.x }])).toBe("signature-invalid");
      expect(verify(record, [publicKeyOf(other)])).toBe("signature-invalid");
      expect(verify(second)).toBeUndefined();
    }
  });

  test("beside everything else says as little, and refuses nothing itself", async () => {
    const third = signRecord(key.kid, "Thing", { Identifier: key.kid, Number: 3 }, key);
    const { signature } = third.SignedData;
    const forged = withData({ signature });
    // Its first letter is an e, and this is one of which a careless encoder keeps only the octet of an e.
    const odd = {
      ...third,
      SignedData: { ...third.SignedData, payload: third.SignedData.payload.replace(/^e/, "\u0165") },
    };
    const unspellable = withData({ signature: "!".repeat(86) });
    for (let round = 0; round < 2; round++) {
      for (const value of [third, forged, odd, unspellable]) {
        await verifyAhead(value, [publicKeyOf(other), publicKeyOf(key)]);
        await verifyAhead(value, []);
      }
      expect(verify(forged)).toBe("signature-invalid");
      expect(verify(odd)).toBe("record-invalid");
      expect(verify(unspellable)).toBe("record-invalid");
      expect(verify(third, [publicKeyOf(other)])).toBe("signature-invalid");
      expect(verify(third)).toBeUndefined();
    }
  });

  test("that did not hold is looked at again", () => {
    const forged = { ...publicKeyOf(key), x: other.x };
    for (let round = 0; round < 2; round++) expect(verify(second, [forged])).toBe("signature-invalid");
    expect(verify(second)).toBeUndefined();
  });
});

describe("a record that was read before", () => {
  const reader = (limit = 4096) => {
    let reads = 0;
    const read = readingOnce("Thing", limit, ({ record: own, payload }) => {
      reads++;
      verifySignature(readRecord(own, "Thing"), [publicKeyOf(key)]);
      return payload;
    });
    return { read, reads: () => reads };
  };

  test("is not read again, and nothing else is taken for it", () => {
    const { read, reads } = reader();
    const payload = read(record);
    expect(read(JSON.parse(JSON.stringify(record)))).toBe(payload);
    expect(read(second)).not.toEqual(payload);
    expect(reads()).toBe(2);
    expect(refusal(() => read(withData({ signature: second.SignedData.signature })))).toBe("signature-invalid");
    expect(read({ ...record, Identifier: other.kid })).toEqual(payload);
    expect(reads()).toBe(4);
    expect(refusal(() => read({ ...record, more: 1 }))).toBe("record-invalid");
    expect(read.seen(record.Identifier, recordHash(record))).toBe(payload);
    expect(read.seen(other.kid, recordHash(second))).toBeUndefined();
    expect(read.seen(record.Identifier, "")).toBeUndefined();
  });

  test("is read again where it was wrong, or has been forgotten", () => {
    const { read, reads } = reader(record.SignedData.payload.length);
    const wrong = withData({ signature: second.SignedData.signature });
    for (let round = 0; round < 2; round++) expect(refusal(() => read(wrong))).toBe("signature-invalid");
    expect(reads()).toBe(2);
    for (const value of [record, second, record]) read(value);
    expect(reads()).toBe(5);
    expect(read.seen(second.Identifier, recordHash(second))).toBeUndefined();
  });
});

test("a key is made ready once, by its curve and its octets", () => {
  expect(publicKeyObject(publicKeyOf(key))).toBe(publicKeyObject({ ...publicKeyOf(key), udf: other.kid }));
  expect(publicKeyObject(publicKeyOf(key))).not.toBe(publicKeyObject(publicKeyOf(other)));
  const exchange = { ...publicKeyOf(key), crv: "X25519" as const };
  expect(publicKeyObject(exchange).asymmetricKeyType).toBe("x25519");
  expect(publicKeyObject(publicKeyOf(key)).asymmetricKeyType).toBe("ed25519");
});
