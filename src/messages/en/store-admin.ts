/** What the commands for a portal's own store say: fsck, stats, suspend, migrate, backup and restore. */
export const storeAdmin = {
  "portal.store-missing": "There is no portal's store {place}.",
  "portal.store-missing.hint": "See that it is the one you mean. `meshman portal serve` makes a new one.",
  "portal.store-unfinished": "A backup was to be restored into the portal's store {place}, and that was not finished.",
  "portal.store-unfinished.hint": "Run `meshman portal restore` again.",
  "store.no-key-file": "There is no key file {file}.",
  "store.no-key-file.hint": "Name the file with the key of the portal's log: --log-key-file.",

  "fsck.progress": { one: "{count} item verified so far.", other: "{count} items verified so far." },
  "fsck.clean": "Everything is as the log says: {leaves} leaves, {records} records, {accounts} accounts.",
  "fsck.more": { one: "and {count} more", other: "and {count} more" },
  "fsck.bad": {
    one: "The store and its log do not agree in {count} place. Do not go on serving it before you know why.",
    other: "The store and its log do not agree in {count} places. Do not go on serving it before you know why.",
  },

  "stats.accounts": "{open} open, {suspended} suspended, {closed} closed",

  "suspend.unknown": "The portal has no account {account}.",
  "suspend.closed": "The account {account} has been deleted, and stays so.",
  "suspend.suspended-done": "The account {account} is suspended.",
  "suspend.suspended-already": "The account {account} was suspended already.",
  "suspend.open-done": "The account {account} is open again.",
  "suspend.open-already": "The account {account} was open already.",

  "keys.lost": "The file {file} does not hold the present key. Without it nothing more can be written.",
  "keys.copy": "The new key is in the file {file}: make a copy of that file somewhere else.",

  "migrate.current": "The store {store} is of version {version}, which this meshman uses.",
  "migrate.begins":
    "The store {store} is being brought up to date. Nobody else can write to it until that is done. Stop older programs that serve it.",
  "migrate.done": "The store {store} was brought from version {from} up to version {to}.",
  "migrate.advice":
    "Older programs cannot use it any more. The key of its log is in the file {file}: keep a copy of that file somewhere else.",

  "store-backup.progress": { one: "{count} line so far.", other: "{count} lines so far." },
  "store-backup.no-key":
    "The backup does not hold the key of the log. Keep a copy of the key file too, and not in the same place.",
  "store-backup.none": "This is no backup of a portal's store.",
  "store-backup.newer": "The backup was written by a newer meshman.",
  "store-backup.line-wrong": "The backup is damaged in line {number}.",
  "store-backup.unfinished": "The backup breaks off before its end.",
  "store-backup.checksum": "The backup is damaged: its checksum is another.",
  "store-backup.head-wrong": "The head in the backup is not signed with the key of its log.",
  "store-backup.leaf-wrong": "The log in the backup is not the one whose head was signed.",
  "store-backup.contradiction": "What the backup says contradicts itself.",

  "restore.choose": "Say whether the portal has served anything newer than the backup: --latest or --new-log.",
  "restore.choose.hint":
    "Use --latest only where nothing was signed after it. Else use --new-log, since clients take a log that goes back for a lie.",
  "restore.reads": "The backup is being read through.",
  "restore.loads": "The backup is being put into the store.",
  "restore.checks": "The store is being verified against its log.",
  "restore.latest": "The log goes on where the backup ends. Put its key file in its place before the portal is served.",
  "restore.new-log":
    "The portal has a new log now, with its key in the file {file}. At the old address every client stops until its user accepts the new log with `meshman audit accept`: tell the users its log key by another way than through the portal. At a new address nobody has to.",
  "restore.origin-same": "The new log cannot have the name {origin}: the former one has it.",
  "restore.origin-same.hint": "Give another name with --log-origin.",
  "restore.key-there": "The new log needs a new key, and there is a key file {file} already.",
  "restore.key-there.hint": "Name another file with --log-key-file, or move that one away.",
  "restore.not-empty": "The store {store} is not empty.",
  "restore.not-empty.hint": "Restore into a new one: a file that is not there yet, or an empty database.",
  "restore.wrong": "What was restored does not agree with its log, and is not served.",
  "restore.wrong.hint": "Use another backup. `meshman portal fsck` tells before a backup whether the store is sound.",
} as const;
