import { MeshError } from "../../errors.js";
import { readKeystoreFacts, removeKeys } from "../../keystore/keystore.js";
import { deleteProfile } from "../../keystore/state.js";
import { withGlobals, type Run } from "../context.js";
import { requireProfile } from "../select.js";

export const run: Run = async (context, input) => {
  const { home } = context;
  const confirm = input.text("confirm")?.normalize("NFC");
  const named = input.argument(0);
  const state = await requireProfile(named === undefined ? context : withGlobals(context, { profile: named }));
  if (confirm !== state.name) {
    throw new MeshError(
      "input-required",
      `Deleting the profile ${JSON.stringify(state.name)} removes its keys from this device for good.`,
      {
        hint: `Confirm it by name: --confirm ${JSON.stringify(state.name)}`,
      },
    );
  }
  await home.withLock(async () => {
    // The keys first: as long as the profile is there, this command can be run again.
    const keys = readKeystoreFacts(home)?.keys.filter(({ profile }) => profile === state.udf) ?? [];
    await removeKeys(
      home,
      keys.map(({ kid }) => kid),
    );
    await deleteProfile(home, state.udf);
  });
  return {
    value: { profile: { udf: state.udf, name: state.name }, deleted: true },
    text: `The keys of ${state.name} are gone from this device. Its accounts and other devices are as they were.\n`,
  };
};
