import type { Field } from "../../mesh/application/password/fields.js";
import type { PasswordValue } from "../../mesh/application/password/value.js";
import type { Context } from "../context.js";

/** What stands in a field of an entry, or undefined where nothing does. A code is the one of now. */
export const fieldOf = async (context: Context, value: PasswordValue, field: Field): Promise<string | undefined> => {
  switch (field) {
    case "password":
      return value.Password;
    case "username":
      return value.Username;
    case "notes":
      return value.Notes;
    case "site":
      return value.Sites?.[0];
    case "title":
      return value.Title;
    case "otp-secret":
      return value.OTP?.Secret;
    default: {
      if (!value.OTP) return undefined;
      const { otpCode, otpUri } = await import("../../mesh/application/password/otp.js");
      return field === "otp" ? otpCode(value.OTP, context.deps.now()).code : otpUri(value.OTP, value.Username);
    }
  }
};
