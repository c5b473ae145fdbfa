import { canonicalDomain, invalidCharacters, parseAddress, userProblem, type Address } from "../../mesh/address.js";
import type { Response } from "../../mesh/protocol.js";
import { msg, type Translate } from "../../messages/message.js";
import { MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import { portalForNewAccount } from "./new-account.js";
import type { Run } from "../context.js";
import { languages } from "../language.js";
import { fields, printable } from "../output.js";
import { openTarget } from "../session.js";

/** No portal has an account with these, and that of 2016 dies of the escapes by which they would be sent. */
const CONTROL = /\p{Cc}/u;

const refusal = (user: string, translate: Translate): Response<"ValidateAccount"> => ({
  Valid: false,
  InvalidCharacters: invalidCharacters(user),
  Reason: translate(msg("account.control-characters")),
});

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const asked = looseAddress(text);
  const target = await portalForNewAccount(context, asked);
  return withClient(openTarget(context, target), async (client) => {
    const account = asked.account.includes("@") ? asked.account : `${asked.user}@${client.host}`;
    const answer = CONTROL.test(asked.user)
      ? refusal(asked.user, await context.translator())
      : await client.send("ValidateAccount", { Account: account, Language: languages(context) });
    const valid = answer.Valid ?? false;
    const value = {
      account,
      valid,
      ...(answer.Reason === undefined ? {} : { reason: printable(answer.Reason) }),
      minimum: answer.Minimum ?? null,
      maximum: answer.Maximum ?? null,
      invalidCharacters: answer.InvalidCharacters ?? "",
    };
    const text = fields([
      [msg("label.account"), account],
      [msg("label.valid"), valid ? msg("label.yes") : msg("label.no")],
      [msg("label.reason"), answer.Reason],
      [
        msg("label.bad-characters"),
        valid || !answer.InvalidCharacters ? undefined : JSON.stringify(answer.InvalidCharacters),
      ],
    ]);
    return { value, text, ...(valid ? {} : { exit: 5 }) };
  });
};

/** The address as asked for: what is wrong with the user part is the portal's to say, but its domain must be one. */
const looseAddress = (text: string): Address => {
  const at = text.lastIndexOf("@");
  const user = at < 0 ? text : text.slice(0, at);
  if (text.length > 512 || user === "" || (at >= 0 && userProblem(user) === undefined)) return parseAddress(text);
  if (at < 0) return { account: text, user: text, domain: "" };
  const domain = canonicalDomain(text.slice(at + 1));
  if (domain === undefined) {
    throw new MeshError("address-invalid", msg("account.bad-domain"), {
      hint: msg("account.bad-domain.hint"),
    });
  }
  return { account: `${user}@${domain}`, user, domain };
};
