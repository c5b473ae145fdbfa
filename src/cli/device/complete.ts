import { MeshError } from "../../errors.js";
import { completeConnection, listPending } from "../../client/profiles.js";
import type { PortalClient } from "../../client/client.js";
import { createConnectionResult, parseVerificationCode, verificationCode } from "../../mesh/connection.js";
import type { Device } from "../../mesh/records/device.js";
import { deviceName, findDevice, isAdministrator } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { applicationsOf, noteNotGranted, readGranting, type Granting } from "../application/grants.js";
import { refresh } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { eachAccount } from "../each-account.js";
import { masterKey } from "../master.js";
import { checkName } from "../names.js";
import { fields, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { checkDevice } from "../own-profile.js";
import { administrationKey, follow, inputNeeded, openSession, type Session } from "../session.js";
import { admitDevice, answerAccepted, type Admission, type Admitting, type NamedDevice } from "./accept.js";
import { STATUS_WORDS } from "./connection-status.js";

export const run: Run = async (context, input) => {
  const code = parseVerificationCode(input.argument(0) ?? (await askCode(context)));
  if (input.flag("refuse") && input.flag("admin")) {
    throw new MeshError("usage", msg("device.refuse-or-admin"));
  }
  const granting = readGranting(input);
  if (input.flag("refuse") && granting.kind !== "default") {
    throw new MeshError("usage", msg("app.refuse-or-grant"));
  }
  const label = input.text("name");
  const name = label === undefined ? undefined : checkName(label, "device");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const admitting: Admitting = {
    ground: { kind: "code", admin: input.flag("admin"), name, granting },
    master: (profile) => masterKey(session, input, profile),
  };
  const answered = await eachAccount(session, (client, { account }) =>
    answer(session, input, client, account, code, admitting, granting),
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
  return accepted(session, device, await admitDevice(session, { device, account: undefined }, admitting), granting);
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
  admitting: Admitting,
  granting: Granting,
): Promise<Result | undefined> => {
  const { state } = session;
  const profile = await follow(session, client, account);
  const key = administrationKey(session, profile);
  const pending = await listPending(client, account, state.udf, session.authenticationKey);
  const request = pending.find((candidate) => candidate.code === code);
  if (!request) return undefined;
  const { device } = request;
  if (input.flag("refuse")) {
    // Its profile may have been published, and the answer lost.
    if (findDevice(profile, device.udf)) throw connectedAlready();
    const result = createConnectionResult(device.record, state.udf, "Refused", key);
    await completeConnection(client, account, result, session.authenticationKey);
    return report("Refused", { udf: device.udf, name: device.name, admin: false });
  }
  const check = (): Promise<void> => checkDevice(session.context, client, device);
  const admission = await admitDevice(session, { device, account }, { ...admitting, check });
  if (admission.kind === "in") await answerAccepted(session, client, account, device, admission.profile);
  return accepted(session, device, admission, granting);
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

const report = (
  result: "Accepted" | "Refused",
  device: NamedDevice & { readonly admin: boolean },
  replaces?: NamedDevice,
  applications?: readonly string[],
): Result => ({
  value: { result, device, ...(replaces && { replaces }), ...(applications && { applications }) },
  text: fields([
    [msg("label.result"), STATUS_WORDS[result === "Accepted" ? "accepted" : "refused"]],
    [msg("label.device"), device.name],
    [msg("label.udf"), device.udf],
    [msg("label.administrator"), device.admin ? msg("label.yes") : undefined],
    [msg("label.replaces"), replaces?.udf],
    [msg("label.applications"), applications?.join(", ") === "" ? undefined : applications?.join(", ")],
  ]),
});

/** What is told of a device that is in. */
const accepted = async (
  session: Session,
  device: Device,
  admission: Admission,
  granting: Granting,
): Promise<Result> => {
  if (admission.kind === "left") throw new MeshError("internal", msg("approve.left-by-code"));
  const { profile, changed, replaces } = admission;
  const { udf } = device;
  const admin = isAdministrator(profile, udf);
  if (changed && granting.kind === "default") await noteNotGranted(session, profile, udf);
  const named = { udf, name: deviceName(profile, device), admin };
  const result = report("Accepted", named, replaces, applicationsOf(profile, udf));
  // What it says of itself did not hold, so the other device is still there, or was gone before.
  const isFurther = changed && device.replaces !== undefined && !replaces;
  return isFurther ? { ...result, note: msg("approve.not-replacing") } : result;
};
