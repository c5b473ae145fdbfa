import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";

/** The error for a device that another administrator has removed while a command was at work on it. */
export const deviceGone = (text: string): MeshError =>
  new MeshError("device-not-found", msg("mesh.device-unknown", { device: JSON.stringify(text.slice(0, 64)) }), {
    hint: msg("mesh.device-unknown.hint"),
  });
