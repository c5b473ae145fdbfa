import type { Run } from "../context.js";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { forNewSecrets, newPassphrase } from "../secrets.js";
import { unlockItself } from "../session.js";
import { protectionResult } from "./protection-result.js";

export const run: Run = async (context, input) => {
  const file = input.text("newPassphraseFile");
  const fd = input.whole("newPassphraseFd");
  const removes = !input.flag("passphrase");
  if ([file !== undefined, fd !== undefined, removes].filter(Boolean).length > 1) {
    throw new MeshError("usage", msg("passwd.given-twice"));
  }
  const keystore = await unlockItself(context);
  if (removes) return protectionResult(context, await keystore.changeProtection({ method: "key-file" }));
  const passphrase = await newPassphrase(forNewSecrets(context), { file, fd, hint: msg("passwd.needed.hint") });
  try {
    return protectionResult(context, await keystore.changePassphrase(passphrase));
  } finally {
    passphrase.fill(0);
  }
};
