// Commands about mail and network settings. Other commands do not pay for them.
export * as mailSet from "./mail/set.js";
export * as mailShow from "./mail/show.js";
export * as mailList from "./mail/list.js";
export * as mailKeys from "./mail/keys.js";
export * as mailRemove from "./mail/remove.js";
export * as networkSet from "./network/set.js";
export * as networkShow from "./network/show.js";
export * as networkList from "./network/list.js";
export * as networkRemove from "./network/remove.js";
