import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { fields } from "../output.js";
import { selectProfile } from "../select.js";
import { accountOf, openTarget, portalTarget } from "../session.js";

export const run: Run = async (context, input) => {
  const named = input.argument(0) ?? context.globals.portal;
  const state = named === undefined ? await selectProfile(context) : undefined;
  if (named === undefined && !state?.accounts.length) {
    throw new MeshError("input-required", msg("input.required", { what: msg("hello.url-needed") }), {
      hint: msg("hello.url-needed.hint"),
    });
  }
  const target = portalTarget(context, named ?? (state ? accountOf(context, state).portal : ""));
  return withClient(openTarget(context, target), (client) => {
    const { wrapping, version, versionUri, extensions, defaultDomain } = client.info;
    const { log } = client;
    const value = {
      portal: client.url,
      wrapping,
      version,
      extensions: [...extensions].sort(),
      defaultDomain: defaultDomain ?? null,
      ...(versionUri ? { uri: versionUri } : {}),
      ...(log ? { log: { key: log.verifier, origin: log.origin } } : {}),
    };
    return Promise.resolve({
      value,
      text: fields([
        [msg("label.portal"), client.url],
        [msg("label.version"), version],
        [msg("label.wrapping"), wrapping],
        [msg("label.extensions"), value.extensions.join(", ") || msg("label.none")],
        [msg("label.default-domain"), defaultDomain],
        [msg("label.log-key"), log?.verifier],
        // Shown, never followed: a portal must not send its users elsewhere.
        [msg("label.says-at"), versionUri?.join(", ")],
      ]),
    });
  });
};
