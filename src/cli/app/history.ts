import { fetchHead, fetchHeads, headFork } from "../../client/application.js";
import type { ReadHead } from "../../mesh/application/head.js";
import { readRecord, verifySignature } from "../../mesh/jose.js";
import type { PublicKey } from "../../mesh/keys.js";
import { deviceName, type PersonalProfile } from "../../mesh/records/personal.js";
import { readPins } from "../../keystore/pins.js";
import { isMeshError } from "../../errors.js";
import type { Device } from "../../mesh/records/device.js";
import { msg } from "../../messages/message.js";
import { resolveApplication } from "../application/grants.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { lookAtOwn, refuseRevoked } from "../own-profile.js";
import { readableTime, table } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, openAccount } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  refuseRevoked(state);
  const place = accountOf(context, state);
  return withClient(openAccount(context, place), async (client) => {
    const pin = readPins(context.home).profiles[state.udf];
    const { profile } = await lookAtOwn(context, client, place.account, state, pin);
    const entry = resolveApplication(profile, input.argument(0) ?? "");
    const kept = await fetchHeads(client, entry.Identifier);
    const newest = kept.length > 0 ? undefined : await fetchHead(client, entry.Identifier);
    const heads = newest ? [newest] : kept;
    checkLine(client.url, heads);
    const versions = heads.map((head) => {
      const device = signerOf(profile, head);
      return {
        sequence: head.sequence,
        updated: head.updated,
        signer: head.kid,
        device: device ? { udf: device.udf, name: deviceName(profile, device) } : null,
        profileVersion: head.profileSequence.join("."),
        segments: head.segments.length,
      };
    });
    return {
      value: {
        application: { identifier: entry.Identifier, name: entry.Friendly ?? null, type: entry.Type },
        versions,
      },
      text: table(
        [msg("heading.version"), msg("heading.changed"), msg("heading.device"), msg("heading.profile")],
        versions.map(({ sequence, updated, device, signer, profileVersion }) => [
          String(sequence),
          readableTime(updated),
          device?.name ?? signer,
          profileVersion,
        ]),
        msg("app.history-empty"),
      ),
    };
  });
};

/** Throws `fork` unless each version names the one before it. */
const checkLine = (url: string, heads: readonly ReadHead[]): void => {
  for (const [index, head] of heads.entries()) {
    const before = heads[index + 1];
    if (before && (head.sequence !== before.sequence + 1 || head.previous !== before.payloadHash)) throw headFork(url);
  }
};

/** The device whose key has signed a version, where the profile still lists it. */
const signerOf = (profile: PersonalProfile, head: ReadHead): Device | undefined => {
  const keysOf = (device: Device): readonly PublicKey[] => [device.signatureKey, device.onlineSignatureKey];
  const device = profile.devices.find((candidate) => keysOf(candidate).some(({ udf }) => udf === head.kid));
  if (!device) return undefined;
  try {
    verifySignature(readRecord(head.record, head.type), keysOf(device));
    return device;
  } catch (error) {
    if (isMeshError(error, "signature-invalid")) return undefined;
    throw error;
  }
};
