import { MeshError } from "../../errors.js";
import { withoutPassword } from "../../mesh/application/connection.js";
import { NETWORK } from "../../mesh/application/network.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { findEntry, marksOf } from "../application/named-entry.js";
import { applicationView } from "../application/view.js";
import type { Run } from "../context.js";
import { connectionLine } from "../mail/account.js";
import { fields, raw, readableTime, type Text } from "../output.js";
import { networkView, wantedNetwork, type NetworkEntry } from "./settings.js";

const FORMATS = ["text", "json"];

export const run: Run = async (context, input) => {
  const format = input.text("format") ?? "text";
  if (!FORMATS.includes(format)) {
    throw new MeshError("usage", msg("mail.format-unknown", { formats: FORMATS.join(", ") }));
  }
  const secrets = input.flag("showPasswords");
  const session = await readingSession(context);
  const wanted = wantedNetwork(input.argument(0) ?? "");
  const { application, entry } = await findEntry(session, NETWORK, applicationOptions(input), wanted);
  const value = { application: applicationView(application), network: networkView(entry, secrets) };
  if (format === "text") return { value, text: textOf(entry) };
  const settings = secrets
    ? entry.value
    : { ...entry.value, ...(entry.value.DNS && { DNS: entry.value.DNS.map(withoutPassword) }) };
  const text = raw(`${JSON.stringify({ NetworkProfilePrivate: settings }, undefined, 2)}\n`);
  return { value, text, exact: true };
};

const textOf =
  ({ id, value, updated, others, exposed }: NetworkEntry): Text =>
  (translate) => {
    const marks = marksOf({ others, exposed }).map(translate).join(", ");
    return fields([
      [msg("label.name"), value.Name],
      [msg("network.label-sites"), value.Sites?.join(", ")],
      ...(value.DNS ?? []).map((connection) => [msg("network.label-dns"), connectionLine(connection)] as const),
      [msg("network.label-prefix"), value.Prefix?.join(", ")],
      [
        msg("network.label-ctl"),
        value.CTL === undefined
          ? undefined
          : msg("network.ctl-octets", { octets: Math.floor((value.CTL.length * 3) / 4) }),
      ],
      ...(value.WebPKI ?? []).map((udf) => [msg("network.label-web-pki"), udf] as const),
      [msg("label.entry"), id],
      [msg("mail.label-updated"), readableTime(updated)],
      [msg("mail.label-marks"), marks === "" ? undefined : marks],
    ])(translate);
  };
