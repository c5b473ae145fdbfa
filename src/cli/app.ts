// Commands about applications as such. Other commands do not pay for them.
export * as appGrant from "./app/grant.js";
export * as appRevoke from "./app/revoke.js";
export * as appExposure from "./app/exposure.js";
export * as appList from "./app/list.js";
export * as appShow from "./app/show.js";
export * as appCreate from "./app/create.js";
export * as appHistory from "./app/history.js";
export * as appConflicts from "./app/conflicts.js";
export * as appResolve from "./app/resolve.js";
export * as appRename from "./app/rename.js";
export * as appDelete from "./app/delete.js";
export * as sync from "./sync.js";
