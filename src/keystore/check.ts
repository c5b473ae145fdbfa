import * as v from "valibot";
import { isMeshError, type ErrorCode } from "../errors.js";
import { decodeBase64url } from "../mesh/bytes.js";
import { parseStrictJsonOctets } from "../mesh/json.js";
import type { KeyUse } from "../mesh/key-use.js";
import { recordHash, SignedRecordSchema, type SignedRecord } from "../mesh/signed-record.js";
import type { Home } from "./home.js";
import type { Keystore } from "./keystore.js";
import { loadPins, type Pins } from "./pins.js";
import { profileFiles, readProfileFile, type ProfileState } from "./state.js";

/** Whether something can be used, and if not why: the code of the error that using it would meet. */
export interface Finding {
  readonly ok: boolean;
  readonly reason?: ErrorCode;
}

export interface HomeCheck {
  readonly ok: boolean;
  readonly keys: readonly ({ readonly kid: string; readonly use: KeyUse } & Finding)[];
  readonly pins: Finding;
  readonly profiles: readonly ({ readonly udf: string; readonly name: string | null } & Finding)[];
}

const find = async (look: () => unknown): Promise<Finding> => {
  try {
    await look();
    return { ok: true };
  } catch (error) {
    if (isMeshError(error)) return { ok: false, reason: error.code };
    throw error;
  }
};

const ProfileSchema = v.object({ PersonalProfile: v.object({ Devices: v.array(SignedRecordSchema) }) });

const isSame = (a: SignedRecord, b: SignedRecord): boolean =>
  a.Identifier === b.Identifier && recordHash(a) === recordHash(b);

/**
 * True where authenticated pins say that this very record of a profile was verified before, with this device in it. To verify
 * it again would take many times longer than all else.
 */
const isVerified = ({ udf, record, device }: ProfileState, pins: Pins | undefined): boolean => {
  if (device.record.Identifier !== device.udf) return false;
  if (record?.Identifier !== udf || pins?.profiles[udf]?.hash !== recordHash(record)) return false;
  const profile = v.safeParse(ProfileSchema, parseStrictJsonOctets(decodeBase64url(record.SignedData.payload)));
  return profile.success && profile.output.PersonalProfile.Devices.some((known) => isSame(known, device.record));
};

/**
 * Looks whether all that a home keeps can be used: every key opens and is the one that its name says, the pins are as this
 * keystore wrote them, and every profile is whole, verified, and has its keys. Writes nothing.
 */
export const checkHome = async (home: Home, keystore: Keystore): Promise<HomeCheck> => {
  const keys: HomeCheck["keys"][number][] = [];
  for (const { kid, use, open } of keystore.entries) keys.push({ kid, use, ...(await find(open)) });
  const isHere = (kid: string, use: KeyUse): boolean =>
    keys.some((key) => key.ok && key.kid === kid && key.use === use);
  let known: Pins | undefined;
  const pins = await find(() => (known = loadPins(home, keystore)));

  /** Throws where a profile cannot be used: its keys are not all here, or a record of it is not what it was. */
  const checkState = async (state: ProfileState): Promise<void> => {
    const { udf, authenticationKey, encryptionKey, onlineSignatureKey } = state.device;
    const needed = [
      [udf, "device-signature"],
      [authenticationKey, "device-authentication"],
      [encryptionKey, "device-encryption"],
      [onlineSignatureKey, "online-signature"],
    ] as const;
    for (const [kid, use] of needed) if (!isHere(kid, use)) keystore.get(kid, use);
    const { ssh } = state;
    if (ssh?.device === udf && !isHere(ssh.key, "ssh-authentication")) keystore.get(ssh.key, "ssh-authentication");
    if (isVerified(state, known)) return;
    const { verifyState } = await import("./verify-state.js");
    verifyState(home, state);
  };

  const profiles: HomeCheck["profiles"][number][] = [];
  for (const file of profileFiles(home)) {
    let state: ProfileState | undefined;
    const finding = await find(async () => {
      state = readProfileFile(home, file);
      if (state) await checkState(state);
    });
    const udf = file.slice(0, -".json".length);
    profiles.push({ udf: state?.udf ?? udf, name: state?.name ?? null, ...finding });
  }
  return { ok: [...keys, pins, ...profiles].every(({ ok }) => ok), keys, pins, profiles };
};
