import { MeshError } from "../../errors.js";
import { completeConnection, listPending } from "../../client/profiles.js";
import { createConnectionResult, parseVerificationCode, verificationCode } from "../../mesh/connection.js";
import { nextPersonal } from "../../mesh/profile.js";
import type { Device } from "../../mesh/records/device.js";
import { deviceName, findDevice, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { changeProfile, withClient } from "../change.js";
import { inputRequired, type Context, type Input, type Run } from "../context.js";
import { makeEpoch, masterKey } from "../master.js";
import { checkName } from "../names.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, administrationKey, follow, openAccount, openSession, type Session } from "../session.js";

export const run: Run = async (context, input) => {
  const code = parseVerificationCode(input.argument(0) ?? (await askCode(context)));
  const label = input.text("name");
  const name = label === undefined ? undefined : checkName(label, "device");
  const state = await requireProfile(context);
  const account = accountOf(context, state);
  const session = await openSession(context, state);
  return withClient(openAccount(context, account), async (client) => {
    const profile = await follow(session, client, account.account);
    const key = administrationKey(session, profile);
    const pending = await listPending(client, account.account, state.udf, session.authenticationKey);
    const request = pending.find((candidate) => candidate.code === code);
    const device = request?.device ?? profile.devices.find(({ udf }) => verificationCode(udf, state.udf) === code);
    if (!device) {
      throw new MeshError("request-not-found", "No device waits with that code.", {
        hint: "`meshman device pending` shows who waits. A request lapses after 24 hours.",
      });
    }
    if (input.flag("refuse")) {
      // Also where its request is still there: its profile was published, and the answer was lost.
      if (!request || findDevice(profile, device.udf))
        throw new MeshError("conflict", "The device is connected already.", {
          hint: "Remove it with `meshman device remove`.",
        });
      await completeConnection(
        client,
        account.account,
        createConnectionResult(device.record, state.udf, "Refused", key),
        session.authenticationKey,
      );
      return report("Refused", device.udf, device.name, false);
    }
    const changed = await addDevice(session, input, device, name);
    // No request any more: an earlier run of this command has answered it.
    if (request) {
      await completeConnection(
        client,
        account.account,
        createConnectionResult(device.record, state.udf, "Accepted", administrationKey(session, changed)),
        session.authenticationKey,
      );
    }
    return report("Accepted", device.udf, deviceName(changed, device), isAdministrator(changed, device.udf));
  });
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
