import * as v from "valibot";
import { systemDeps } from "./deps.js";
import type { KEYRING_ANSWERS, KeyringRequest } from "./keystore/keyring.js";

// One request to the system's keyring. It has a process of its own, since the native code below blocks as long as the keyring
// does. Secrets come and go over standard input and output alone.

const SERVICE = "meshman";
const INPUT_LIMIT = 1024;
/** Should whoever started this be gone, it does not wait for a keyring for ever either. Milliseconds. */
const LIFETIME = 5_000;

const RequestSchema = v.strictObject({
  operation: v.picklist(["get", "set", "remove"]),
  account: v.pipe(v.string(), v.regex(/^[\w/-]{1,128}$/)),
});

const deps = systemDeps({ lifetime: LIFETIME });

const answer = (word: (typeof KEYRING_ANSWERS)[number], rest = ""): Promise<void> =>
  deps.stdout.write(`${word}\n${rest}`);

const handle = async ({ operation, account }: KeyringRequest, secret: Buffer): Promise<void> => {
  const { AsyncEntry } = await import("@napi-rs/keyring");
  // Without this choice it would fall back to the kernel's keys, which a restart forgets.
  const entry = new AsyncEntry(SERVICE, account, { linux: { store: "secret-service" } });
  if (operation === "set") {
    await entry.setSecret(secret);
    return answer("done");
  }
  if (operation === "remove") return answer((await entry.deleteCredential()) ? "done" : "none");
  const found = await entry.getSecret();
  if (!found) return answer("none");
  await answer("done", Buffer.from(found).toString("latin1"));
  found.fill(0);
};

const input = await deps.readStdin(INPUT_LIMIT);
const end = input.indexOf("\n");
const secret = input.subarray(end + 1);
try {
  const request = v.parse(RequestSchema, JSON.parse(input.subarray(0, Math.max(0, end)).toString("utf8")));
  await handle(request, secret);
} catch (error) {
  const reason = error instanceof Error ? error.message : "";
  // Libraries quote what they are given.
  const quotes = secret.length > 0 && reason.includes(secret.toString("latin1"));
  await answer("failed", quotes ? "" : reason);
} finally {
  input.fill(0);
}
