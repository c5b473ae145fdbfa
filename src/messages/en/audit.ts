/** What `audit` finds in the logs of portals. */
export const audit = {
  "audit.no-log": "The portal {url} keeps no log.",
  "audit.file-wrong": "The portal {url} serves {file}, which is not what the head of its log says.",
  "audit.leaves-disordered": "Entry {index} of the log of the portal {url} does not follow the one before it.",
  "audit.progress": "Verified {done} of {size} entries.",
  "audit.log-too-large":
    "The log of the portal {url} has {size} entries, which is more than this program looks through.",
  "audit.log-verified": {
    one: "The log holds: its {count} entry was verified.",
    other: "The log holds: all {count} entries were verified.",
  },
  "audit.verified-before": "the first {count}",
  "audit.portal-said": "{portal}: {reason}",
  "audit.no-portals": "There is no portal to look at.",
  "audit.consistent": "consistent",
  "audit.inconsistent": "NOT CONSISTENT",
  "audit.not-current": "NOT CURRENT",
  "audit.logless": "keeps no log",
  "audit.unreachable": "not reached",
  "audit.own-disordered": "The log of the portal {url} has entries about {identifier} that do not follow each other.",
  "audit.own-omitted":
    "The log of the portal {url} has an entry about {identifier} whose record the portal does not serve.",
  "audit.all-own": "The log has nothing about you that this device did not make.",
  "audit.not-made-here": {
    one: "The log has {count} entry about you that this device did not make.",
    other: "The log has {count} entries about you that this device did not make.",
  },
  "audit.not-made-here.hint":
    "Check that you know each of them. Remove a device that you do not know: meshman device remove NAME",
  "audit.looked-through": {
    one: "{portal}: entries {from} to {size}, {count} of them about you",
    other: "{portal}: entries {from} to {size}, {count} of them about you",
  },
  "audit.nobody-known": "unknown",
  "audit.by-portal": "the portal",
  "audit.leaf-personal": "profile",
  "audit.leaf-master": "revocation note",
  "audit.leaf-device": "device profile",
  "audit.leaf-application": "application profile",
  "audit.leaf-escrow": "escrow entry",
  "audit.leaf-account": "account",
  "audit.leaf-result": "answer to a device",
  "audit.leaf-key": "key of the log",

  "audit.kind-fork": "The file says that the portal has shown another history than before.",
  "audit.kind-rollback": "The file says that the portal has gone back to an earlier history.",
  "audit.kind-split": "The file says that the portal has shown two devices two histories.",
  "audit.kind-omission": "The file says that the portal does not serve a record that its log has.",
  "audit.kind-order": "The file says that the portal has given versions of a record in the wrong order.",
  "audit.kind-key-changed": "The file says that the portal has another key, which the known one has not signed.",
  "audit.kind-proof-invalid": "The file says that the portal gave a proof that does not hold.",
  "audit.kind-page-truncated": "The file says that the portal ended a list before its end.",
  "audit.two-roots": "That is proven: two signed heads of one size have different roots.",
  "audit.other-prefix": "That is proven: the longer of two signed histories does not begin with the shorter one.",
  "audit.two-leaves": "That is proven: two entries stand at one place of a signed history.",
  "audit.links": "That is proven: an entry of a signed history does not name the one before it.",
  "audit.sequences": "That is proven: versions in a signed history do not rise.",
  "audit.two-keys": "That is proven: one key has signed two others to follow it.",
  "audit.unexplained": "All signatures hold, but it is no proof: the portal may still explain it.",
  "audit.head": {
    one: "{count} entry, signed at {time}",
    other: "{count} entries, signed at {time}",
  },
  "audit.know-key": "This counts only where the key of the log is that portal's. Compare it with one that you know.",
  "audit.head-pinned": {
    one: "{count} entry",
    other: "{count} entries",
  },
  "audit.accept-known": "Known key: {key} ({head})",
  "audit.accept-announced": "Announced key: {key} ({head})",
  "audit.accept-unconfirmed":
    "The portal {url} has begun another log. It takes the place of the known one only where its key is confirmed.",
  "audit.accept-unconfirmed.hint":
    "Ask whoever runs the portal for the key of the log, by another way than through the portal, and give the whole key as you were told: --confirm KEY",
  "audit.accept-other-key": "The portal {url} announces another log key than the one that you confirm.",
  "audit.accept-same-log":
    "The portal {url} announces another key for a log of the same name. That is no new log: a new one has a new name.",
  "audit.accepted": "From now on the new log of the portal {url} counts.",
  "audit.accepted.hint":
    "Do the same on your other devices. Where a command says that the portal has gone back to an older profile, it has lost your newest changes: tell whoever runs it.",
  "audit.nothing-to-accept":
    "There is nothing to accept: nothing that is known here of the portal {url} speaks against its log.",

  "help.audit.summary": "look at the logs of your portals",
  "help.audit.description":
    "A portal of ours keeps a log of every change and signs it, so that it cannot show different histories to different people. What does not fit is kept as evidence in the home.",
  "help.audit.status.summary": "show how far each portal's log is known, and whether it still fits",
  "help.audit.status.description":
    "Asks each portal for its newest signed head and verifies that it goes on from what this home has seen. The exit status is 7 where one does not, and 6 where no portal could be reached.",
  "help.audit.self.summary": "look for what others did in your name",
  "help.audit.self.description":
    "Goes through the logs since the last time, checks every entry about your profile, accounts and devices, and shows those that this device did not make. The exit status is 7 where the log is not in order, or the portal does not serve what it has.",
  "help.audit.self.all": "look at the whole log again, not only at what is new",
  "help.audit.log.summary": "verify the whole log of a portal",
  "help.audit.log.description":
    "Fetches every entry, recomputes the root that the portal has signed, and checks that entries follow each other. Interrupted, it goes on where it was; run again, it verifies what is new.",
  "help.audit.log.all": "begin with the first entry again",
  "help.audit.accept.summary": "accept that a portal has begun a new log",
  "help.audit.accept.description":
    "Where a portal has lost the key of its log, or entries of it, it can only begin a new log. Every other command refuses that, since a stranger in the portal's place would look the same: so ask whoever runs the portal first, by another way than through the portal. What was known of the old log is kept as evidence in the home. Your profile is held to what was seen of it, as before.",
  "help.audit.accept.confirm": "the whole key of the new log, as you were told by another way",
  "help.audit.evidence.summary": "verify a file of evidence against a portal",
  "help.audit.evidence.description":
    "Needs no portal and no home. The exit status is 0 where everything in the file holds; whether that proves something is said.",
  "help.audit.evidence.file": "the file, as it lies in the folder evidence of a home",
} as const;
