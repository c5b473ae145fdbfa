import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { encodeBase64url } from "./bytes.js";
import { remembered } from "./remembered.js";

const LENGTH = 32;
const P = 2n ** 255n - 19n;
const SIGN = 2n ** 255n;

/**
 * Two scalars as X25519 takes them (RFC 7748 section 5), so both multiples of 8, whose product is 1 modulo the order of the
 * prime-order subgroup. One after the other they take a point to its part in that subgroup and drop the rest, so that it comes
 * back as it was exactly where it has no torsion. Modulo the order of the twist's subgroup the product is neither 1 nor -1,
 * so that no point of the twist comes back.
 */
const SCALARS = [
  "2800000000000000000000000000000000000000000000000000000000000040",
  "30538e95b4d91533ea0f6d695087dd6c3938384a990900670af7f0e1bf3ec443",
];
/** DER in front of the 32 octets of a PKCS #8 private key for X25519 (RFC 8410). */
const PKCS8_PREFIX = "302e020100300506032b656e04220420";

let scalarKeys: readonly KeyObject[] | undefined;

const scalars = (): readonly KeyObject[] =>
  (scalarKeys ??= SCALARS.map((scalar) =>
    createPrivateKey({ key: Buffer.from(PKCS8_PREFIX + scalar, "hex"), format: "der", type: "pkcs8" }),
  ));

/** Multiplies a point, of which only u counts, by a scalar. Throws where that gives zero. */
const multiply = (u: Buffer, privateKey: KeyObject): Buffer => {
  const key = { kty: "OKP", crv: "X25519", x: encodeBase64url(u) };
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: "jwk" }) });
};

/** True where u, which is canonical, is that of a point of the prime-order subgroup other than the identity. */
const isInSubgroup = (u: Buffer): boolean => {
  try {
    return scalars().reduce(multiply, u).equals(u);
  } catch {
    return false;
  }
};

const decode = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).reverse().toString("hex")}`);
const encode = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(2 * LENGTH, "0"), "hex").reverse();

/** The inverse of a value modulo P, which does not divide it (the extended Euclidean algorithm). */
const invert = (value: bigint): bigint => {
  let [a, b] = [P, value];
  let [x, y] = [0n, 1n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return x < 0n ? x + P : x;
};

/** Points that were found safe: a profile shows the same keys again and again. */
const safePoints = remembered<string, true>(8192);

const once = (curve: "e" | "x", octets: Uint8Array, check: (value: bigint) => boolean): boolean => {
  if (octets.length !== LENGTH) return false;
  const name = `${curve}${Buffer.from(octets).toString("base64")}`;
  if (safePoints.get(name)) return true;
  if (!check(decode(octets))) return false;
  safePoints.set(name, true);
  return true;
};

/** True where 32 octets are a canonical Ed25519 point of the prime-order subgroup other than the identity (RFC 8032 5.1.3). */
export const isSafeEd25519Point = (octets: Uint8Array): boolean =>
  once("e", octets, (value) => {
    // The sign bit says which of two points it is, and both are safe or neither. There is but one where y is 1 or -1, which
    // are of small order.
    const y = value % SIGN;
    // The map to the Montgomery curve, u = (1 + y) / (1 - y), keeps the order of a point (RFC 7748 section 4.1).
    return y < P && y !== 1n && isInSubgroup(encode(((1n + y) * invert((P + 1n - y) % P)) % P));
  });

/**
 * True where 32 octets are a canonical X25519 public value (RFC 7748) of the curve's prime-order subgroup. Every honestly
 * made key is. Points of low order, points with torsion and points of the twist all fail.
 */
export const isSafeX25519Point = (octets: Uint8Array): boolean =>
  once("x", octets, (u) => u < P && isInSubgroup(encode(u)));
