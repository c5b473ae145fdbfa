import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../src/mesh/keys.js";
import { decodeBase64url } from "../../src/mesh/bytes.js";
import { isSafeEd25519Point, isSafeX25519Point } from "../../src/mesh/points.js";
import { stream } from "./support.js";

const { Point } = ed25519;
const P = 2n ** 255n - 19n;
const random = stream("points");

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const littleEndian = (value: bigint): Buffer => hex(value.toString(16).padStart(64, "0")).reverse();

/**
 * Every encoding of a point of small order, canonical or not ("Taming the many EdDSAs", Chalkias, Garillot and Nikolaenko,
 * 2020, tables 1 and 2). A signature under such a key can be made valid for any message by anyone.
 */
const SMALL_ORDER = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/** The seven points of small order other than the identity, as a lax decoder reads them. */
const torsion = SMALL_ORDER.slice(1, 8).map((text) => Point.fromBytes(hex(text), true));

describe("Ed25519", () => {
  test("the list of small orders is what it says", () => {
    for (const text of SMALL_ORDER) expect(Point.fromBytes(hex(text), true).isSmallOrder()).toBe(true);
    expect(new Set([Point.ZERO, ...torsion].map((point) => point.toHex())).size).toBe(8);
  });

  test.each(SMALL_ORDER)("refuses the point of small order %s", (text) => {
    expect(isSafeEd25519Point(hex(text))).toBe(false);
  });

  test("takes the public keys of RFC 8032 section 7.1", () => {
    for (const text of [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
      "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    ]) {
      expect(isSafeEd25519Point(hex(text))).toBe(true);
    }
    expect(isSafeEd25519Point(Point.BASE.toBytes())).toBe(true);
  });

  test("takes honest keys and refuses them with any torsion added", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const key = decodeBase64url(generateKey("device-signature", () => seed).x);
        expect(isSafeEd25519Point(key)).toBe(true);
        const point = Point.fromBytes(key);
        for (const small of torsion) expect(isSafeEd25519Point(point.add(small).toBytes())).toBe(false);
      }),
      { numRuns: 5 },
    );
  });

  test("refuses points of mixed order (the public keys of the cases 3 to 5 of the paper)", () => {
    const mixed = hex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d");
    expect(Point.fromBytes(mixed).isTorsionFree()).toBe(false);
    expect(isSafeEd25519Point(mixed)).toBe(false);
  });

  test("refuses every y of 2^255 - 19 and more, points of large order included", () => {
    let decodable = 0;
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0n, 2n ** 255n]) {
        const octets = littleEndian(y + sign);
        expect(isSafeEd25519Point(octets)).toBe(false);
        try {
          if (!Point.fromBytes(octets, true).isSmallOrder()) decodable++;
        } catch {
          // Off the curve.
        }
      }
    }
    // RFC 8032 and ZIP 215 decoders differ on these, so the loop has shown something.
    expect(decodable).toBeGreaterThan(0);
  });

  test("refuses what is on no curve or has another length", () => {
    const offCurve = littleEndian(2n);
    expect(() => Point.fromBytes(offCurve, true)).toThrow();
    expect(isSafeEd25519Point(offCurve)).toBe(false);
    const key = Point.BASE.toBytes();
    for (const octets of [new Uint8Array(0), key.subarray(1), Buffer.concat([key, Buffer.alloc(1)])]) {
      expect(isSafeEd25519Point(octets)).toBe(false);
    }
  });

  test("is asked anew for every point, whatever was found before", () => {
    const key = decodeBase64url(generateKey("device-signature", random).x);
    const torsioned = Point.fromBytes(key).add(torsion[0]!).toBytes();
    for (let round = 0; round < 2; round++) {
      expect(isSafeEd25519Point(key)).toBe(true);
      expect(isSafeEd25519Point(torsioned)).toBe(false);
    }
  });
});

/** What is asked of a point, put the slow way: it is multiplied by the order of the subgroup. */
const isSafe = (octets: Uint8Array): boolean => {
  try {
    const point = Point.fromBytes(octets);
    return !point.is0() && !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
};
const anyOctets = fc.uint8Array({ minLength: 32, maxLength: 32 });

test("agrees with the multiplication by the subgroup's order on any Ed25519 octets", () => {
  fc.assert(
    fc.property(anyOctets, (octets) => {
      expect(isSafeEd25519Point(octets)).toBe(isSafe(octets));
    }),
    { numRuns: 300 },
  );
});

/** The values for which X25519 gives a secret that everyone knows (https://cr.yp.to/ecdh.html, "validate"). */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
  "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
  "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  for (let square = base % P; exponent > 0n; exponent >>= 1n, square = (square * square) % P) {
    if (exponent & 1n) result = (result * square) % P;
  }
  return result;
};
/** True where v^2 = u^3 + 486662 u^2 + u has a solution (RFC 7748 section 4.1); the rest of all u are on the twist. */
const isOnCurve = (u: bigint): boolean => power(u ** 3n + 486662n * u ** 2n + u, (P - 1n) / 2n) === 1n;
/** The u of an Edwards point: (1 + y) / (1 - y) (RFC 7748 section 4.1). */
const montgomery = ({ y }: { y: bigint }): bigint => ((1n + y) * power(P + 1n - y, P - 2n)) % P;

describe("X25519", () => {
  test.each(LOW_ORDER)("refuses the value of low order %s", (text) => {
    expect(isSafeX25519Point(hex(text))).toBe(false);
  });

  test("takes the base point and the public keys of RFC 7748 section 6.1", () => {
    for (const text of [
      "0900000000000000000000000000000000000000000000000000000000000000",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ]) {
      expect(isSafeX25519Point(hex(text))).toBe(true);
    }
  });

  test("takes every honest key", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        expect(isSafeX25519Point(decodeBase64url(generateKey("device-encryption", () => seed).x))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test("agrees with the Edwards point of the same u on any octets", () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        const u = BigInt(`0x${Buffer.from(octets).reverse().toString("hex")}`);
        const y = ((u + P - 1n) * power(u + 1n, P - 2n)) % P;
        expect(isSafeX25519Point(octets)).toBe(u < P && isSafe(littleEndian(y)));
      }),
      { numRuns: 300 },
    );
  });

  test("takes exactly the small values that are on the curve and free of torsion", () => {
    let twist = 0;
    let torsioned = 0;
    for (let u = 2n; u < 40n; u++) {
      const safe = isSafeX25519Point(littleEndian(u));
      if (!isOnCurve(u)) {
        twist++;
        expect(safe).toBe(false);
      } else if (!safe) torsioned++;
    }
    expect(twist).toBeGreaterThan(5);
    expect(torsioned).toBeGreaterThan(5);
  });

  test("refuses a key with torsion added, for which X25519 gives the same secret as without", () => {
    const point = Point.BASE.multiply(12345n);
    expect(isSafeX25519Point(littleEndian(montgomery(point)))).toBe(true);
    for (const small of torsion) expect(isSafeX25519Point(littleEndian(montgomery(point.add(small))))).toBe(false);
  });

  test("refuses other spellings of a good value, and other lengths", () => {
    expect(isSafeX25519Point(littleEndian(9n + P))).toBe(false);
    expect(isSafeX25519Point(littleEndian(9n + 2n ** 255n))).toBe(false);
    const base = littleEndian(9n);
    for (const octets of [new Uint8Array(0), base.subarray(0, 31), Buffer.concat([base, Buffer.alloc(1)])]) {
      expect(isSafeX25519Point(octets)).toBe(false);
    }
  });

  test("is not answered by what was found for the same octets as an Ed25519 point", () => {
    let unsafe = 0;
    for (let factor = 1n; factor < 12n; factor++) {
      const octets = Point.BASE.multiply(factor).toBytes();
      expect(isSafeEd25519Point(octets)).toBe(true);
      if (!isSafeX25519Point(octets)) unsafe++;
    }
    // Of the values below 2^255 - 19, one in sixteen is safe; those whose sign bit is set never are.
    expect(unsafe).toBeGreaterThan(5);
  });
});
