import { ed25519 } from "@noble/curves/ed25519.js";

/** Points that were found safe. Checking one takes a scalar multiplication, and a profile shows the same keys again and again. */
const safePoints = new Set<string>();
const MAX_REMEMBERED = 4096;

const remembered = (name: string, check: () => boolean): boolean => {
  if (safePoints.has(name)) return true;
  if (!check()) return false;
  if (safePoints.size >= MAX_REMEMBERED) safePoints.clear();
  safePoints.add(name);
  return true;
};

/** True where 32 octets are a canonical Ed25519 point of the prime-order subgroup other than the identity (RFC 8032 5.1.3). */
export const isSafeEd25519Point = (octets: Uint8Array): boolean =>
  remembered(`e${Buffer.from(octets).toString("base64")}`, () => {
    try {
      const point = ed25519.Point.fromBytes(octets, false);
      return !point.is0() && !point.isSmallOrder() && point.isTorsionFree();
    } catch {
      return false;
    }
  });

/**
 * True where 32 octets are a canonical X25519 public value (RFC 7748) of the curve's prime-order subgroup. Every honestly
 * made key is: the test maps u to the Edwards y = (u - 1) / (u + 1), so points of low order, points with torsion and points
 * of the twist all fail.
 */
export const isSafeX25519Point = (octets: Uint8Array): boolean =>
  remembered(`x${Buffer.from(octets).toString("base64")}`, () => {
    const field = ed25519.Point.Fp;
    try {
      // fromBytes refuses values that are not below 2^255 - 19.
      const u = field.fromBytes(octets);
      const y = field.div(field.sub(u, field.ONE), field.add(u, field.ONE));
      return isSafeEd25519Point(field.toBytes(y));
    } catch {
      return false;
    }
  });
