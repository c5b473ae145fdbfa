// Commands that read the log of a portal, loaded together.
export * as status from "./status.js";
export * as self from "./self.js";
export * as log from "./log.js";
export * as accept from "./accept.js";
