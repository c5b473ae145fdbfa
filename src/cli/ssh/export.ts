import { ed25519Blob, ed25519Text, sshFingerprint } from "../../mesh/application/ssh/public-key.js";
import { changingSession } from "../application/access.js";
import type { Run } from "../context.js";
import { raw } from "../output.js";
import { newestProfile } from "./catalog.js";
import { ownComment, ownName, requireOwnKey } from "./own-key.js";

export const run: Run = async (context) => {
  const session = await changingSession(context);
  const { key } = requireOwnKey(session);
  const profile = newestProfile(session);
  const publicKey = `${ed25519Text(key)} ${ownComment(session, profile)}`;
  return {
    value: {
      device: { udf: session.state.device.udf, name: ownName(session, profile) },
      publicKey,
      fingerprint: sshFingerprint(ed25519Blob(key.x)),
    },
    text: raw(`${publicKey}\n`),
  };
};
