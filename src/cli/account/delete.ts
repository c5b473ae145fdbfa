import { MeshError } from "../../errors.js";
import { deleteAccount } from "../../client/profiles.js";
import { fetchAccount } from "../../client/profiles.js";
import { updateProfile, type ProfileState } from "../../keystore/state.js";
import { accountUdf } from "../../mesh/udf.js";
import { nextPersonal } from "../../mesh/profile.js";
import { msg } from "../../messages/message.js";
import { changeProfile, withClient } from "../change.js";
import { withGlobals, type Run } from "../context.js";
import { lines } from "../output.js";
import { accountsOf, canonicalAccount, requireProfile } from "../select.js";
import { administrationKey, follow, openAccount, openSession, sessionWith, type Session } from "../session.js";

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const state = await requireProfile(withGlobals(context, { account: text }));
  const account = canonicalAccount(text, state);
  const known = accountsOf(state).find((candidate) => candidate.account === account);
  if (!known) {
    throw new MeshError("account-not-found", msg("account.not-of-profile", { name: state.name, account }), {
      hint: msg("account.unknown.hint"),
    });
  }
  if (input.text("confirm") === undefined || canonicalAccount(input.text("confirm") ?? "", state) !== account) {
    throw new MeshError("input-required", msg("account.delete-unconfirmed", { account }), {
      hint: msg("account.delete-unconfirmed.hint", { account }),
    });
  }
  const session = await openSession(context, state);
  await withClient(openAccount(context, known), async (client) => {
    // The portal has it no more where an earlier run of this command was interrupted, or another device was faster. One that keeps
    // a log proves it; of another one there is only its word.
    const { status, fetched } = await fetchAccount(client, account, state.udf);
    if (!fetched && (status === "closed" || status === undefined)) return;
    administrationKey(session, await follow(session, client, account));
    await deleteAccount(client, account, state.udf, session.authenticationKey);
  });
  const without = (current: ProfileState): ProfileState => ({
    ...current,
    accounts: current.accounts.filter((candidate) => candidate.account !== account),
  });
  const remaining = without(state);
  if (remaining.accounts.length > 0)
    await forgetName(sessionWith(session, session.context, remaining.accounts), account);
  // Last of all: as long as this home knows the account the command can be run again.
  await updateProfile(context.home, state.udf, (current = state) => without(current));
  return {
    value: { account, portal: known.portal, deleted: true },
    text: lines(msg("account.deleted", { account })),
  };
};

/** The profile no longer names the account. Where no account is left the profile stays as it is: nothing would serve a new version. */
const forgetName = async (session: Session, account: string): Promise<void> => {
  const udf = accountUdf(account);
  const { context } = session;
  await changeProfile(sessionWith(session, withGlobals(context, { account: undefined })), (current, notaryToken) =>
    current.names.includes(udf)
      ? nextPersonal(
          administrationKey(session, current),
          current,
          { names: current.names.filter((name) => name !== udf), notaryToken },
          context.deps.now(),
        )
      : undefined,
  );
};
