import type { Entry } from "../../mesh/application/entry.js";
import { foldName, type NetworkValue } from "../../mesh/application/network.js";
import { msg } from "../../messages/message.js";
import { entryChangeResult, type EntryChange, type Wanted } from "../application/named-entry.js";
import { connectionView } from "../mail/account.js";
import type { Result } from "../output.js";

export type NetworkEntry = Entry<NetworkValue>;

/** The settings that an argument names. */
export const wantedNetwork = (text: string): Wanted => ({
  text,
  label: foldName(text),
  missing: msg("network.no-settings", { name: JSON.stringify(text.slice(0, 64)) }),
  hint: msg("network.no-settings.hint"),
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
export const changeResult = (change: EntryChange<NetworkValue>, name: string): Result =>
  entryChangeResult(change, (id) => ({ network: { id, name } }), [msg("label.name"), name]);
