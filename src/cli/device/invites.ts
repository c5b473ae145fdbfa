import { inviteState, type InviteState } from "../../mesh/invite.js";
import { deviceName, type Invite, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg, type Message } from "../../messages/message.js";
import type { Run } from "../context.js";
import { namesOf } from "../application/grants.js";
import { currentOrKnown } from "../current.js";
import { readableTime, table } from "../output.js";
import { requireProfile } from "../select.js";

/** The devices of a profile that came by an invite, or took the place of one that did. */
export const joinedBy = (
  profile: PersonalProfile,
  { Id, Joined = [] }: Invite,
): { readonly udf: string; readonly name: string }[] =>
  profile.devices
    .filter(({ udf, invitation }) => invitation?.Id === Id || Joined.includes(udf))
    .map((device) => ({ udf: device.udf, name: deviceName(profile, device) }));

/** An invite as commands show it. All of this is public. */
const describeInvite = (profile: PersonalProfile, invite: Invite, now: Date) => ({
  id: invite.Id,
  name: invite.Name ?? null,
  uses: invite.Uses,
  created: invite.Created,
  expires: invite.NotOnOrAfter,
  admin: invite.Admin === true,
  deviceLifetime: invite.DeviceLifetime ?? null,
  applications: namesOf(profile, invite.Grant),
  state: inviteState(invite, now),
  devices: joinedBy(profile, invite),
});

const STATES: Readonly<Record<InviteState, Message>> = {
  open: msg("invites.open"),
  expired: msg("invites.expired"),
  "used-up": msg("invites.used-up"),
};

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const profile = await currentOrKnown(context, state);
  const now = context.deps.now();
  const invites = profile.invites.map((invite) => describeInvite(profile, invite, now));
  const rows = invites.map((invite) => [
    invite.id,
    STATES[invite.state],
    String(invite.uses),
    readableTime(invite.expires),
    invite.name ?? "",
    invite.devices.map(({ name }) => name).join(", "),
  ]);
  const headings = [
    msg("heading.invite"),
    msg("heading.state"),
    msg("heading.left"),
    msg("heading.lapses"),
    msg("heading.name"),
    msg("heading.joined"),
  ];
  return { value: { invites }, text: table(headings, rows, msg("invites.none")) };
};
