export const portal = {
  "portal.done": "Operation completed successfully.",
  // A sentence that says what is wrong, and one that says what to do.
  "portal.with-hint": "{text} {hint}",

  // Failures of the portal itself, as its clients hear of them.
  "portal.failed": "The portal failed. Try again later, or tell whoever runs it.",
  "portal.damaged": "The portal's store is damaged. Whoever runs the portal must restore it.",
  "portal.busy": "The portal is busy. Try again in a moment.",
  "portal.unwritable": "The portal cannot write to its store now. Try again later, or tell whoever runs it.",

  // Requests that are refused for their form.
  "portal.host-unknown":
    "This portal does not go by the name in the Host header. Use the address that its owner gave you.",
  "portal.path-unknown": "There is nothing here. The Mesh portal is at {path}.",
  "portal.method-wrong": "Send Mesh requests with POST.",
  "portal.request-large": "A request has at most {octets} octets.",
  "portal.record-large": "A record has at most {octets} octets.",
  "portal.request-form": "A request is a JSON object with exactly one member, such as {example}.",
  "portal.transaction-unknown": "This portal knows no transaction named {name}.",
  "portal.transaction-form": "A {transaction} transaction holds exactly one member, named {member}.",
  "portal.message-form": "The {name} is not an object.",
  // The subject of a schema message: the name is that of a message of the protocol, such as GetRequest.
  "portal.what-message": "The {name}",
  "portal.rate": "Too many requests. Try again later.",
  "portal.page-key": "The PageKey is not one that this portal gave for such a request.",
  "portal.max-entries": "MaxEntries must be at least 1.",

  // Signatures of requests.
  "portal.signature-needed": "This request must be signed with a device authentication key (RFC 9421).",
  "portal.signature-wrong": "The request is not signed with a device authentication key that may make it.",
  "portal.signature-foreign": "The request is not signed by a device of the profile enclosed.",
  "portal.nonce-used": "The nonce of this request was used before, with another body. Sign with a fresh nonce.",

  // Accounts.
  "portal.account-unknown": "There is no such account at this portal.",
  "portal.account-deleted": "The account has been deleted.",
  "portal.account-suspended": "The account is suspended. Ask whoever runs the portal.",
  "portal.account-other-suspended": "Another account of the profile is suspended. Ask whoever runs the portal.",
  "portal.account-delete-right": "Only an administration device of the account's profile may delete it.",
  "portal.account-domain": "This portal does not serve the domain of that account.",
  "portal.account-profile-type": "An account is created for a SignedPersonalProfile.",
  "portal.account-taken": "The account name is taken.",
  "portal.account-gone": "The account has been deleted, and its name is not given out again.",
  "portal.account-reserved": "The account name is reserved for somebody else. Try again in ten minutes.",
  "portal.account-quota": {
    one: "A profile has at most {count} account at this portal, deleted ones among them.",
    other: "A profile has at most {count} accounts at this portal, deleted ones among them.",
  },

  // Why an account name cannot be had.
  "portal.reason.empty": "The account name is empty.",
  "portal.reason.long": "The account name has more than 64 characters.",
  "portal.reason.characters": "The account name has characters that are not allowed.",
  "portal.reason.dots": "The account name starts or ends with a dot, or has two dots in a row.",
  "portal.reason.domain": "What stands behind the @ is not a domain name.",
  "portal.reason.foreign": "This portal does not serve that domain.",
  "portal.reason.taken": "The account name is taken.",
  "portal.reason.deleted": "An account of that name has been deleted, and the name is not given out again.",
  "portal.reason.reserved": "The account name is reserved for somebody else for a few minutes.",

  // Publishing records.
  "portal.profile-revoked": "The profile has been revoked by its owner.",
  "portal.profile-version":
    "The profile is at version {version} here, and what was sent does not directly follow it. Fetch the current version and make the change anew.",
  "portal.owner-accountless": "The profile it belongs to has no account at this portal. Create one first.",
  "portal.owner-unknown": "The profile it belongs to is not known at this portal.",
  "portal.application-taken": "The identifier belongs to another application profile.",
  "portal.application-version":
    "The application profile is at version {version} here, and what was sent does not directly follow it. Fetch the current version and make the change anew.",
  "portal.identifier-taken": "A record of another type has that identifier.",
  "portal.device-lapsed":
    "This device has lapsed: the time that an administrator gave it is over. Renew it on an administration device.",
  "portal.device-unlisted": "No profile at this portal lists the device.",
  "portal.device-otherwise": "The profile lists the device with another device profile.",
  "portal.device-unchanging": "The profile of a device never changes.",
  "portal.escrow-right": "Only an administration device of a profile with an account here may publish this.",
  "portal.escrow-taken": "An escrow entry never changes, and there is another one of that identifier.",
  "portal.revocation-form":
    "A master profile is published inside a personal profile; by itself only a revocation note is.",
  "portal.revocation-unknown": "The profile that the note revokes is not known at this portal.",
  "portal.revocation-other": "The profile has been revoked already, by another note.",
  "portal.quota-octets": "The profile's records take up all of the {octets} octets that this portal keeps for it.",
  "portal.quota-records": {
    one: "The profile has the {count} record that this portal keeps for it.",
    other: "The profile has the {count} records that this portal keeps for it.",
  },

  // Finding records.
  "portal.record-unknown": "There is no such record at this portal.",
  "portal.key-values": "The keys of KeyValues are Name and Type.",
  "portal.get-what": "Say what to get: an Account, an Identifier or KeyValues.",
  "portal.log-closed": "This portal gives its log to nobody.",
  "portal.log-right": "The log is given to authorised peers only.",
  "portal.log-after": "After must be a transaction identifier, such as TID:7.",

  // Connecting devices.
  "portal.connect-other-profile": "The account belongs to another profile than the one to be joined.",
  "portal.pending-right": "Only an administration device of the account's profile may see who wants to join it.",
  "portal.device-not-asking": "No device of that fingerprint has asked to join the account.",
  "portal.device-not-waiting": "No device of that fingerprint has asked to join the account, or its request lapsed.",
  "portal.request-unknown": "No such device has asked to join the account, or its request lapsed.",
  "portal.result-other-profile": "The result is of another profile than the account's.",
  "portal.result-given": "The request has been answered already, and otherwise.",
  "portal.result-other-device":
    "The result is not about the device profile that the request shows. List the requests again.",
  "portal.result-early": "The profile does not list the device yet. Publish the profile with the device first.",
  "portal.result-late": "The profile lists the device already. Remove it from the profile instead.",

  // What whoever runs the portal hears.
  "portal.listen-invalid": "{text} is not an address to listen at.",
  "portal.listen-invalid.hint": "Write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080.",
  "portal.listen-failed": "It is not possible to listen at {address}.",
  "portal.listen-failed.hint": "See that the address is one of this machine's and that no other program uses the port.",
  "portal.domain-invalid": "{domain} is not a domain name.",
  "portal.folder-failed": "The folder of the portal's store {file} cannot be made.",
  "portal.folder-failed.hint": "Name another place, or see that the folder above it may be written.",
  "portal.store-locked": "Other programs keep the portal's store {file} locked.",
  "portal.store-locked.hint": "Try again in a moment.",
  "portal.store-read-only": "The portal's store {file} cannot be written.",
  "portal.store-failed": "The portal's store {file} cannot be used: {code}.",
  "portal.store-failed.hint": "See that the folder exists, that it may be written, and that the disk has space left.",
  "portal.store-damaged": "The file {file} is damaged, or is not a portal's store.",
  "portal.store-damaged.hint": "Restore it from a backup, or name another file.",
  "portal.store-newer": "The portal's store {file} was written by a newer meshman.",
  "portal.store-newer.hint": "Update meshman on this machine.",
  "portal.store-unshared": "The portal's store {file} cannot be shared there.",
  "portal.store-unshared.hint": "Put it on a local disk.",
  "portal.store-closed": "The portal's store is closed.",
  "portal.stored-profile": "The stored profile {udf} does not verify.",
  "portal.stored-account": "An account has no profile.",
} as const;
