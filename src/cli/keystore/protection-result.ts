import { MeshError } from "../../errors.js";
import { readKeystoreFacts } from "../../keystore/keystore.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context } from "../context.js";
import { fields, type Result } from "../output.js";

/** How the keystore is protected now. `left` is what of the protection before could not be removed. */
export const protectionResult = ({ home }: Context, left: Message | undefined): Result => {
  const facts = readKeystoreFacts(home);
  if (!facts) throw new MeshError("conflict", msg("keystore.replaced"), { hint: msg("keystore.replaced.hint") });
  const { id, protection, keyFile } = facts;
  return {
    value: { id, protection, keyFile: keyFile ?? null },
    text: fields([
      [msg("label.protection"), msg(`keystore-status.${protection}`)],
      [msg("label.key-file"), keyFile],
    ]),
    note: left,
  };
};
