import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { gap, readableTime, stack, table } from "../output.js";
import { openCatalog } from "./catalog.js";
import { addressOf, describeDevice, describeHost, fingerprintOf } from "./describe.js";
import { applicationView } from "../application/view.js";

export const run: Run = async (context, input) => {
  const { session, application, devices, hosts } = await openCatalog(context, input);
  const own = session.state.device.udf;
  const isConflict = [...devices, ...hosts].some((shown) => shown.isConflict);
  return {
    value: {
      application: applicationView(application),
      updated: application.updated,
      waiting: application.queued,
      devices: devices.map((device) => describeDevice(device, own)),
      hosts: hosts.map(describeHost),
    },
    text: stack(
      table(
        [undefined, msg("heading.device"), msg("heading.made"), msg("heading.fingerprint"), msg("heading.state")],
        devices.map((device) => [
          device.device === own ? "*" : " ",
          device.name,
          readableTime(device.created),
          fingerprintOf(device),
          device.isConflict
            ? msg("ssh.state-conflict")
            : device.isUnsigned
              ? msg("ssh.state-unsigned")
              : device.isCurrent
                ? msg("ssh.state-current")
                : msg("ssh.state-gone"),
        ]),
        msg("ssh.no-devices"),
      ),
      gap,
      table(
        [msg("heading.host"), msg("heading.address"), msg("heading.keys")],
        hosts.map(({ host }) => [host.Names.join(", "), addressOf(host), String(host.HostKeys?.length ?? 0)]),
        msg("ssh.no-hosts"),
      ),
    ),
    note: isConflict ? msg("ssh.conflict-note") : undefined,
  };
};
