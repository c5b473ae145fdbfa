// Commands that show what this home knows, and verify, unlock and ask nothing. They are part of the program from the start,
// since most of what they take is needed by every command.
export * as profileShow from "./profile/show.js";
export * as profileList from "./profile/list.js";
export * as profileUse from "./profile/use.js";
export * as accountList from "./account/list.js";
