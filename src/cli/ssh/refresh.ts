import { MeshError } from "../../errors.js";
import { isAuthorized, refreshKeys } from "../../mesh/application/ssh/authorized-keys.js";
import { publicKeyOf } from "../../mesh/keys.js";
import { findDevice, isLapsed } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { requireConnected } from "../session.js";
import { openFreshCatalog } from "./catalog.js";
import { describeChange, remoteOf } from "./install.js";
import { ownName, requireOwnKey } from "./own-key.js";
import { editAuthorizedKeys } from "./remote.js";

export const run: Run = async (context, input) => {
  const remote = remoteOf(input);
  const catalog = await openFreshCatalog(context, input);
  const { session, profile, devices } = catalog;
  requireConnected(session, profile);
  const own = session.state.device.udf;
  const key = publicKeyOf(requireOwnKey(session).key);
  // Whatever the application says of this device, what it can log in with is the key that it has.
  const current = [
    { device: own, name: ownName(session, profile), key },
    ...devices.filter(({ isCurrent, device }) => isCurrent && device !== own),
  ];
  const isCurrent = (udf: string): boolean =>
    findDevice(profile, udf) !== undefined && !isLapsed(profile, udf, context.deps.now());
  const gone = devices.filter(({ device, isUnsigned }) => isUnsigned || !isCurrent(device));
  const change = await editAuthorizedKeys(context, remote, (text) => {
    const next = refreshKeys(text, profile.udf, { current, gone, isCurrent });
    // What is to be written would lock this device out.
    if (!isAuthorized(next.text, key)) throw new MeshError("internal", msg("output.unexpected"));
    return next;
  });
  return describeChange(remote.host, change, catalog);
};
