import { installKeys, type AuthorizedKeysChange } from "../../mesh/application/ssh/authorized-keys.js";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import type { Input, Run } from "../context.js";
import { fields, type Result } from "../output.js";
import { openFreshCatalog, type Catalog } from "./catalog.js";
import { checkRemoteHost, editAuthorizedKeys, type RemoteHost } from "./remote.js";

export const run: Run = async (context, input) => {
  const remote = remoteOf(input);
  const { profile, devices, session } = await openFreshCatalog(context, input);
  const current = devices.filter(({ isCurrent }) => isCurrent);
  if (current.length === 0) {
    throw new MeshError("entry-not-found", msg("ssh.no-devices"), { hint: msg("ssh.no-key.hint") });
  }
  const change = await editAuthorizedKeys(context, remote, (text) => installKeys(text, profile.udf, current));
  return describeChange(remote.host, change, { devices, profile, session });
};

/** The host, and what is for `ssh` alone. */
export const remoteOf = (input: Input): RemoteHost => ({
  host: checkRemoteHost(input.argument(0) ?? ""),
  options: input.arguments(1),
});

/** What has become of the file at a host. */
export const describeChange = (
  host: string,
  { added, removed }: AuthorizedKeysChange,
  { devices }: Pick<Catalog, "devices" | "profile" | "session">,
): Result => {
  const nameOf = (udf: string | undefined): string | null =>
    devices.find(({ device }) => device === udf)?.name ?? udf ?? null;
  const gone = removed.map(({ device }) => ({ udf: device ?? null, name: nameOf(device) }));
  return {
    value: {
      host,
      changed: added.length + removed.length > 0,
      added: added.map(({ device, name }) => ({ udf: device, name })),
      removed: gone,
    },
    text: fields([
      [msg("ssh.label-host"), host],
      [msg("ssh.label-added"), added.map(({ name }) => name).join(", ") || msg("label.none")],
      [msg("label.removed"), gone.map(({ name }) => name ?? "?").join(", ") || msg("label.none")],
    ]),
  };
};
