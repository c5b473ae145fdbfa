import { readFdText, readSecretFile } from "../input.js";
import type { Run } from "../context.js";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { fields } from "../output.js";
import { newPassphrase, openKeystore } from "../session.js";
import { withGlobals } from "../context.js";

export const run: Run = async (context, input) => {
  const keystore = await openKeystore(context);
  const file = input.text("newPassphraseFile");
  const fd = input.whole("newPassphraseFd");
  const removes = !input.flag("passphrase");
  if ([file !== undefined, fd !== undefined, removes].filter(Boolean).length > 1) {
    throw new MeshError("usage", msg("passwd.given-twice"));
  }
  if (removes) await keystore.changeProtection({ method: "key-file" });
  else {
    const given =
      file !== undefined
        ? await readSecretFile(context, file)
        : fd !== undefined
          ? await readFdText(context, fd)
          : undefined;
    // The old passphrase's options say nothing of the new one.
    const asking = withGlobals(context, { passphraseFile: undefined, passphraseFd: undefined });
    const passphrase = await newPassphrase(asking, given, msg("passwd.needed.hint"));
    await keystore.changeProtection({ method: "passphrase", passphrase });
  }
  const protection = removes ? "key-file" : "passphrase";
  return {
    value: { id: keystore.id, protection },
    text: fields([[msg("label.protection"), removes ? msg("passwd.key-file") : msg("passwd.new-passphrase")]]),
  };
};
