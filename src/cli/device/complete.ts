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
import { changeProfile, refresh } from "../change.js";
import { inputRequired, type Context, type Input, type Run } from "../context.js";
import { eachAccount } from "../each-account.js";
import { makeEpoch, masterKey } from "../master.js";
import { checkName } from "../names.js";
import { fields, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, follow, openSession, type Session } from "../session.js";

export const run: Run = async (context, input) => {
  const code = parseVerificationCode(input.argument(0) ?? (await askCode(context)));
  if (input.flag("refuse") && input.flag("admin")) {
    throw new MeshError("usage", "A device is either refused or made an administrator.");
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
    throw new MeshError("request-not-found", "No device waits with that code.", {
      hint: "`meshman device pending` shows who waits. A request lapses after 24 hours.",
    });
  }
  if (input.flag("refuse")) throw connectedAlready();
  const changed = await addDevice(session, input, device, name);
  return report("Accepted", device.udf, deviceName(changed, device), isAdministrator(changed, device.udf));
};

const connectedAlready = (): MeshError =>
  new MeshError("conflict", "The device is connected already.", { hint: "Remove it with `meshman device remove`." });

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
  if (!context.canAsk)
    throw inputRequired("The verification code that the new device shows", "the code as an argument");
  return context.deps.prompts.text("Verification code, as the new device shows it", {
    validate: (text) => {
      try {
        parseVerificationCode(text);
        return true;
      } catch (error) {
        return error instanceof MeshError ? error.message : "That is not a code.";
      }
    },
  });
};

const report = (result: "Accepted" | "Refused", udf: string, name: string, admin: boolean) => ({
  value: { result, device: { udf, name, admin } },
  text: fields([
    ["Result", result.toLowerCase()],
    ["Device", name],
    ["UDF", udf],
    ["Administrator", admin ? "yes" : undefined],
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
