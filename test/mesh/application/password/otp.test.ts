import { describe, expect, test } from "vitest";
import { otpCode, otpText, otpUri, parseOtp, type Otp } from "../../../../src/mesh/application/password/otp.js";

const base32 = (text: string): string => {
  let bits = "";
  for (const octet of Buffer.from(text)) bits += octet.toString(2).padStart(8, "0");
  return (bits.match(/.{1,5}/g) ?? [])
    .map((part) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[parseInt(part.padEnd(5, "0"), 2)])
    .join("");
};

// RFC 6238 appendix B, with the seeds that its code has.
const SEED = "12345678901234567890";
const SHA1: Otp = { Secret: base32(SEED), Digits: 8 };
const SHA256: Otp = { Secret: base32(`${SEED}123456789012`), Digits: 8, Algorithm: "SHA256" };
const SHA512: Otp = { Secret: base32(`${SEED}${SEED}${SEED}1234`), Digits: 8, Algorithm: "SHA512" };

test.each([
  [59, "94287082", "46119246", "90693936"],
  [1111111109, "07081804", "68084774", "25091201"],
  [1111111111, "14050471", "67062674", "99943326"],
  [1234567890, "89005924", "91819424", "93441116"],
  [2000000000, "69279037", "90698825", "38618901"],
  [20000000000, "65353130", "77737706", "47863826"],
])("the codes of second %d", (second, ...codes) => {
  const now = new Date(second * 1000);
  expect([SHA1, SHA256, SHA512].map((otp) => otpCode(otp, now).code)).toEqual(codes);
});

test("a code says how long it is good", () => {
  expect(otpCode({ Secret: base32(SEED) }, new Date(59_000))).toEqual({ code: "287082", remaining: 1 });
  expect(otpCode({ Secret: base32(SEED) }, new Date(60_000)).remaining).toBe(30);
  expect(otpCode({ Secret: base32(SEED), Period: 60 }, new Date(61_000)).remaining).toBe(59);
});

describe("an otpauth URI", () => {
  test.each([
    ["jbsw y3dp-ehpk3pxp", { Secret: "JBSWY3DPEHPK3PXP" }],
    ["JBSWY3DPEHPK3PXP======", { Secret: "JBSWY3DPEHPK3PXP" }],
    ["otpauth://totp/?secret=JBSWY3DPEHPK3PXP", { Secret: "JBSWY3DPEHPK3PXP" }],
    ["otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP", { Secret: "JBSWY3DPEHPK3PXP", Account: "alice" }],
    [
      "otpauth://totp/ACME%20Co:john@example.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30",
      { Secret: "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ", Issuer: "ACME Co", Account: "john@example.com" },
    ],
    [
      "OTPAUTH://TOTP/x?secret=JBSWY3DPEHPK3PXP&algorithm=sha-256&digits=8&period=60",
      { Secret: "JBSWY3DPEHPK3PXP", Account: "x", Algorithm: "SHA256", Digits: 8, Period: 60 },
    ],
  ])("%s", (text, otp) => {
    expect(parseOtp(text)).toEqual(otp);
    expect(parseOtp(otpUri(otp as Otp))).toEqual(otp);
    expect(parseOtp(otpText(otp as Otp))).toEqual(otp);
  });

  test.each([
    "",
    "JBSWY3DPEHPK3PX1",
    "ABC",
    "A",
    "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1",
    "otpauth://totp/x",
    "otpauth://totp/x?secret=",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=5",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=9",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=0",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=99999",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5",
    "otpauth://totp/%zz?secret=JBSWY3DPEHPK3PXP",
    `otpauth://totp/${"x".repeat(300)}?secret=JBSWY3DPEHPK3PXP`,
    "steam://JBSWY3DPEHPK3PXP",
    "A".repeat(5000),
  ])("not %s", (text) => {
    expect(parseOtp(text)).toBeUndefined();
  });
});
