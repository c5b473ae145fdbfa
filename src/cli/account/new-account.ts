import { MeshError } from "../../errors.js";
import type { PortalTarget } from "../../client/target.js";
import type { Address } from "../../mesh/address.js";
import { msg } from "../../messages/message.js";
import type { Context } from "../context.js";
import { findAccountPortal } from "../find-portal.js";
import { portalTarget } from "../session.js";

/** The portal for an address that may lack its domain, which is then the portal's default one. Throws `address-invalid`. */
export const portalForNewAccount = async (context: Context, address: Address): Promise<PortalTarget> => {
  if (address.domain !== "") return findAccountPortal(context, address);
  if (context.globals.portal !== undefined) return portalTarget(context, context.globals.portal);
  throw new MeshError("address-invalid", msg("account.no-domain"), {
    hint: msg("account.no-domain.hint"),
  });
};
