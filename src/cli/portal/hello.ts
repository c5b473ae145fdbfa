import { withClient } from "../change.js";
import { inputRequired, type Run } from "../context.js";
import { fields } from "../output.js";
import { selectProfile } from "../select.js";
import { accountOf, openTarget, portalTarget } from "../session.js";

export const run: Run = async (context, input) => {
  const named = input.argument(0) ?? context.globals.portal;
  const state = named === undefined ? await selectProfile(context) : undefined;
  if (named === undefined && !state?.accounts.length)
    throw inputRequired("The portal's URL", "an argument, or --portal URL");
  const target = portalTarget(context, named ?? (state ? accountOf(context, state).portal : ""));
  return withClient(openTarget(context, target), (client) => {
    const { wrapping, version, versionUri, extensions, defaultDomain } = client.info;
    const value = {
      portal: client.url,
      wrapping,
      version,
      extensions: [...extensions].sort(),
      defaultDomain: defaultDomain ?? null,
      ...(versionUri ? { uri: versionUri } : {}),
    };
    return Promise.resolve({
      value,
      text: fields([
        ["Portal", client.url],
        ["Version", version],
        ["Wrapping", wrapping],
        ["Extensions", value.extensions.join(", ") || "none"],
        ["Default domain", defaultDomain],
        // Shown, never followed: a portal must not send its users elsewhere.
        ["Says it is at", versionUri?.join(", ")],
      ]),
    });
  });
};
