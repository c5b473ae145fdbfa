import { expect, test } from "vitest";
import { SEED } from "../support/sample.js";
import { isMeshError } from "../../src/errors.js";
import { privateKeyObject, publicKeyRecord, readPublicKey, type PublicKeyRecord } from "../../src/mesh/keys.js";
import { signRequest, verifyRequest } from "../../src/mesh/request-signature.js";
import { fuzz } from "./engine.js";
import { makePerson, NOW, stream } from "./person.js";
import { allTargets, shareOf } from "./targets.js";

/** `npm run fuzz` tries a million. */
const TOTAL = 4_000;

test("whatever is read is taken or refused with a code, and nothing else happens", { timeout: 600_000 }, async () => {
  const targets = await allTargets();
  for (const target of targets) {
    const { accepted, refused } = await fuzz(target, { seed: String(SEED), count: shareOf(target, targets, TOTAL) });
    expect(accepted + refused).toBeGreaterThan(0);
  }
});

// Found by fuzzing with long texts: 16 KiB of spaces kept the portal busy for a third of a second.
test("a signature whose headers are longer than any needs to be is refused before it is taken apart", async () => {
  const { admin } = await makePerson("alice");
  const request = { method: "POST", authority: "a", path: "/", body: Buffer.from("{}") };
  const now = Math.floor(NOW.getTime() / 1000);
  const headers = signRequest(request, admin.keys.authentication, now, stream("nonce"));
  const verify = (spaces: number): Promise<unknown> => {
    const padded = { ...headers, "signature-input": `${headers["signature-input"] ?? ""}${" ".repeat(spaces)}` };
    return verifyRequest({ ...request, headers: padded }, () => Promise.resolve(admin.device.authenticationKey), now);
  };
  await verify(100);
  await expect(verify(1000)).rejects.toSatisfy((error) => isMeshError(error, "signature-invalid"));
});

// Found by fuzzing: whoever posted such a request made the administrator's next command fail that signs anything.
test("a certificate for another kind of key is refused and leaves nothing behind that makes the next key fail", async () => {
  const { admin, first } = await makePerson("alice");
  const { MasterEscrowKeys = [] } = first.master.payload;
  const record = { ...publicKeyRecord(admin.keys.online), X509Certificate: MasterEscrowKeys[0]?.X509Certificate };
  expect(() => readPublicKey(record as PublicKeyRecord, "online-signature")).toThrow("mesh.certificate-other");
  expect(privateKeyObject(admin.keys.online).type).toBe("private");
});
