import { MeshError } from "../../errors.js";
import { completeConnection, listPending } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import {
  createConnectionResult,
  parseVerificationCode,
  verificationCode,
  type ConnectionOutcome,
} from "../../mesh/connection.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { nextPersonal } from "../../mesh/profile.js";
import type { Device } from "../../mesh/records/device.js";
import { deviceName, findDevice, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { changeProfile, refresh } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { eachAccount } from "../each-account.js";
import { makeEpoch, masterKey } from "../master.js";
import { checkName } from "../names.js";
import { fields, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, follow, inputNeeded, openSession, type Session } from "../session.js";
import { STATUS_WORDS } from "./connection-status.js";

export const run: Run = async (context, input) => {
  const code = parseVerificationCode(input.argument(0) ?? (await askCode(context)));
  if (input.flag("refuse") && input.flag("admin")) {
    throw new MeshError("usage", msg("device.refuse-or-admin"));
  }
  const label = input.text("name");
  const name = label === undefined ? undefined : checkName(label, "device");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const answered = await eachAccount(session, (client, { account }) =>
    answer(session, input, client, account, code, name),
  );
  if (answered) return answered;
  // No request any more: an earlier run of this command may have answered it.
  const profile = await refresh(session);
  administrationKey(session, profile);
  const device = profile.devices.find(({ udf }) => verificationCode(udf, state.udf) === code);
  if (!device) {
    throw new MeshError("request-not-found", msg("device.code-unknown"), {
      hint: msg("device.code-unknown.hint"),
    });
  }
  if (input.flag("refuse")) throw connectedAlready();
  const changed = await addDevice(session, input, device, name);
  return report("Accepted", device.udf, deviceName(changed, device), isAdministrator(changed, device.udf));
};

const connectedAlready = (): MeshError =>
  new MeshError("conflict", msg("device.connected-already"), { hint: msg("device.connected-already.hint") });

/** Answers the request of that code which waits at an account; gives nothing where there is none. */
const answer = async (
  session: Session,
  input: Input,
  client: PortalClient,
  account: string,
  code: string,
  name: string | undefined,
): Promise<Result | undefined> => {
  const { state, authenticationKey } = session;
  const profile = await follow(session, client, account);
  const key = administrationKey(session, profile);
  const pending = await listPending(client, account, state.udf, authenticationKey);
  const request = pending.find((candidate) => candidate.code === code);
  if (!request) return undefined;
  const { device } = request;
  const post = (outcome: ConnectionOutcome, signer: PrivateKey): Promise<void> => {
    const result = createConnectionResult(device.record, state.udf, outcome, signer);
    return completeConnection(client, account, result, authenticationKey);
  };
  if (input.flag("refuse")) {
    // Its profile may have been published, and the answer lost.
    if (findDevice(profile, device.udf)) throw connectedAlready();
    await post("Refused", key);
    return report("Refused", device.udf, device.name, false);
  }
  const changed = await addDevice(session, input, device, name);
  await post("Accepted", administrationKey(session, changed));
  return report("Accepted", device.udf, deviceName(changed, device), isAdministrator(changed, device.udf));
};

const askCode = async (context: Context): Promise<string> => {
  if (!context.canAsk) throw inputNeeded(msg("device.what-code"), msg("device.what-code.hint"));
  return context.ask.text(msg("device.ask-code"), {
    validate: (text) => {
      try {
        parseVerificationCode(text);
        return true;
      } catch (error) {
        return error instanceof MeshError ? error.text : msg("device.wrong-code");
      }
    },
  });
};

const report = (result: "Accepted" | "Refused", udf: string, name: string, admin: boolean) => ({
  value: { result, device: { udf, name, admin } },
  text: fields([
    [msg("label.result"), STATUS_WORDS[result === "Accepted" ? "accepted" : "refused"]],
    [msg("label.device"), name],
    [msg("label.udf"), udf],
    [msg("label.administrator"), admin ? msg("label.yes") : undefined],
  ]),
});

/** Adds the device, under its name and with its rights, on top of whatever is current. What is done already stays done. */
const addDevice = (
  session: Session,
  input: Input,
  device: Device,
  name: string | undefined,
): Promise<PersonalProfile> =>
  changeProfile(session, async (current) => {
    const key = administrationKey(session, current);
    const listed = findDevice(current, device.udf);
    const devices = listed ? current.devices : [...current.devices, device];
    const change = { devices, ...(name === undefined ? {} : { deviceNames: { [device.udf]: name } }) };
    const { context } = session;
    if (input.flag("admin") && !isAdministrator(current, device.udf)) {
      const master = await masterKey(session, input, current);
      const administrators = current.master.administrators
        .map(({ deviceUdf }) => findDevice(current, deviceUdf))
        .filter((known) => known !== undefined);
      return makeEpoch(context, master, key, current, [...administrators, device], change);
    }
    const renamed = listed && name !== undefined && deviceName(current, listed) !== name;
    return listed && !renamed ? undefined : nextPersonal(key, current, change, context.deps.now());
  });
