import { MeshError } from "../../errors.js";
import type { Entry } from "../../mesh/application/entry.js";
import { foldName, type NetworkValue } from "../../mesh/application/network.js";
import { msg } from "../../messages/message.js";
import type { Changed } from "../application/application.js";
import type { Wanted } from "../application/named-entry.js";
import { applicationView } from "../application/view.js";
import { connectionView } from "../mail/account.js";
import { fields, type Result } from "../output.js";

export type NetworkEntry = Entry<NetworkValue>;

/** The settings that an argument names. */
export const wantedNetwork = (text: string): Wanted => ({
  text,
  label: foldName(text),
  missing: msg("network.no-settings", { name: JSON.stringify(text.slice(0, 64)) }),
});

/** Settings as scripts see them. */
export const networkView = ({ id, updated, others, exposed, value }: NetworkEntry, secrets = false) => ({
  id,
  name: value.Name,
  sites: value.Sites ?? [],
  dns: (value.DNS ?? []).map((connection) => connectionView(connection, secrets)),
  prefix: value.Prefix ?? [],
  ...(value.CTL !== undefined && { ctl: value.CTL }),
  webPki: value.WebPKI ?? [],
  updated,
  conflict: others.length > 0,
  exposed: exposed.length > 0,
});

/** What a change of one set of settings gives back. */
export const changeResult = (
  { application, ids, synced, conflicts }: Changed<NetworkValue>,
  name: string,
  unchanged?: string,
): Result => {
  const id = ids[0] ?? unchanged;
  if (id === undefined) throw new MeshError("internal", msg("output.unexpected"));
  return {
    value: {
      application: applicationView(application),
      network: { id, name },
      changed: ids.length > 0,
      synced,
      conflict: conflicts.includes(id),
    },
    text: fields([
      [msg("label.name"), name],
      [msg("mail.label-changed"), ids.length > 0 ? msg("label.yes") : msg("label.no")],
    ]),
  };
};
