import { MeshError } from "../../errors.js";
import { parseAddress } from "../../mesh/address.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";
import { readStoreSettings } from "./config.js";
import { openSigner, withStore } from "./store.js";

export const run: Run = async (context, input) => {
  const settings = await readStoreSettings(context, input);
  const { account } = parseAddress(input.argument(0) ?? "", settings.domains[0] ?? "localhost");
  const wanted = input.flag("reopen") ? "Open" : "Suspended";
  const signer = await openSigner(context, settings);
  const changed = await withStore(
    context,
    settings,
    (store) =>
      store.transact(async (tx) => {
        const known = await tx.account(account);
        if (!known) throw new MeshError("account-not-found", msg("suspend.unknown", { account }));
        if (known.status === "Closed") throw new MeshError("account-closed", msg("suspend.closed", { account }));
        if (known.status === wanted) return false;
        await tx.setAccountStatus(account, wanted, context.deps.now().getTime());
        return true;
      }),
    { signer },
  );
  const done = changed ? "done" : "already";
  return {
    value: { account, status: wanted.toLowerCase(), changed },
    text: lines(
      wanted === "Open" ? msg(`suspend.open-${done}`, { account }) : msg(`suspend.suspended-${done}`, { account }),
    ),
  };
};
