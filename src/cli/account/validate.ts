import { canonicalDomain, invalidCharacters, parseAddress, userProblem, type Address } from "../../mesh/address.js";
import type { Response } from "../../mesh/protocol.js";
import { MeshError } from "../../errors.js";
import { withClient } from "../change.js";
import { portalForNewAccount } from "./new-account.js";
import type { Run } from "../context.js";
import { languages } from "../language.js";
import { fields, printable } from "../output.js";
import { openTarget } from "../session.js";

/** No portal has an account with these, and that of 2016 dies of the escapes by which they would be sent. */
const CONTROL = /\p{Cc}/u;

const refusal = (user: string): Response<"ValidateAccount"> => ({
  Valid: false,
  InvalidCharacters: invalidCharacters(user),
  Reason: "An account name has no control characters.",
});

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const asked = looseAddress(text);
  const target = await portalForNewAccount(context, asked);
  return withClient(openTarget(context, target), async (client) => {
    const account = asked.account.includes("@") ? asked.account : `${asked.user}@${client.host}`;
    const answer = CONTROL.test(asked.user)
      ? refusal(asked.user)
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
      ["Account", account],
      ["Valid", valid ? "yes" : "no"],
      ["Reason", answer.Reason],
      [
        "Characters not allowed",
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
    throw new MeshError("address-invalid", "The account address has a domain that is not a domain name.", {
      hint: "An address looks like alice@example.com.",
    });
  }
  return { account: `${user}@${domain}`, user, domain };
};
