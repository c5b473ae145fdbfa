import { readPins } from "../keystore/pins.js";
import type { ProfileState, ProfileView } from "../keystore/state.js";
import { recordHash } from "../mesh/signed-record.js";
import type { Context } from "./context.js";

/** What is shown of the profile this home knows, and whether some versions before it were never seen. */
export interface KnownView {
  readonly view: ProfileView | undefined;
  readonly gap: boolean;
}

/**
 * What a person asks about most. Where the kept record is the pinned one it was verified before it was pinned, and its view
 * is enough; anything else is verified anew. Throws what `knownProfile` throws.
 */
export const knownView = async (context: Context, state: ProfileState): Promise<KnownView> => {
  const pin = readPins(context.home).profiles[state.udf];
  const gap = pin?.gap === true;
  const { view, record } = state;
  if (view && pin && record && view.hash === pin.hash && recordHash(record) === pin.hash) return { view, gap };
  const [{ knownProfile }, { viewOf }] = await Promise.all([import("./known.js"), import("./view-of.js")]);
  const profile = knownProfile(context, state);
  return { view: profile && viewOf(profile), gap };
};
