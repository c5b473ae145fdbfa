// Commands that show what this home knows, and verify and ask nothing. They are loaded together and without the rest, since
// a program that starts pays for every file that it opens.
export * as profileShow from "./profile/show.js";
export * as profileList from "./profile/list.js";
export * as profileUse from "./profile/use.js";
export * as accountList from "./account/list.js";
export * as keystoreStatus from "./keystore/status.js";
export * as status from "./status.js";
export * as udf from "./udf.js";
