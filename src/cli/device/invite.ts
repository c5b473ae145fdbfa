import { isMeshError, MeshError } from "../../errors.js";
import { discard, writeDurably } from "../../keystore/durable.js";
import { loadPins } from "../../keystore/pins.js";
import { createInvite, rewrapInvites, type InviteOptions } from "../../mesh/invite.js";
import { recipientsOf } from "../../mesh/jwe.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { nextPersonal } from "../../mesh/profile.js";
import { EXTENSIONS } from "../../mesh/protocol.js";
import { administrationDevices, MAX_USES, type Invite, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg, type Message } from "../../messages/message.js";
import { grantedBy, namesOf, noteNotGranted, readGranting, type Granting } from "../application/grants.js";
import { changeProfile, type Change } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { readableDuration } from "../../messages/duration.js";
import { parseDuration } from "../duration.js";
import { newFilePath } from "../files.js";
import { checkName } from "../names.js";
import { fields, gap, lines, raw, readableTime, stack, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, administrationKey, openSession, type Session } from "../session.js";
import { connectCommand } from "./connect-command.js";
import { parseLifetime } from "./lifetime.js";

const DEFAULT_EXPIRES = "15m";
const EXPIRES = { minimum: 1, maximum: 90 * 24 * 60 * 60 };

/** What the options ask for. */
interface Wanted {
  readonly uses: number;
  readonly expires: number;
  readonly name: string | undefined;
  readonly admin: boolean;
  readonly deviceLifetime: number | undefined;
  readonly granting: Granting;
}

const readOptions = (input: Input): Wanted => {
  const [name, lifetime] = [input.text("name"), input.text("deviceExpires")];
  const uses = input.whole("uses") ?? 1;
  if (uses < 1 || uses > MAX_USES) throw new MeshError("usage", msg("mesh.invite-uses", { maximum: MAX_USES }));
  const admin = input.flag("admin");
  if (admin && lifetime !== undefined) throw new MeshError("usage", msg("mesh.administrator-expiry"));
  return {
    uses,
    expires: parseDuration(input.text("expires") ?? DEFAULT_EXPIRES, EXPIRES),
    name: name === undefined ? undefined : checkName(name, "device"),
    admin,
    deviceLifetime: lifetime === undefined ? undefined : parseLifetime(lifetime),
    granting: readGranting(input),
  };
};

export const run: Run = async (context, input) => {
  const wanted = readOptions(input);
  const out = input.text("out");
  if (out !== undefined) newFilePath(context, out);
  const state = await requireProfile(context);
  const { account, portal } = accountOf(context, state);
  const session = await openSession(context, state);
  const made = await publishInvite(session, wanted, out);
  const names = namesOf(made.profile, made.invite.Grant);
  if (wanted.granting.kind === "default") await noteNotGranted(session, made.profile);
  return report(session, wanted, made, account, portal, names);
};

/** An invite that is published, and where its PIN is. */
interface Made {
  readonly invite: Invite;
  /** The version of the profile that holds it. */
  readonly profile: PersonalProfile;
  readonly pin: string;
  /** The absolute path of the file that holds the PIN. */
  readonly file: string | undefined;
}

/** Codes by which nothing has been published. After any other, such as that of a lost answer, it may have been. */
const REFUSALS = ["refused", "conflict", "too-large", "clock-skew"] as const;

type Keys = Pick<Made, "invite" | "pin">;

/** How far making an invite has come. */
interface Progress {
  made: Keys | undefined;
  file: string | undefined;
  isSent: boolean;
}

/** Publishes an invite. Its PIN is on the disk before, where it goes to a file, or an invite could be there that nobody can use. */
const publishInvite = async (session: Session, wanted: Wanted, out: string | undefined): Promise<Made> => {
  const { context, keystore, state } = session;
  const { deps } = context;
  const progress: Progress = { made: undefined, file: undefined, isSent: false };
  const change: Change = async (current, notaryToken) => {
    progress.isSent = false;
    const key = administrationKey(session, current);
    const now = deps.now();
    if (progress.made && !isSecret(progress.made, current)) startAnew(context, progress);
    const { pin, invite } = progress.made
      ? await renewed(progress.made, current, keystore.get(state.device.encryptionKey, "device-encryption"), now)
      : await createInvite(current, optionsOf(session, current, wanted, now), deps.random, now);
    const next = nextPersonal(key, current, { invites: [...current.invites, invite], notaryToken }, now);
    if (out !== undefined && progress.file === undefined) {
      progress.file = newFilePath(context, out);
      writeDurably(deps.fs, progress.file, Buffer.from(`${pin}\n`), deps.random);
    }
    progress.made = { pin, invite };
    progress.isSent = true;
    return next;
  };
  let profile: PersonalProfile;
  try {
    profile = await changeProfile(session, change);
  } catch (error) {
    await forget(context, progress, error);
    throw error;
  }
  if (!progress.made) throw new MeshError("internal", msg("output.unexpected"));
  return { ...progress.made, profile, file: progress.file };
};

/**
 * False where an invite has been sent to a portal, though in vain, for an administrator who is none any more: that one could open
 * it, and with its key let devices in.
 */
const isSecret = ({ invite }: Keys, current: PersonalProfile): boolean => {
  const administrators = administrationDevices(current).map(({ encryptionKey }) => encryptionKey.udf);
  return recipientsOf(invite.Key).every((kid) => administrators.includes(kid));
};

/** Forgets an invite that was not published, with its PIN. */
const startAnew = ({ deps }: Context, progress: Progress): void => {
  if (progress.file !== undefined) discard(deps.fs, progress.file);
  Object.assign(progress, { made: undefined, file: undefined });
};

/** Removes the PIN of an invite that was not published, and says where it is otherwise. */
const forget = async (context: Context, { file, isSent }: Progress, error: unknown): Promise<void> => {
  if (file === undefined) return;
  if (isSent && !isMeshError(error, ...REFUSALS)) await context.note(msg("invite.perhaps", { path: file }));
  else discard(context.deps.fs, file);
};

/** The applications are fixed now: what comes later is not handed out to whoever joins by an older invite. */
const optionsOf = (
  session: Session,
  current: PersonalProfile,
  { expires, granting, ...options }: Wanted,
  now: Date,
): InviteOptions => ({
  ...options,
  grant: grantedBy(session, current, granting),
  notOnOrAfter: new Date(now.getTime() + expires * 1000),
});

/** The same invite for a newer version, in which there may be other administrators. */
const renewed = async (
  { pin, invite }: Keys,
  current: PersonalProfile,
  encryptionKey: PrivateKey,
  now: Date,
): Promise<Keys> => {
  const administrators = administrationDevices(current);
  const [again = invite] = await rewrapInvites({ invites: [invite] }, administrators, encryptionKey, now);
  return { pin, invite: again };
};

const report = (
  session: Session,
  wanted: Wanted,
  made: Made,
  account: string,
  portal: string,
  applications: readonly string[],
): Result => {
  const { context, keystore, state } = session;
  const { invite, pin, file } = made;
  const { uses, name, admin, deviceLifetime } = wanted;
  const command = connectCommand(account, portal, "--pin-file", file ?? "-", "--wait");
  const watches = loadPins(context.home, keystore).portals[portal]?.extensions.includes(EXTENSIONS.succession);
  const value = {
    id: invite.Id,
    ...(file === undefined ? { pin } : { file }),
    account,
    uses,
    expires: invite.NotOnOrAfter,
    admin,
    name: name ?? null,
    deviceLifetime: deviceLifetime ?? null,
    applications,
    command,
  };
  const text = fields([
    [msg("invite.id"), invite.Id],
    [msg("label.account"), account],
    [msg("invite.uses"), String(uses)],
    [msg("invite.expires"), readableTime(invite.NotOnOrAfter)],
    [msg("label.name"), name],
    [msg("invite.lifetime"), deviceLifetime === undefined ? undefined : readableDuration(deviceLifetime)],
    [msg("label.administrator"), admin ? msg("label.yes") : undefined],
    [msg("label.applications"), applications.length === 0 ? undefined : applications.join(", ")],
    [msg("invite.pin"), file],
  ]);
  return {
    value,
    text: stack(
      text,
      ...(file === undefined ? [gap, lines(msg("invite.keep-secret")), gap, raw(`  ${pin}\n`)] : []),
      gap,
      lines(file === undefined ? msg("invite.run-there") : msg("invite.run-there-file")),
      raw(`  ${command}\n`),
      lines(msg("invite.run-here")),
      raw(`  meshman device approve${watches === true ? " --watch" : ""}\n`),
    ),
    note: admin ? masterNote(keystore.has(state.udf)) : undefined,
  };
};

const masterNote = (isHere: boolean): Message => (isHere ? msg("invite.admin-here") : msg("invite.admin-elsewhere"));
