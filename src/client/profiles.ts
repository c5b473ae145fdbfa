/** What commands do with a portal. Everything that these functions give has been verified, unless they say otherwise. */
export { createAccount, deleteAccount } from "./account.js";
export { completeConnection, connectionResult, listPending, startConnection } from "./connect.js";
export { fetchEscrowEntry, publishEscrowEntry } from "./escrow.js";
export { fetchAccount, fetchHistory, fetchProfile } from "./fetch.js";
export type { FetchedAccount, FetchedProfile, ProfileQuery } from "./fetch.js";
export { followProfile, type Followed } from "./follow.js";
export { bringUp, keepsSuccession, publishEntry, publishProfile } from "./publish.js";
