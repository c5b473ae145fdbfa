import type { Deps } from "../../deps.js";
import { isMeshError, MeshError } from "../../errors.js";
import { keepsSuccession, listPending } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import { readProfile } from "../../keystore/state.js";
import type { ConnectionRequest } from "../../mesh/connection.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { deviceName, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { debugText, msg, type Message } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { parseDuration } from "../duration.js";
import { eachAccount } from "../each-account.js";
import { masterKey } from "../master.js";
import { gap, lines, printable, stack, table, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { checkDevice } from "../own-profile.js";
import { accountOf, administrationKey, follow, openSession, sessionOf, type Session } from "../session.js";
import { admitDevice, answerAccepted, type Admitting, type NamedDevice, type Reason } from "./accept.js";

/** Milliseconds between two looks. */
const PAUSE = 2000;
/** Milliseconds in which what is begun can be finished when the program is to end. */
const GRACE = 5000;
/** How many notes are remembered, so as not to say them again. */
const MAX_SAID = 1000;
const WATCH = { minimum: 1, maximum: 366 * 24 * 60 * 60 };

interface Approved {
  readonly code: string;
  readonly account: string;
  readonly device: NamedDevice & { readonly admin: boolean };
  /** The invite by which it came. */
  readonly invite: string | null;
  readonly replaces: NamedDevice | null;
}

interface Left {
  readonly code: string;
  readonly account: string;
  readonly device: NamedDevice;
  readonly reason: Reason;
}

/** What has been done, by account and code, since the same device may be met again before it has been told. */
interface Outcome {
  readonly approved: Map<string, Approved>;
  left: readonly Left[];
}

export const run: Run = async (context, input) => {
  const length = input.text("for");
  const isWatching = input.flag("watch");
  if (length !== undefined && !isWatching) throw new MeshError("usage", msg("approve.for-without-watch"));
  const seconds = length === undefined ? Number.POSITIVE_INFINITY : parseDuration(length, WATCH);
  const session = await openSession(context, await requireProfile(context));
  const outcome: Outcome = { approved: new Map(), left: [] };
  const master = keptMaster(session, input);
  const hasShares = input.list("shareFile").length > 0;
  const looking: Look = { session, master, hasShares, outcome, isWatching, isOver: () => false };
  await (isWatching ? watch(looking, seconds) : look(looking));
  return report(outcome, isWatching);
};

/** The master key, looked for when it is first needed and kept from then on: shares are read once. */
const keptMaster = (session: Session, input: Input): Admitting["master"] => {
  let found: PrivateKey | undefined;
  return async (profile) => (found ??= await masterKey(session, input, profile));
};

/** One look at the requests that wait. */
interface Look {
  readonly session: Session;
  readonly master: Admitting["master"];
  readonly hasShares: boolean;
  readonly outcome: Outcome;
  readonly isWatching: boolean;
  /** True where no further device is to be let in. */
  readonly isOver: () => boolean;
}

/** Lets in every device that proves itself, at every account. */
const look = async (looking: Look): Promise<void> => {
  const { session, master, hasShares, outcome, isWatching, isOver } = looking;
  const { context, state } = session;
  const first = accountOf(context, state).account;
  const left: Left[] = [];
  await eachAccount(session, async (client, { account }) => {
    // It is at the first that all versions are published, and so that the uses of an invite are counted.
    if (isWatching && account === first && !keepsSuccession(client)) throw notWatched(client);
    let profile = await follow(session, client, account);
    administrationKey(session, profile);
    // Wrong shares are told at once, not when a device comes.
    if (hasShares) await master(profile);
    for (const request of await listPending(client, account, state.udf, session.authenticationKey)) {
      if (isOver()) break;
      const admitted = await admit(looking, client, account, request, profile);
      if (typeof admitted === "string") left.push(leftOut(account, request, admitted));
      else profile = admitted;
    }
    return undefined;
  });
  outcome.left = left;
};

const notWatched = ({ url }: PortalClient): MeshError =>
  new MeshError("not-supported", msg("approve.no-succession", { url }), { hint: msg("approve.no-succession.hint") });

const leftOut = (account: string, { code, device: { udf, name } }: ConnectionRequest, reason: Reason): Left => ({
  code,
  account,
  device: { udf, name },
  reason,
});

/** Lets one device in and tells it. Gives the profile that lists it, or why it does not. */
const admit = async (
  { session, master, outcome }: Look,
  client: PortalClient,
  account: string,
  { code, device }: ConnectionRequest,
  known: PersonalProfile,
): Promise<PersonalProfile | Reason> => {
  const check = (): Promise<void> => checkDevice(session.context, client, device);
  const admission = await admitDevice(
    session,
    { device, account },
    { ground: { kind: "proof" }, master, check },
    known,
  );
  if (admission.kind === "left") return admission.reason;
  const { profile, changed, replaces = null } = admission;
  const key = `${account} ${code}`;
  const approved: Approved = {
    code,
    account,
    device: { udf: device.udf, name: deviceName(profile, device), admin: isAdministrator(profile, device.udf) },
    invite: admission.invite ?? (device.replaces ? null : (device.invitation?.Id ?? null)),
    replaces,
  };
  if (changed) outcome.approved.set(key, approved);
  const answered = await answerAccepted(session, client, account, device, profile);
  // Where it was in already, and another administration device has told it, nothing was done here.
  if (answered && !outcome.approved.has(key)) outcome.approved.set(key, approved);
  return profile;
};

/** A signal that comes some time after another one, so that what is begun then can be finished. Call `end` when nothing is. */
const delayed = ({ signal, sleep }: Deps): { readonly signal: AbortSignal; readonly end: () => void } => {
  const [after, over] = [new AbortController(), new AbortController()];
  const begin = (): void => {
    sleep(GRACE, over.signal).then(
      () => after.abort(),
      () => undefined,
    );
  };
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  const end = (): void => {
    signal.removeEventListener("abort", begin);
    over.abort();
  };
  return { signal: after.signal, end };
};

/** What passes by itself: a portal that is away or busy, and others that change the profile all the time. */
const isPassing = (error: unknown): error is MeshError =>
  isMeshError(
    error,
    "portal-unreachable",
    "portal-timeout",
    "portal-not-found",
    "portal-answer",
    "portal-busy",
    "portal-failed",
    "rate-limited",
    "conflict",
    "busy",
  );

/** The context of a watch: it says every note once, and goes on for a while when the program is to end. */
const watchContext = (context: Context, signal: AbortSignal): Context => {
  const said = new Set<string>();
  const note = async (message: Message): Promise<void> => {
    const text = debugText(message);
    if (said.has(text)) return;
    if (said.size >= MAX_SAID) said.clear();
    said.add(text);
    await context.note(message);
  };
  return Object.create(context, {
    note: { value: note, enumerable: true },
    deps: { value: { ...context.deps, signal }, enumerable: true },
  }) as Context;
};

/**
 * Looks again and again, until the time is over or somebody ends it. A portal that goes away is waited for; where it cannot be
 * reached from the beginning, that is an error.
 */
const watch = async (looking: Look, seconds: number): Promise<void> => {
  const { session, outcome } = looking;
  const { keystore, state } = session;
  const { deps, globals, note, home } = session.context;
  const { signal, end } = delayed(deps);
  const context = watchContext(session.context, signal);
  const deadline = deps.now().getTime() + seconds * 1000;
  const isOver = (): boolean => deps.signal.aborted;
  const told = new Set<string>();
  const tell = async (): Promise<void> => {
    if (globals.json) return;
    for (const { code, device } of outcome.approved.values()) {
      if (!told.has(code)) await note(msg("approve.device-in", { name: printable(device.name), code }));
      told.add(code);
    }
    for (const { code, device, reason } of outcome.left) {
      const values = { name: printable(device.name), code, reason: REASONS[reason] };
      await context.note(msg("approve.device-left", values));
    }
  };
  const lookOnce = async (): Promise<void> => {
    // Another command may have added an account meanwhile, or deleted the profile.
    const current = readProfile(home, state.udf);
    if (!current) throw new MeshError("profile-not-found", msg("profile.deleted-meanwhile"));
    try {
      await look({ ...looking, session: sessionOf(context, keystore, current), isOver });
    } finally {
      await tell();
    }
  };
  try {
    await lookOnce();
    if (!globals.json) await note(msg("approve.watching"));
    for (let isAway = false; await pause(deps, deadline);) {
      try {
        await lookOnce();
        if (isAway) await note(msg("approve.back"));
        isAway = false;
      } catch (error) {
        if (isOver() || !isPassing(error)) throw error;
        if (!isAway) await note(msg("approve.away", { reason: error.text }));
        isAway = true;
      }
    }
  } catch (error) {
    if (!isOver()) throw error;
  } finally {
    end();
  }
};

/** Waits for the next look. False where there is to be none. */
const pause = async (deps: Deps, deadline: number): Promise<boolean> => {
  const left = deadline - deps.now().getTime();
  if (left <= 0 || deps.signal.aborted) return false;
  await deps.sleep(Math.min(PAUSE, left));
  return true;
};

const REASONS: Readonly<Record<Reason, Message>> = {
  expired: msg("approve.reason-expired"),
  "used-up": msg("approve.reason-used-up"),
  wrong: msg("approve.reason-wrong"),
  unknown: msg("approve.reason-unknown"),
  "no-proof": msg("approve.reason-no-proof"),
  "master-key-needed": msg("approve.reason-master-key-needed"),
  "too-large": msg("approve.reason-too-large"),
};

const report = (outcome: Outcome, isWatching: boolean): Result => {
  const approved = [...outcome.approved.values()];
  const { left } = outcome;
  const rows = [
    ...approved.map(({ code, device, replaces }) => [
      code,
      device.name,
      replaces
        ? msg("approve.connected-replacing")
        : device.admin
          ? msg("approve.connected-admin")
          : msg("approve.connected"),
    ]),
    ...left.map(({ code, device, reason }) => [code, device.name, msg("approve.left", { reason: REASONS[reason] })]),
  ];
  const headings = [msg("heading.code"), msg("heading.device"), msg("approve.heading-result")];
  const shown = table(headings, rows, isWatching ? msg("approve.nothing") : msg("device.none-waiting"));
  return {
    value: { approved, left },
    text: left.length === 0 ? shown : stack(shown, gap, lines(msg("approve.by-hand"))),
  };
};
