import { MeshError } from "../../errors.js";
import { removeApplications } from "../../keystore/application-store.js";
import { readKeystoreFacts, removeKeys } from "../../keystore/keystore.js";
import { deleteProfile } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import { withGlobals, type Run } from "../context.js";
import { lines } from "../output.js";
import { requireProfile } from "../select.js";

export const run: Run = async (context, input) => {
  const { home } = context;
  const confirm = input.text("confirm")?.normalize("NFC");
  const named = input.argument(0);
  const state = await requireProfile(named === undefined ? context : withGlobals(context, { profile: named }));
  if (confirm !== state.name) {
    const name = JSON.stringify(state.name);
    throw new MeshError("input-required", msg("profile.delete-unconfirmed", { name }), {
      hint: msg("profile.delete-unconfirmed.hint", { name }),
    });
  }
  await home.withLock(async () => {
    // The keys first: as long as the profile is there, this command can be run again.
    const keys = readKeystoreFacts(home)?.keys.filter(({ profile }) => profile === state.udf) ?? [];
    await removeKeys(
      home,
      keys.map(({ kid }) => kid),
    );
    removeApplications(home, state.udf);
    await deleteProfile(home, state.udf);
  });
  return {
    value: { profile: { udf: state.udf, name: state.name }, deleted: true },
    text: lines(msg("profile.deleted", { name: state.name })),
  };
};
