import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { readableTime } from "../messages/time.js";
import { encodeBase64url, lengthPrefixed, utf8 } from "./bytes.js";
import { CHECKSUM_LENGTH, decodeSecretText, encodeChecked, withoutChecksum } from "./checked-text.js";
import type { ConnectionRequest } from "./connection.js";
import { withRights } from "./application/rights.js";
import { decryptWith, encryptTo } from "./jwe.js";
import type { PrivateKey, PublicKey } from "./keys.js";
import type { PersonalChange } from "./profile.js";
import { MAX_NAME, type Device, type Invitation } from "./records/device.js";
import {
  administrationDevices,
  MAX_JOINED,
  MAX_LIFETIME,
  MAX_USES,
  type Invite,
  type PersonalProfile,
} from "./records/personal.js";
import { hasCome, recordTime } from "./schema.js";
import { CONTENT_TYPE, recordFingerprint, udfFromOctets, udfOctets } from "./udf.js";

type Random = (length: number) => Uint8Array;

/** Makes the text of a PIN start with P. */
const TYPE_CODE = 0x78;
const FORMAT_VERSION = 1;
const HEADER_LENGTH = 2;
const SECRET_LENGTH = 16;
const PROFILE_LENGTH = 18;
const PIN_LENGTH = HEADER_LENGTH + SECRET_LENGTH + PROFILE_LENGTH + CHECKSUM_LENGTH;
const MAC_KEY_LENGTH = 64;
const MAX_TEXT = 256;

type Asking = Pick<ConnectionRequest, "device">;

/** How long an invite that has lapsed stays in the profile, in milliseconds: a device can be told why it comes too late. */
const KEPT_AFTER_LAPSE = 7 * 24 * 60 * 60 * 1000;

/** What a PIN says: its secret, and which profile is to be joined. */
export interface Pin {
  /** 16 octets: wipe them when they are no longer needed. */
  readonly pin: Buffer;
  /** Fingerprint of the master profile. */
  readonly profile: string;
}

/** The text of a PIN: 64 letters and digits in groups of four, the first a P. */
export const encodePin = ({ pin, profile }: { readonly pin: Uint8Array; readonly profile: string }): string => {
  const body = Buffer.concat([Buffer.from([TYPE_CODE, FORMAT_VERSION]), pin, udfOctets(profile)]);
  if (body.length !== PIN_LENGTH - CHECKSUM_LENGTH) throw new MeshError("internal", msg("mesh.pin-length"));
  const text = encodeChecked(body);
  body.fill(0);
  return text;
};

const mistyped = (): MeshError =>
  new MeshError("pin-invalid", msg("mesh.pin-mistyped"), { hint: msg("mesh.pin-mistyped.hint") });

/** Reads the text of a PIN, in any case and grouping. Throws `pin-invalid` for anything but what `encodePin` makes. */
export const parsePin = (text: string): Pin => {
  const octets = decodeSecretText(text, MAX_TEXT);
  if (!octets) throw mistyped();
  try {
    const body = octets.length === PIN_LENGTH ? withoutChecksum(octets) : undefined;
    if (body?.[0] !== TYPE_CODE) throw mistyped();
    if (body[1] !== FORMAT_VERSION) {
      throw new MeshError("pin-invalid", msg("mesh.pin-format"), { hint: msg("mesh.pin-format.hint") });
    }
    const profile = profileOf(body.subarray(HEADER_LENGTH + SECRET_LENGTH));
    return { pin: Buffer.from(body.subarray(HEADER_LENGTH, HEADER_LENGTH + SECRET_LENGTH)), profile };
  } finally {
    octets.fill(0);
  }
};

const profileOf = (octets: Uint8Array): string => {
  try {
    return udfFromOctets(octets);
  } catch {
    throw mistyped();
  }
};

/** The key that whoever knows the PIN proves it with: 64 octets. */
export const inviteMacKey = (pin: Uint8Array): Buffer =>
  Buffer.from(hkdfSync("sha512", pin, Buffer.alloc(0), utf8("mmm/invite/mac"), MAC_KEY_LENGTH));

/** The identifier of the invite that a MAC key belongs to. */
export const inviteId = (macKey: Uint8Array): string => recordFingerprint(CONTENT_TYPE.invite, macKey);

/** The identifier of the invite that a PIN belongs to. */
export const inviteIdOf = ({ pin }: Pick<Pin, "pin">): string => {
  const macKey = inviteMacKey(pin);
  const id = inviteId(macKey);
  macKey.fill(0);
  return id;
};

interface Claim {
  readonly id: string;
  readonly profile: string;
  readonly account: string;
  readonly device: string;
}

const proofOf = (macKey: Uint8Array, { id, profile, account, device }: Claim): Buffer =>
  createHmac("sha512", macKey)
    .update(lengthPrefixed(id, profile, account, device))
    .digest();

/**
 * The member `Invitation` of a device profile: proves that the device was made by somebody who knows the PIN, for this profile
 * and account. `account` is canonical.
 */
export const proveInvitation = ({ pin, profile }: Pin, account: string, deviceUdf: string): Invitation => {
  const macKey = inviteMacKey(pin);
  const id = inviteId(macKey);
  const proof = proofOf(macKey, { id, profile, account, device: deviceUdf });
  macKey.fill(0);
  return { Id: id, Account: account, Proof: encodeBase64url(proof) };
};

/** What an invite is to say. */
export interface InviteOptions {
  /** How many devices may join by it: 1 to 1000. */
  readonly uses: number;
  readonly notOnOrAfter: Date;
  /** What a device that joins by it is called; else it is called what it calls itself. Public. */
  readonly name?: string | undefined;
  /** True where a device that joins by it becomes an administrator, which needs the master key then. */
  readonly admin?: boolean | undefined;
  /** After how many seconds a device that joins by it lapses; else never. Not for administrators. */
  readonly deviceLifetime?: number | undefined;
  /** Identifiers of the applications that a device that joins by it may use; else none. */
  readonly grant?: readonly string[] | undefined;
}

const isWhole = (value: number, maximum: number): boolean =>
  Number.isSafeInteger(value) && value >= 1 && value <= maximum;

const checkOptions = ({ uses, notOnOrAfter, name, admin, deviceLifetime }: InviteOptions, now: Date): void => {
  if (!isWhole(uses, MAX_USES)) throw new MeshError("usage", msg("mesh.invite-uses", { maximum: MAX_USES }));
  if (!(notOnOrAfter.getTime() > now.getTime())) throw new MeshError("usage", msg("mesh.expiry-past"));
  if (name !== undefined && (name === "" || name.length > MAX_NAME)) {
    throw new MeshError("usage", msg("mesh.invite-name", { maximum: MAX_NAME }));
  }
  if (deviceLifetime === undefined) return;
  if (admin === true) throw new MeshError("usage", msg("mesh.administrator-expiry"));
  if (!isWhole(deviceLifetime, MAX_LIFETIME)) {
    throw new MeshError("usage", msg("mesh.invite-lifetime", { maximum: MAX_LIFETIME }));
  }
};

const encryptionKeys = (administrators: readonly Device[]): PublicKey[] =>
  administrators.map(({ encryptionKey }) => encryptionKey);

/**
 * Makes an invite to a profile, whose key all its administration devices can open, and the text of its PIN. The invite counts
 * once a personal profile holds it. Throws `usage` for options that no invite can have.
 */
export const createInvite = async (
  profile: PersonalProfile,
  options: InviteOptions,
  random: Random,
  now: Date,
): Promise<{ pin: string; invite: Invite }> => {
  checkOptions(options, now);
  const { uses, notOnOrAfter, name, admin, deviceLifetime, grant = [] } = options;
  const secret = random(SECRET_LENGTH);
  const macKey = inviteMacKey(secret);
  try {
    return {
      pin: encodePin({ pin: secret, profile: profile.udf }),
      invite: {
        Id: inviteId(macKey),
        Key: await encryptTo(macKey, encryptionKeys(administrationDevices(profile))),
        Uses: uses,
        NotOnOrAfter: recordTime(notOnOrAfter),
        Created: recordTime(now),
        ...(name === undefined ? {} : { Name: name }),
        ...(admin === true ? { Admin: true as const } : {}),
        ...(deviceLifetime === undefined ? {} : { DeviceLifetime: deviceLifetime }),
        ...(grant.length === 0 ? {} : { Grant: [...new Set(grant)] }),
      },
    };
  } finally {
    for (const octets of [secret, macKey]) octets.fill(0);
  }
};

/**
 * The MAC key of an invite, opened with the encryption key of an administration device. Wipe it when it is no longer needed.
 * Throws `decryption-failed`, and `record-invalid` where it is that of another invite.
 */
export const openInvite = async (invite: Invite, encryptionKey: PrivateKey): Promise<Buffer> => {
  const macKey = await decryptWith(invite.Key, encryptionKey);
  // A ciphertext that was moved here from another invite would let that one's PIN in under these terms.
  if (macKey.length !== MAC_KEY_LENGTH || inviteId(macKey) !== invite.Id) {
    macKey.fill(0);
    throw new MeshError("record-invalid", msg("mesh.invite-key"));
  }
  return macKey;
};

/** True where a device came by an invite, or has taken the place of one that did. */
const hasJoined = ({ Joined = [] }: Invite, deviceUdf: string): boolean => Joined.includes(deviceUdf);

/** How an invite stands at a time. One that has lapsed is `expired`, used up or not. */
export type InviteState = "open" | "expired" | "used-up";

export const inviteState = ({ NotOnOrAfter, Uses }: Invite, now: Date): InviteState =>
  hasCome(NotOnOrAfter, now) ? "expired" : Uses === 0 ? "used-up" : "open";

type WithInvites = Pick<PersonalProfile, "invites">;

/** The invite with an identifier, where the profile has it. */
export const findInvite = ({ invites }: WithInvites, id: string): Invite | undefined =>
  invites.find(({ Id }) => Id === id);

/** The invite with an identifier, where it is open. Throws `invite-unknown`, `invite-expired` or `invite-used`. */
export const requireInvite = (profile: WithInvites, id: string, now: Date): Invite => {
  const invite = findInvite(profile, id);
  if (!invite) throw new MeshError("invite-unknown", msg("mesh.invite-unknown"), { hint: msg("mesh.invite-new.hint") });
  switch (inviteState(invite, now)) {
    case "expired":
      throw new MeshError("invite-expired", msg("mesh.invite-expired", { time: readableTime(invite.NotOnOrAfter) }), {
        hint: msg("mesh.invite-new.hint"),
      });
    case "used-up":
      throw new MeshError("invite-used", msg("mesh.invite-used"), { hint: msg("mesh.invite-new.hint") });
    case "open":
      return invite;
  }
};

/**
 * What an administrator makes of a device's invitation. `none`: it shows none. `unknown`: no such invite, or one that this
 * administrator cannot open. `wrong`: the proof is not that of the PIN for this device, profile and account. `used-up`: no use
 * is left, or not for this device, which came by it before.
 */
export type InvitationVerdict = "valid" | "expired" | "used-up" | "wrong" | "unknown" | "none";

/**
 * Judges the invitation of a device that asks to join. `macKey` is what `openInvite` gave for the invite with that identifier, undefined
 * where there is none or it cannot be opened; `account` is the canonical one at which the device asked. Only `valid` lets a
 * device in.
 */
export const judgeInvitation = (
  profile: Pick<PersonalProfile, "udf" | "invites">,
  { device }: Asking,
  macKey: Uint8Array | undefined,
  account: string,
  now: Date,
): InvitationVerdict => {
  const { invitation } = device;
  if (!invitation) return "none";
  const invite = findInvite(profile, invitation.Id);
  if (!invite) return "unknown";
  const state = inviteState(invite, now);
  if (!macKey) return state === "open" ? "unknown" : state;
  const expected = proofOf(macKey, { id: invite.Id, profile: profile.udf, account, device: device.udf });
  const given = Buffer.from(invitation.Proof, "base64url");
  const proven = inviteId(macKey) === invite.Id && given.length === expected.length && timingSafeEqual(given, expected);
  if (!proven || invitation.Account !== account) return "wrong";
  if (state !== "open") return state;
  return hasJoined(invite, device.udf) ? "used-up" : "valid";
};

/** Opens the invite that an asking device names, if it can, and judges the device's invitation by it. */
export const judgeRequest = async (
  profile: Pick<PersonalProfile, "udf" | "invites">,
  request: Asking,
  encryptionKey: PrivateKey,
  account: string,
  now: Date,
): Promise<InvitationVerdict> => {
  const { invitation } = request.device;
  const invite = invitation && findInvite(profile, invitation.Id);
  const macKey = invite && (await openInvite(invite, encryptionKey).catch(() => undefined));
  const verdict = judgeInvitation(profile, request, macKey, account, now);
  macKey?.fill(0);
  return verdict;
};

/** One use less, by a device that is remembered while there are others. */
const used = ({ Joined = [], ...invite }: Invite, deviceUdf: string): Invite => ({
  ...invite,
  Uses: invite.Uses - 1,
  ...(invite.Uses > 1 ? { Joined: [...Joined, deviceUdf] } : {}),
});

/**
 * The invites of a profile after a device has used one of them, for the version that adds the device. Throws `invite-unknown`,
 * and `invite-used` where no use was left, or not for this device: it was replaced or its time was over, and its request, which
 * shows a proof that stays good, must not bring it back.
 */
export const consumeInvite = (profile: WithInvites, id: string, deviceUdf: string): readonly Invite[] => {
  const invite = findInvite(profile, id);
  if (!invite) throw new MeshError("invite-unknown", msg("mesh.invite-unknown"), { hint: msg("mesh.invite-new.hint") });
  if (invite.Uses === 0 || hasJoined(invite, deviceUdf)) {
    throw new MeshError("invite-used", msg("mesh.invite-used"), { hint: msg("mesh.invite-new.hint") });
  }
  return profile.invites.map((other) => (other === invite ? used(invite, deviceUdf) : other));
};

/**
 * The invites of a profile where a device takes the place of another: it came by the invite by which that one did, so that the
 * invite goes when it is removed. The old one is remembered where it shows an invitation, which could bring it back. An invite
 * that has no room for more goes at once.
 */
export const handedOn = (
  invites: readonly Invite[],
  old: Pick<Device, "udf" | "invitation">,
  newUdf: string,
): readonly Invite[] =>
  invites.flatMap((invite) => {
    if (!hasJoined(invite, old.udf)) return [invite];
    const others = (invite.Joined ?? []).filter((udf) => udf !== old.udf || old.invitation);
    const joined = [...others, newUdf];
    return joined.length > MAX_JOINED ? [] : [{ ...invite, Joined: joined }];
  });

/**
 * The invites of a profile with the open ones encrypted anew, to the administrators of its next version. Whoever adds an
 * administrator does this, or the new one could not judge who is invited. What this device cannot open stays as it is.
 */
export const rewrapInvites = async (
  { invites }: WithInvites,
  administrators: readonly Device[],
  encryptionKey: PrivateKey,
  now: Date,
): Promise<readonly Invite[]> => {
  const rewrap = async (invite: Invite): Promise<Invite> => {
    if (inviteState(invite, now) !== "open") return invite;
    const macKey = await openInvite(invite, encryptionKey).catch(() => undefined);
    if (!macKey) return invite;
    try {
      return { ...invite, Key: await encryptTo(macKey, encryptionKeys(administrators)) };
    } finally {
      macKey.fill(0);
    }
  };
  return Promise.all(invites.map(rewrap));
};

/**
 * What the next version of a profile says where a device joins by the invite that it names: the device, with the name, the expiry and
 * the applications that the invite gives, and one use less. Where the invite is for administrators, the next version is a new epoch in
 * which the device is one. The invitation must have been judged. Throws as `requireInvite` does.
 */
export const invitedChange = (profile: PersonalProfile, device: Device, now: Date): PersonalChange => {
  const { Id, Name, DeviceLifetime, Grant = [] } = requireInvite(profile, device.invitation?.Id ?? "", now);
  return {
    devices: [...profile.devices, device],
    invites: consumeInvite(profile, Id, device.udf),
    ...(Name === undefined ? {} : { deviceNames: { [device.udf]: Name } }),
    ...(Grant.length === 0
      ? {}
      : { applications: withRights(profile.applications, Grant, device.udf, { read: true, write: true }) }),
    ...(DeviceLifetime === undefined
      ? {}
      : { deviceExpiries: { [device.udf]: recordTime(new Date(now.getTime() + DeviceLifetime * 1000)) } }),
  };
};

/**
 * The invites that stay in the next version of a profile. Long lapsed ones go. Those with uses left go where an administrator
 * left, who knows their MAC keys, or where a device was removed that one of them let in and that may know its PIN; `before` says
 * which were there when that happened. They go even where they seem to have lapsed, since another administrator's clock may say
 * otherwise.
 */
export const keptInvites = (
  invites: readonly Invite[],
  before: readonly Invite[],
  left: { readonly administrator: boolean; readonly removed: readonly Device[] },
  now: Date,
): readonly Invite[] => {
  const letIn = (invite: Invite): boolean =>
    left.removed.some(({ udf, invitation }) => invitation?.Id === invite.Id || hasJoined(invite, udf));
  const isKnown = (invite: Invite): boolean =>
    invite.Uses > 0 && before.some(({ Id }) => Id === invite.Id) && (left.administrator || letIn(invite));
  return invites.filter(
    (invite) => Date.parse(invite.NotOnOrAfter) + KEPT_AFTER_LAPSE > now.getTime() && !isKnown(invite),
  );
};
