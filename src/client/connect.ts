import * as v from "valibot";
import { isMeshError } from "../errors.js";
import { readConnectionRequest, type ConnectionRequest } from "../mesh/connection.js";
import { recordHash, SignedRecordSchema, type SignedRecord } from "../mesh/jose.js";
import type { PrivateKey } from "../mesh/keys.js";
import type { Response } from "../mesh/protocol.js";
import { isPlain, type PortalClient, type SendOptions } from "./client.js";
import { resultLeaf } from "./leaves.js";
import { pagesOf } from "./pages.js";

/** The most pending requests of one account that are looked at. */
const MAX_PENDING = 1000;
/** How often one device is completed where a portal keeps several copies of its request. */
const MAX_COPIES = 4;

/** The pending records of an account as the portal has them: not verified. */
const rawPending = async (client: PortalClient, account: string, options?: SendOptions): Promise<unknown[]> => {
  const pages = pagesOf(MAX_PENDING, async (pageKey) => {
    const constraints = pageKey === undefined ? {} : { SearchConstraints: { PageKey: pageKey } };
    const response = await client.send("ConnectPending", { AccountID: account, ...constraints }, options);
    return { items: response.Pending ?? [], pageKey: response.PageKey };
  });
  const records: unknown[] = [];
  for await (const page of pages) records.push(...page);
  return records;
};

/** The pending records that have the form of one. */
const pendingRecords = async (client: PortalClient, account: string): Promise<SignedRecord[]> =>
  (await rawPending(client, account)).flatMap((value) => {
    const result = v.safeParse(SignedRecordSchema, value);
    return result.success ? [result.output] : [];
  });

/**
 * Posts a device's request to join an account (reference-10 section 12.6.1). A portal that announced nothing would keep the
 * same request twice, so it is asked first; such a portal dies of an account that it does not have, so the caller must have
 * fetched the account's profile. Throws what `send` throws.
 */
export const startConnection = async (
  client: PortalClient,
  account: string,
  request: ConnectionRequest,
): Promise<void> => {
  if (isPlain(client)) {
    const posted = recordHash(request.record);
    if ((await pendingRecords(client, account)).some((record) => recordHash(record) === posted)) return;
  }
  await client.send("ConnectStart", { SignedRequest: request.record, AccountID: account });
};

const isVerificationError = (error: unknown): boolean =>
  isMeshError(error, "json-invalid", "record-invalid", "key-invalid", "signature-invalid");

/**
 * The verified requests of devices that want to join a profile, one for each device. What does not verify, or wants another
 * profile, is left out, since any stranger may post it. Throws what `send` throws, and `portal-answer` for too many.
 */
export const listPending = async (
  client: PortalClient,
  account: string,
  profileUdf: string,
  signer: PrivateKey,
): Promise<ConnectionRequest[]> => {
  const requests = new Map<string, ConnectionRequest>();
  for (const value of await rawPending(client, account, { signer })) {
    try {
      const request = readConnectionRequest(value);
      if (request.profileUdf === profileUdf && !requests.has(request.device.udf)) {
        requests.set(request.device.udf, request);
      }
    } catch (error) {
      if (!isVerificationError(error)) throw error;
    }
  }
  return [...requests.values()];
};

/**
 * What the portal says became of a device's request: a record to verify, or undefined where there is none yet. Throws what `send` throws,
 * and of a portal that keeps a log `proof-missing`, `proof-invalid` and `log-omission`.
 */
export const connectionResult = async (client: PortalClient, account: string, deviceUdf: string): Promise<unknown> => {
  let response: Response<"ConnectStatus">;
  try {
    response = await client.send("ConnectStatus", { AccountID: account, DeviceID: deviceUdf });
  } catch (error) {
    if (isMeshError(error, "record-not-found")) return undefined;
    throw error;
  }
  const { Result: value, Proofs } = response;
  const { log } = client;
  const result = v.safeParse(SignedRecordSchema, value);
  // What has not the form of a result is none, and needs no proof.
  if (log && result.success) {
    await log.checkNewest(await log.checkLeaf(response, Proofs?.[0], resultLeaf(deviceUdf, result.output)));
  }
  return value;
};

/**
 * Posts the signed result of a request (reference-10 section 12.6.4). A portal that announced nothing dies where the device
 * is not pending, and takes one copy of the request off its list at a time, so it is asked before every post.
 * Throws what `send` throws, and what `checkChange` throws unless the portal proves that it is in its log.
 */
export const completeConnection = async (
  client: PortalClient,
  account: string,
  result: SignedRecord,
  signer: PrivateKey,
): Promise<void> => {
  const post = async (): Promise<void> => {
    const response = await client.send("ConnectComplete", { Result: result, AccountID: account }, { signer });
    await client.log?.checkChange(response, [resultLeaf(result.Identifier, result)]);
  };
  if (!isPlain(client)) {
    await post();
    return;
  }
  for (let copy = 0; copy < MAX_COPIES; copy++) {
    const pending = await pendingRecords(client, account);
    if (!pending.some(({ Identifier }) => Identifier === result.Identifier)) return;
    await post();
  }
};
