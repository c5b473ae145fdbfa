import { findPortal } from "../client/discovery.js";
import type { PortalTarget } from "../client/target.js";
import { listProfiles } from "../keystore/state.js";
import type { Address } from "../mesh/address.js";
import { localPortalPath, type Context } from "./context.js";

/** The portal of an address: what `--portal` says, what is remembered, DNS SRV, or `https://DOMAIN`, in this order. */
export const findAccountPortal = (context: Context, address: Address): Promise<PortalTarget> => {
  const { portal, allowHttp } = context.globals;
  const known =
    portal === undefined
      ? listProfiles(context.home)
          .flatMap(({ accounts, connecting }) => (connecting ? [...accounts, connecting] : accounts))
          .sort((a, b) => Number(b.account === address.account) - Number(a.account === address.account))
          .find(({ account }) => account === address.account || account.endsWith(`@${address.domain}`))
      : undefined;
  return findPortal(context.deps, {
    address,
    allowHttp,
    localPath: localPortalPath(context),
    ...(portal === undefined ? {} : { explicit: portal }),
    ...(known ? { remembered: known.portal } : {}),
  });
};
