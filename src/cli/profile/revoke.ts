import { isMeshError, MeshError } from "../../errors.js";
import { fetchProfile, publishEntry } from "../../client/profiles.js";
import { updateProfile } from "../../keystore/state.js";
import { parseStrictJsonOctets } from "../../mesh/json.js";
import { readMaster } from "../../mesh/records/master.js";
import { withClient } from "../change.js";
import { confirmed, type Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { lines } from "../output.js";
import { listProfiles } from "../../keystore/state.js";
import { parseAddress } from "../../mesh/address.js";
import { msg } from "../../messages/message.js";
import { openTarget, portalTarget } from "../session.js";
import { findAccountPortal } from "../find-portal.js";

const MAX_NOTE = 512 * 1024;

export const run: Run = async (context, input) => {
  const file = input.argument(0) ?? "";
  const parsed = parseStrictJsonOctets(readNamedFile(context, file, MAX_NOTE));
  const record =
    typeof parsed === "object" && parsed !== null && "SignedMasterProfile" in parsed
      ? parsed.SignedMasterProfile
      : parsed;
  const note = readMaster(record);
  if (note.revoked === undefined) throw new MeshError("record-invalid", msg("profile.no-note", { path: file }));
  // Anyone who holds the note may publish it, from any machine: a profile of it here is not needed.
  const state = listProfiles(context.home).find(({ udf }) => udf === note.udf);
  const { account } = context.globals;
  const places =
    account === undefined
      ? (state?.accounts ?? []).map((known, index) =>
          // --portal speaks of the first account alone: the others must hear of it too.
          portalTarget(context, (index === 0 ? context.globals.portal : undefined) ?? known.portal),
        )
      : [await findAccountPortal(context, parseAddress(account))];
  const [first] = places;
  if (!first) {
    throw new MeshError("account-not-found", msg("profile.place-unknown"), {
      hint: msg("profile.place-unknown.hint"),
    });
  }
  await confirmed(context, msg("profile.revoke-question", { profile: note.udf }));
  const portals: string[] = [];
  let failure: MeshError | undefined;
  // One portal that is down must not keep the others from being told.
  for (const target of new Map(places.map((place) => [place.url, place])).values()) {
    await withClient(openTarget(context, target), async (client) => {
      if (!client.info.extensions.has("revocation")) {
        throw new MeshError("not-supported", msg("profile.notes-not-kept", { portal: client.url }), {
          hint: msg("profile.notes-not-kept.hint"),
        });
      }
      try {
        await publishEntry(client, { SignedMasterProfile: note.record });
      } catch (error) {
        if (isMeshError(error, "refused") && (await fetchProfile(client, { identifier: note.udf }))?.revocation) return;
        throw error;
      }
      portals.push(client.url);
    }).catch(async (error: unknown) => {
      if (!isMeshError(error)) throw error;
      failure ??= error;
      await context.note(msg("profile.revoke-failed", { reason: error.text }));
    });
  }
  const revoked = note.revoked;
  if (failure !== undefined && portals.length === 0) throw failure;
  if (state) await updateProfile(context.home, state.udf, (current = state) => ({ ...current, revoked }));
  if (failure !== undefined) throw failure;
  return {
    value: { profile: { udf: note.udf }, revoked, portals },
    text: lines(msg("profile.revoked", { profile: note.udf })),
  };
};
