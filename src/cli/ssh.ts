// The commands about SSH. They share nearly everything, so they are loaded together, and without all others.
export * as add from "./ssh/add.js";
export * as agent from "./ssh/agent.js";
export * as authorizedKeys from "./ssh/authorized-keys.js";
export * as config from "./ssh/config.js";
export * as exportKey from "./ssh/export.js";
export * as install from "./ssh/install.js";
export * as knownHosts from "./ssh/known-hosts.js";
export * as list from "./ssh/list.js";
export * as refresh from "./ssh/refresh.js";
export * as remove from "./ssh/remove.js";
