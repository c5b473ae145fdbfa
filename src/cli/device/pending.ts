import { listPending } from "../../client/profiles.js";
import { LIMITS } from "../../mesh/protocol.js";
import { recordTime } from "../../mesh/profile.js";
import type { InvitationVerdict } from "../../mesh/invite.js";
import type { Device } from "../../mesh/records/device.js";
import type { PersonalProfile } from "../../mesh/records/personal.js";
import type { RotationVerdict } from "../../mesh/rotation.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { eachAccount } from "../each-account.js";
import { gap, lines, readableTime, stack, table, type Cell } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, follow, openSession, type Session } from "../session.js";
import { judgeClaims, replacedBy, type NamedDevice } from "./accept.js";

/** What a device shows for itself, as this administrator judges it; null where it shows no such thing. */
interface ShownClaims {
  readonly proof: Exclude<InvitationVerdict, "none"> | null;
  readonly rotation: Exclude<RotationVerdict, "none"> | null;
  /** The device whose place it is to take, where that claim holds. */
  readonly replaces: NamedDevice | null;
}

interface Pending extends ShownClaims {
  readonly code: string;
  readonly account: string;
  readonly device: NamedDevice & { readonly description: string | null };
  readonly requested: string;
  readonly expires: string;
}

const claimsOf = async (
  session: Session,
  profile: PersonalProfile,
  device: Device,
  account: string,
): Promise<ShownClaims> => {
  const claims = await judgeClaims(session, profile, device, account);
  const { invitation, rotation } = claims;
  return {
    proof: invitation === "none" ? null : invitation,
    rotation: rotation === "none" ? null : rotation,
    replaces: replacedBy(profile, device, claims) ?? null,
  };
};

const claimText = ({ proof, rotation, replaces }: ShownClaims): Cell => {
  if (replaces) return msg("pending.replaces", { name: replaces.name });
  if (rotation !== null && rotation !== "valid") return msg(`pending.replaces-${rotation}`);
  return proof === null ? "" : msg(`pending.${proof}`);
};

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const pending: Pending[] = [];
  await eachAccount(session, async (client, { account }) => {
    const profile = await follow(session, client, account);
    administrationKey(session, profile);
    for (const { code, device } of await listPending(client, account, state.udf, session.authenticationKey)) {
      pending.push({
        code,
        account,
        device: { udf: device.udf, name: device.name, description: device.description ?? null },
        requested: device.updated,
        expires: recordTime(new Date(Date.parse(device.updated) + LIMITS.requestLifetime * 1000)),
        ...(await claimsOf(session, profile, device, account)),
      });
    }
    return undefined;
  });
  // Most requests claim nothing.
  const hasClaims = pending.some(({ proof, rotation }) => proof !== null || rotation !== null);
  const rows = pending.map((request) => [
    request.code,
    request.device.name,
    request.device.description ?? "",
    readableTime(request.requested),
    readableTime(request.expires),
    ...(hasClaims ? [claimText(request)] : []),
  ]);
  const headings = [
    msg("heading.code"),
    msg("heading.device"),
    msg("heading.description"),
    msg("heading.asked"),
    msg("heading.lapses"),
    ...(hasClaims ? [msg("pending.heading-proof")] : []),
  ];
  const waiting = table(headings, rows, msg("device.none-waiting"));
  return {
    value: { pending },
    text: rows.length === 0 ? waiting : stack(waiting, gap, lines(msg("device.compare-code"))),
  };
};
