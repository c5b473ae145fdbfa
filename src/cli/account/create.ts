import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import { createAccount, fetchHistory, fetchProfile, followProfile, publishProfile } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import { isLogError } from "../../client/log-error.js";
import { loadPins } from "../../keystore/pins.js";
import { readProfile, updateProfile, type AccountState } from "../../keystore/state.js";
import { parseAddress } from "../../mesh/address.js";
import { accountUdf } from "../../mesh/udf.js";
import { nextPersonal, recordTime } from "../../mesh/profile.js";
import { readPersonal, type PersonalProfile } from "../../mesh/records/personal.js";
import { compareVersions } from "../../mesh/succession.js";
import { msg } from "../../messages/message.js";
import { changeProfile, MAX_ATTEMPTS, refresh, withClient } from "../change.js";
import { withGlobals, type Run } from "../context.js";
import { fields } from "../output.js";
import { accountsOf, isBehind, requireProfile } from "../select.js";
import {
  administrationKey,
  follow,
  openAccount,
  openSession,
  openTarget,
  remember,
  rememberPortal,
  sessionWith,
  type Session,
} from "../session.js";
import { portalForNewAccount } from "./new-account.js";

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const asked = text.includes("@") ? parseAddress(text) : { ...parseAddress(text, "localhost"), domain: "" };
  const state = await requireProfile(withGlobals(context, { account: undefined }));
  const target = await portalForNewAccount(context, asked);
  return withClient(openTarget(context, target), async (client) => {
    const { account } = parseAddress(text, client.host);
    const session = await openSession(context, state);
    await makeAccount(session, client, { account, portal: client.url });
    const value = { account, portal: client.url, profile: { udf: state.udf } };
    return {
      value,
      text: fields([
        [msg("label.account"), account],
        [msg("label.portal"), client.url],
        [msg("label.udf"), state.udf],
      ]),
      ...(state.recovery ? {} : { note: msg("account.no-shares") }),
    };
  });
};

/**
 * Creates an account for a profile and publishes the profile there. Doing it again for the same profile changes nothing.
 * Throws `account-taken` where the name is another person's.
 */
export const makeAccount = async (session: Session, client: PortalClient, account: AccountState): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await tryAccount(session, client, account);
      return;
    } catch (error) {
      // Between naming the account and creating it another device may have changed the profile.
      if (!isMeshError(error, "conflict") || accountsOf(session.state).length === 0 || attempt === MAX_ATTEMPTS)
        throw error;
    }
  }
};

const tryAccount = async (session: Session, client: PortalClient, account: AccountState): Promise<void> => {
  const profile = await profileNaming(session, client, account);
  await rememberPortal(session, client);
  try {
    await createAccount(client, account.account, profile, session.authenticationKey, () => historyOf(session));
  } catch (error) {
    // Where no answer came, or none that proves anything, the portal may have done it: then the work is unfinished, and the same octets
    // go again.
    const isUnknown = isLogError(error) || (isMeshError(error) && [6, 130].includes(exitStatus(error.code)));
    if (!isUnknown) await setWork(session, account, undefined);
    throw error instanceof MeshError && error.code === "account-taken"
      ? new MeshError("account-taken", error.text, { hint: msg("account.taken.hint"), cause: error })
      : error;
  }
  if (client.log) await rememberPortal(session, client);
  await remember(session, profile);
  await updateProfile(session.context.home, session.state.udf, (state = session.state) => ({
    ...state,
    accounts: state.accounts.some((known) => known.account === account.account)
      ? state.accounts.map((known) => (known.account === account.account ? account : known))
      : [...state.accounts, account],
    work: state.work.filter((work) => work.kind !== "account-create"),
  }));
};

/** The versions that the portal of the first account keeps. */
const historyOf = async ({ context, state }: Session): Promise<readonly PersonalProfile[]> => {
  const [first] = accountsOf(state);
  if (!first) return [];
  const place = openAccount(withGlobals(context, { portal: undefined }), first);
  return withClient(place, (client) => fetchHistory(client, state.udf));
};

/** The newest version of the profile, which names the account: made, kept and where needed published before this returns. */
const profileNaming = async (
  session: Session,
  client: PortalClient,
  account: AccountState,
): Promise<PersonalProfile> => {
  const udf = accountUdf(account.account);
  const add = (current: PersonalProfile, notaryToken: string | undefined): PersonalProfile | undefined =>
    current.names.includes(udf)
      ? undefined
      : nextPersonal(
          administrationKey(session, current),
          current,
          { names: [...current.names, udf], notaryToken },
          session.context.deps.now(),
        );
  const elsewhere = await withoutMoved(session, account);
  const { state } = elsewhere;
  if (accountsOf(state).length > 0) return changeProfile(elsewhere, add);
  // What an interrupted run has already sent is sent again as it was: the portal knows those octets.
  const sent = state.work.find((work) => work.kind === "account-create" && work.account === account.account);
  if (sent?.kind === "account-create") return readPersonal(sent.record);
  const { profile: current, isKnown } = await newestOf(elsewhere, client);
  const next = add(current, client.log?.newest?.note);
  if (!next) return current;
  // A portal that knows the profile already takes the new version as one of its successors.
  if (isKnown && client.info.extensions.has("succession")) {
    await publishProfile(client, next, session.authenticationKey).catch((error: unknown) => {
      // Without an open account it takes nothing; then the account is made with this version.
      if (!(error instanceof MeshError) || error.code !== "refused") throw error;
    });
  }
  await setWork(session, account, next);
  return next;
};

/**
 * The session as the accounts see it that stay where they are: --portal and --account speak of the new one. An account that is
 * made anew, since its portal is gone or has lost it, or since it moves, is none of them; what it still shows is remembered.
 */
const withoutMoved = async (session: Session, account: AccountState): Promise<Session> => {
  const context = withGlobals(session.context, { portal: undefined, account: undefined });
  const { state } = session;
  const before = state.accounts.find((known) => known.account === account.account);
  // A portal that is only behind is brought up to date with the others.
  const knownBehind = before !== undefined && isBehind(state, before.account);
  if (!before || (knownBehind && before.portal === account.portal)) return sessionWith(session, context);
  try {
    const elsewhere = sessionWith(session, context);
    await withClient(openAccount(context, before), (client) => follow(elsewhere, client, before.account));
    if (before.portal === account.portal) return elsewhere;
  } catch (error) {
    // Who leaves a portal that does not keep to its log, or has lost it, must not be held there by it.
    const isLeft = before.portal !== account.portal && isLogError(error);
    const isGone =
      isMeshError(error) &&
      (knownBehind || isLeft || error.code === "account-not-found" || exitStatus(error.code) === 6);
    if (!isGone) throw error;
    await context.note(msg("account.goes-on", { reason: error.text }));
  }
  const current = readProfile(context.home, state.udf) ?? state;
  const accounts = current.accounts.filter((known) => known.account !== account.account);
  return sessionWith(session, context, accounts);
};

/**
 * The version kept here, one that a portal may have taken though its answer was lost, or the one that the portal knows from
 * before: the newest of them. `isKnown` where that portal has any.
 */
const newestOf = async (
  session: Session,
  client: PortalClient,
): Promise<{ profile: PersonalProfile; isKnown: boolean }> => {
  const { context, keystore, state } = session;
  const begun = state.work.flatMap((work) => (work.kind === "account-create" ? [readPersonal(work.record)] : []));
  const kept = begun.reduce(
    (newest, version) => (compareVersions(version, newest) > 0 ? version : newest),
    await refresh(session),
  );
  const fetched = await fetchProfile(client, { identifier: state.udf });
  if (!fetched || compareVersions(fetched.profile, kept) <= 0) return { profile: kept, isKnown: fetched !== undefined };
  const pin = loadPins(context.home, keystore).profiles[state.udf];
  const { profile } = await followProfile(client, fetched, pin, context.globals.acceptGap);
  await remember(session, profile);
  return { profile, isKnown: true };
};

const setWork = (session: Session, account: AccountState, profile: PersonalProfile | undefined): Promise<unknown> =>
  updateProfile(session.context.home, session.state.udf, (state = session.state) => ({
    ...state,
    work: [
      ...state.work.filter(({ kind }) => kind !== "account-create"),
      ...(profile
        ? [
            {
              kind: "account-create" as const,
              ...account,
              record: profile.record,
              since: recordTime(session.context.deps.now()),
            },
          ]
        : []),
    ],
  }));
