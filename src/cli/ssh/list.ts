import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { gap, readableTime, stack, table } from "../output.js";
import { openCatalog } from "./catalog.js";
import { addressOf, describeDevice, describeHost, fingerprintOf } from "./describe.js";

export const run: Run = async (context, input) => {
  const { session, application, devices, hosts } = await openCatalog(context, input);
  const own = session.state.device.udf;
  const isConflict = [...devices, ...hosts].some((shown) => shown.isConflict);
  return {
    value: {
      application: { udf: application.identifier, name: application.name, updated: application.updated },
      queued: application.queued,
      devices: devices.map((device) => describeDevice(device, own)),
      hosts: hosts.map(describeHost),
    },
    text: stack(
      table(
        [undefined, msg("label.device"), msg("label.made"), msg("ssh.label-fingerprint"), msg("ssh.label-state")],
        devices.map((device) => [
          device.device === own ? "*" : " ",
          device.name,
          readableTime(device.created),
          fingerprintOf(device),
          device.isConflict
            ? msg("ssh.state-conflict")
            : device.isCurrent
              ? msg("ssh.state-current")
              : msg("ssh.state-gone"),
        ]),
        msg("ssh.no-devices"),
      ),
      gap,
      table(
        [msg("ssh.label-host"), msg("ssh.label-address"), msg("label.keys")],
        hosts.map(({ host }) => [host.Names.join(", "), addressOf(host), String(host.HostKeys?.length ?? 0)]),
        msg("ssh.no-hosts"),
      ),
    ),
    note: isConflict ? msg("ssh.conflict-note") : undefined,
  };
};
