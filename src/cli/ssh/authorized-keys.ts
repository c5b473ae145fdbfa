import { authorizedKeysLine } from "../../mesh/application/ssh/authorized-keys.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { openFreshCatalog } from "./catalog.js";
import { checkOut, printOrWrite } from "./written.js";

export const run: Run = async (context, input) => {
  checkOut(context, input);
  const { profile, devices } = await openFreshCatalog(context, input);
  const current = devices.filter(({ isCurrent }) => isCurrent);
  const keys = current.map((device) => ({
    device: { udf: device.device, name: device.name },
    line: authorizedKeysLine(profile.udf, device),
  }));
  const text = keys.map(({ line }) => `${line}\n`).join("");
  return {
    ...printOrWrite(context, input, text, { keys }),
    note: keys.length === 0 ? msg("ssh.no-devices") : undefined,
  };
};
