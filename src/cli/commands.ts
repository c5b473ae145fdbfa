import type { NounDeclaration, OptionDeclaration, VerbDeclaration } from "./declare.js";
import * as offline from "./offline.js";

const NO_PASSPHRASE: OptionDeclaration = ["--no-passphrase", "help.option.no-passphrase"];
const SHARE_FILE: OptionDeclaration = ["--share-file <file>", "help.option.share-file", "list"];
const ENTRY_FILE: OptionDeclaration = ["--entry-file <file>", "help.option.entry-file", "list"];
const BACKUP_PASSPHRASE: readonly OptionDeclaration[] = [
  ["--backup-passphrase-file <path>", "help.option.backup-passphrase-file"],
  ["--backup-passphrase-fd <n>", "help.option.backup-passphrase-fd", "whole"],
];
const NEW_PASSPHRASE: readonly OptionDeclaration[] = [
  ["--new-passphrase-file <path>", "help.keystore.passwd.new-passphrase-file"],
  ["--new-passphrase-fd <n>", "help.keystore.passwd.new-passphrase-fd", "whole"],
];
const EXPECT: OptionDeclaration = ["--expect-fingerprint <udf>", "help.option.expect-fingerprint"];
const DEVICE_NAME: OptionDeclaration = ["--device-name <name>", "help.option.device-name"];
const GRANT: OptionDeclaration = ["--grant <application>", "help.option.grant", "list"];
const NO_GRANT: OptionDeclaration = ["--no-grant", "help.option.no-grant"];
const APP_OFFLINE: OptionDeclaration = ["--offline", "help.option.app-offline"];
const APP_QUEUE: OptionDeclaration = ["--offline", "help.option.app-queue"];
const APPLICATION: OptionDeclaration = ["--app <application>", "help.option.app"];

/** Which entry is meant, and what it can be told by where several are alike. */
const PASSWORD_ENTRY: VerbDeclaration["arguments"] = [
  ["[site]", "help.password.site"],
  ["[user]", "help.password.user"],
];
const ENTRY_ID: OptionDeclaration = ["--entry <id>", "help.password.entry"];
/** What a password that is made here is like. */
const PASSWORD_RULES: readonly OptionDeclaration[] = [
  ["--length <n>", "help.password.generate.length", "whole"],
  ["--bits <n>", "help.password.generate.bits", "whole"],
  ["--words [n]", "help.password.generate.words", "whole"],
  ["--symbols", "help.password.generate.symbols"],
  ["--letters-only", "help.password.generate.letters-only"],
  ["--plain", "help.password.generate.plain"],
];
/** Where a password comes from. */
const PASSWORD_SOURCES: readonly OptionDeclaration[] = [
  ["--generate", "help.password.generate-it"],
  ...PASSWORD_RULES,
  ["--password-file <path>", "help.password.password-file"],
  ["--password-fd <n>", "help.password.password-fd", "whole"],
];
/** What else is kept with a password. */
const PASSWORD_FIELDS: readonly OptionDeclaration[] = [
  ["--otp", "help.password.otp"],
  ["--otp-file <path>", "help.password.otp-file"],
  ["--otp-fd <n>", "help.password.otp-fd", "whole"],
  ["--note-file <path>", "help.password.note-file"],
  ["--title <title>", "help.password.title"],
];

const connect: VerbDeclaration = {
  arguments: [["<address>", "help.device.connect.address"]],
  options: [
    EXPECT,
    ["--pin-file <file>", "help.device.connect.pin-file"],
    ["--pin-fd <n>", "help.device.connect.pin-fd", "whole"],
    ["--trust-on-first-use", "help.device.connect.trust-on-first-use"],
    DEVICE_NAME,
    ["--wait [seconds]", "help.device.connect.wait", "whole"],
    NO_PASSPHRASE,
  ],
  summary: "help.device.connect.summary",
  description: "help.device.connect.description",
  examples: [
    "meshman device connect alice@example.com --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF",
    "meshman device connect alice@example.com --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF --wait 600 --no-passphrase --json",
    "meshman device connect alice@example.com --pin-file pin.txt --wait",
  ],
  load: async () => (await import("./online.js")).deviceConnect,
};

const pending: VerbDeclaration = {
  summary: "help.device.pending.summary",
  description: "help.device.pending.description",
  examples: ["meshman device pending"],
  load: async () => (await import("./online.js")).devicePending,
};

const complete: VerbDeclaration = {
  arguments: [["[code]", "help.device.complete.code"]],
  options: [
    ["--refuse", "help.device.complete.refuse"],
    ["--admin", "help.device.complete.admin"],
    ["--name <name>", "help.device.complete.name"],
    GRANT,
    NO_GRANT,
    SHARE_FILE,
    ENTRY_FILE,
  ],
  summary: "help.device.complete.summary",
  description: "help.device.complete.description",
  examples: [
    "meshman device complete MAUQ-2VXH-NR5A-TZC3-J3KD",
    "meshman device complete MAUQ-2VXH-NR5A-TZC3-J3KD --admin --share-file one.txt --share-file two.txt",
    "meshman device complete MAUQ-2VXH-NR5A-TZC3-J3KD --refuse",
  ],
  load: async () => (await import("./online.js")).deviceComplete,
};

/** What the commands about SSH have in common. */
const SSH_OUT: OptionDeclaration = ["--out <file>", "help.ssh.out"];
const SSH_APPLICATION: readonly OptionDeclaration[] = [
  ["--app <name>", "help.ssh.app"],
  ["--offline", "help.ssh.offline"],
];
const SSH_HOST: NonNullable<VerbDeclaration["arguments"]> = [
  ["<host>", "help.ssh.host"],
  ["[options...]", "help.ssh.options"],
];

/** Where a portal's store is: the same for serving it and for looking after it. */
const PORTAL_STORE: readonly OptionDeclaration[] = [
  ["--store <store>", "help.portal.serve.store"],
  ["--store-file <path>", "help.portal.serve.store-file"],
  ["--log-key-file <path>", "help.portal.serve.log-key-file"],
  ["--config <file>", "help.portal.serve.config"],
];
const PORTAL_LOG_ORIGIN: OptionDeclaration = ["--log-origin <name>", "help.portal.serve.log-origin"];

/** How a mail server is reached, by which mail comes or goes. */
const mailConnection = (direction: "inbound" | "outbound"): readonly OptionDeclaration[] => [
  [`--${direction}-server <host>`, `help.mail.set.${direction}`],
  [`--${direction}-port <n>`, "help.mail.set.port", "whole"],
  [`--${direction}-security <mode>`, "help.mail.set.security", "list"],
  [`--${direction}-user <name>`, "help.mail.set.connection-user"],
  [`--${direction}-prefix <prefix>`, "help.mail.set.prefix"],
  [`--${direction}-uri <uri>`, "help.mail.set.uri"],
  [`--${direction}-auth <mechanisms>`, "help.mail.set.authentication"],
  [`--${direction}-timeout <seconds>`, "help.mail.set.timeout", "whole"],
  [`--${direction}-polling <answer>`, "help.mail.set.polling"],
];

/** The same with the verbs still to be made: a command needs those of one noun alone. */
const DECLARED: readonly (Omit<NounDeclaration, "verbs"> & { readonly verbs: () => NounDeclaration["verbs"] })[] = [
  {
    name: "profile",
    summary: "help.profile.summary",
    description: "help.profile.description",
    verbs: () => ({
      create: {
        options: [["--name <name>", "help.profile.create.name"], DEVICE_NAME, NO_PASSPHRASE],
        summary: "help.profile.create.summary",
        description: "help.profile.create.description",
        examples: [
          "meshman profile create",
          "meshman profile create --name work --device-name laptop --no-passphrase --json",
        ],
        load: async () => (await import("./online.js")).profileCreate,
      },
      show: {
        summary: "help.profile.show.summary",
        description: "help.profile.show.description",
        examples: ["meshman profile show", "meshman profile show --json --profile work"],
        load: () => Promise.resolve(offline.profileShow),
      },
      list: {
        summary: "help.profile.list.summary",
        examples: ["meshman profile list"],
        load: () => Promise.resolve(offline.profileList),
      },
      use: {
        arguments: [["<name>", "help.profile.use.name"]],
        summary: "help.profile.use.summary",
        examples: ["meshman profile use work"],
        load: () => Promise.resolve(offline.profileUse),
      },
      verify: {
        summary: "help.profile.verify.summary",
        description: "help.profile.verify.description",
        examples: ["meshman profile verify"],
        load: async () => (await import("./online.js")).profileVerify,
      },
      export: {
        options: [
          ["--format <format>", "help.profile.export.format"],
          ["--private", "help.profile.export.private"],
          ["--out <file>", "help.profile.export.out"],
          ...BACKUP_PASSPHRASE,
        ],
        summary: "help.profile.export.summary",
        description: "help.profile.export.description",
        examples: [
          "meshman profile export > profile.json",
          "meshman profile export --format pem > chain.pem",
          "meshman profile export --private --out backup.json --backup-passphrase-file backup.txt",
        ],
        load: async () => (await import("./online.js")).profileExport,
      },
      import: {
        arguments: [["<file>", "help.profile.import.file"]],
        options: [
          ["--replace", "help.profile.import.replace"],
          ["--name <name>", "help.profile.import.name"],
          ...BACKUP_PASSPHRASE,
          NO_PASSPHRASE,
        ],
        summary: "help.profile.import.summary",
        description: "help.profile.import.description",
        examples: [
          "meshman profile import backup.json",
          "meshman profile import backup.json --backup-passphrase-file backup.txt --no-passphrase --yes --json",
        ],
        load: async () => (await import("./online.js")).profileImport,
      },
      revocation: {
        options: [["--out <file>", "help.profile.revocation.out", "required"]],
        summary: "help.profile.revocation.summary",
        description: "help.profile.revocation.description",
        examples: ["meshman profile revocation --out revocation.json"],
        load: async () => (await import("./online.js")).profileRevocation,
      },
      revoke: {
        arguments: [["<file>", "help.profile.revoke.file"]],
        summary: "help.profile.revoke.summary",
        description: "help.profile.revoke.description",
        examples: [
          "meshman profile revoke revocation.json",
          "meshman profile revoke revocation.json --account alice@example.com --yes",
        ],
        load: async () => (await import("./online.js")).profileRevoke,
      },
      delete: {
        arguments: [["[name]", "help.profile.delete.name"]],
        options: [["--confirm <name>", "help.profile.delete.confirm"]],
        summary: "help.profile.delete.summary",
        description: "help.profile.delete.description",
        examples: ["meshman profile delete work --confirm work"],
        load: async () => (await import("./online.js")).profileDelete,
      },
    }),
  },
  {
    name: "account",
    summary: "help.account.summary",
    description: "help.account.description",
    verbs: () => ({
      validate: {
        arguments: [["<address>", "help.account.validate.address"]],
        summary: "help.account.validate.summary",
        description: "help.account.validate.description",
        examples: ["meshman account validate alice@example.com", "meshman account validate alice --portal local"],
        load: async () => (await import("./online.js")).accountValidate,
      },
      create: {
        arguments: [["<address>", "help.account.create.address"]],
        summary: "help.account.create.summary",
        description: "help.account.create.description",
        examples: ["meshman account create alice@example.com", "meshman account create alice --portal local"],
        load: async () => (await import("./online.js")).accountCreate,
      },
      list: {
        summary: "help.account.list.summary",
        examples: ["meshman account list"],
        load: () => Promise.resolve(offline.accountList),
      },
      status: {
        arguments: [["[address]", "help.account.status.address"]],
        summary: "help.account.status.summary",
        examples: ["meshman account status", "meshman account status bob@example.com --json"],
        load: async () => (await import("./online.js")).accountStatus,
      },
      delete: {
        arguments: [["<address>", "help.account.delete.address"]],
        options: [["--confirm <address>", "help.account.delete.confirm"]],
        summary: "help.account.delete.summary",
        description: "help.account.delete.description",
        examples: ["meshman account delete alice@example.com --confirm alice@example.com"],
        load: async () => (await import("./online.js")).accountDelete,
      },
    }),
  },
  {
    name: "device",
    summary: "help.device.summary",
    description: "help.device.description",
    verbs: () => ({
      connect,
      invite: {
        options: [
          ["--uses <n>", "help.device.invite.uses", "whole"],
          ["--expires <duration>", "help.device.invite.expires"],
          ["--name <name>", "help.device.invite.name"],
          ["--admin", "help.device.invite.admin"],
          ["--device-expires <duration>", "help.device.invite.device-expires"],
          GRANT,
          NO_GRANT,
          ["--out <file>", "help.device.invite.out"],
        ],
        summary: "help.device.invite.summary",
        description: "help.device.invite.description",
        examples: [
          "meshman device invite",
          "meshman device invite --uses 10 --expires 1h --device-expires 90d --out pin.txt --json",
        ],
        load: async () => (await import("./online.js")).deviceInvite,
      },
      invites: {
        summary: "help.device.invites.summary",
        description: "help.device.invites.description",
        examples: ["meshman device invites"],
        load: async () => (await import("./online.js")).deviceInvites,
      },
      withdraw: {
        arguments: [["<invite>", "help.device.withdraw.invite"]],
        summary: "help.device.withdraw.summary",
        description: "help.device.withdraw.description",
        examples: ["meshman device withdraw MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"],
        load: async () => (await import("./online.js")).deviceWithdraw,
      },
      status: {
        summary: "help.device.status.summary",
        description: "help.device.status.description",
        examples: ["meshman device status --json"],
        load: async () => (await import("./online.js")).deviceStatus,
      },
      pending,
      approve: {
        options: [
          ["--watch", "help.device.approve.watch"],
          ["--for <duration>", "help.device.approve.for"],
          SHARE_FILE,
          ENTRY_FILE,
        ],
        summary: "help.device.approve.summary",
        description: "help.device.approve.description",
        examples: ["meshman device approve", "meshman device approve --watch --for 1h --json"],
        load: async () => (await import("./online.js")).deviceApprove,
      },
      complete,
      list: {
        summary: "help.device.list.summary",
        examples: ["meshman device list"],
        load: async () => (await import("./online.js")).deviceList,
      },
      show: {
        arguments: [["[device]", "help.device.show.device"]],
        summary: "help.device.show.summary",
        examples: ["meshman device show phone --json"],
        load: async () => (await import("./online.js")).deviceShow,
      },
      remove: {
        arguments: [["<device>", "help.device.remove.device"]],
        options: [SHARE_FILE, ENTRY_FILE],
        summary: "help.device.remove.summary",
        description: "help.device.remove.description",
        examples: [
          "meshman device remove phone",
          "meshman device remove laptop --share-file one.txt --share-file two.txt",
        ],
        load: async () => (await import("./online.js")).deviceRemove,
      },
      rename: {
        arguments: [
          ["<device>", "help.device.remove.device"],
          ["<name>", "help.device.rename.name"],
        ],
        summary: "help.device.rename.summary",
        description: "help.device.rename.description",
        examples: ["meshman device rename phone telephone"],
        load: async () => (await import("./online.js")).deviceRename,
      },
      renew: {
        arguments: [["<device>", "help.device.remove.device"]],
        options: [
          ["--expires <duration>", "help.device.renew.expires"],
          ["--never", "help.device.renew.never"],
        ],
        summary: "help.device.renew.summary",
        description: "help.device.renew.description",
        examples: ["meshman device renew runner --expires 90d", "meshman device renew phone --never"],
        load: async () => (await import("./online.js")).deviceRenew,
      },
      rotate: {
        options: [["--wait [seconds]", "help.device.connect.wait", "whole"], SHARE_FILE, ENTRY_FILE],
        summary: "help.device.rotate.summary",
        description: "help.device.rotate.description",
        examples: ["meshman device rotate", "meshman device rotate --wait 600 --json"],
        load: async () => (await import("./online.js")).deviceRotate,
      },
      preconfigure: {
        options: [
          ["--name <name>", "help.device.preconfigure.name", "required"],
          ["--expires <duration>", "help.device.preconfigure.expires"],
          GRANT,
          NO_GRANT,
          ["--out <file>", "help.device.preconfigure.out", "required"],
          ["--key-out <file>", "help.device.preconfigure.key-out"],
        ],
        summary: "help.device.preconfigure.summary",
        description: "help.device.preconfigure.description",
        examples: [
          "meshman device preconfigure --name runner --expires 90d --out runner.json",
          "meshman device preconfigure --name runner --out runner.json --key-out runner.key --json",
        ],
        load: async () => (await import("./online.js")).devicePreconfigure,
      },
      install: {
        arguments: [["<file>", "help.device.install.file"]],
        options: [
          ["--key-file <file>", "help.device.install.key-file"],
          ["--key-fd <n>", "help.device.install.key-fd", "whole"],
          ["--name <name>", "help.device.install.name"],
          ["--keep", "help.device.install.keep"],
          NO_PASSPHRASE,
        ],
        summary: "help.device.install.summary",
        description: "help.device.install.description",
        examples: [
          "meshman device install runner.json",
          "meshman device install runner.json --key-file runner.key --no-passphrase --json",
        ],
        load: async () => (await import("./online.js")).deviceInstall,
      },
    }),
  },
  {
    name: "app",
    summary: "help.app.summary",
    description: "help.app.description",
    verbs: () => ({
      list: {
        options: [APP_OFFLINE],
        summary: "help.app.list.summary",
        examples: ["meshman app list", "meshman app list --offline --json"],
        load: async () => (await import("./app.js")).appList,
      },
      show: {
        arguments: [["<application>", "help.option.app"]],
        options: [APP_OFFLINE],
        summary: "help.app.show.summary",
        examples: ["meshman app show passwords"],
        load: async () => (await import("./app.js")).appShow,
      },
      create: {
        arguments: [["<type>", "help.app.create.type"]],
        options: [["--name <name>", "help.app.create.name"]],
        summary: "help.app.create.summary",
        description: "help.app.create.description",
        examples: ["meshman app create passwords", "meshman app create passwords --name work"],
        load: async () => (await import("./app.js")).appCreate,
      },
      history: {
        arguments: [["<application>", "help.option.app"]],
        summary: "help.app.history.summary",
        examples: ["meshman app history passwords"],
        load: async () => (await import("./app.js")).appHistory,
      },
      conflicts: {
        arguments: [["[application]", "help.option.app"]],
        options: [["--show", "help.app.conflicts.show"]],
        summary: "help.app.conflicts.summary",
        description: "help.app.conflicts.description",
        examples: ["meshman app conflicts", "meshman app conflicts passwords --show --json"],
        load: async () => (await import("./app.js")).appConflicts,
      },
      resolve: {
        arguments: [
          ["<application>", "help.option.app"],
          ["<entry>", "help.app.resolve.entry"],
        ],
        options: [["--keep <version>", "help.app.resolve.keep", "required"], APP_QUEUE],
        summary: "help.app.resolve.summary",
        examples: [
          "meshman app resolve passwords example.com --keep current",
          "meshman app resolve passwords example.com --keep kq0S7yX2b1c",
        ],
        load: async () => (await import("./app.js")).appResolve,
      },
      rename: {
        arguments: [
          ["<application>", "help.option.app"],
          ["<name>", "help.app.rename.name"],
        ],
        summary: "help.app.rename.summary",
        examples: ["meshman app rename passwords home"],
        load: async () => (await import("./app.js")).appRename,
      },
      delete: {
        arguments: [["<application>", "help.option.app"]],
        options: [["--confirm <name>", "help.app.delete.confirm"]],
        summary: "help.app.delete.summary",
        description: "help.app.delete.description",
        examples: ["meshman app delete work --confirm work"],
        load: async () => (await import("./app.js")).appDelete,
      },
      grant: {
        arguments: [["<device...>", "help.app.grant.device"]],
        options: [
          ["--app <application>", "help.option.app", "required"],
          ["--read-only", "help.app.grant.read-only"],
        ],
        summary: "help.app.grant.summary",
        description: "help.app.grant.description",
        examples: ["meshman app grant phone --app passwords", "meshman app grant runner --app passwords --read-only"],
        load: async () => (await import("./app.js")).appGrant,
      },
      revoke: {
        arguments: [["<device>", "help.device.remove.device"]],
        options: [["--app <application>", "help.option.app", "required"]],
        summary: "help.app.revoke.summary",
        description: "help.app.revoke.description",
        examples: ["meshman app revoke phone --app passwords"],
        load: async () => (await import("./app.js")).appRevoke,
      },
      exposure: {
        arguments: [["<device>", "help.app.exposure.device"]],
        options: [["--app <application>", "help.option.app"], APP_OFFLINE],
        summary: "help.app.exposure.summary",
        description: "help.app.exposure.description",
        examples: ["meshman app exposure phone", "meshman app exposure phone --app passwords --json"],
        load: async () => (await import("./app.js")).appExposure,
      },
    }),
  },
  {
    name: "password",
    summary: "help.password.summary",
    description: "help.password.description",
    verbs: () => ({
      add: {
        arguments: [["<site>", "help.password.add.site"]],
        options: [
          ["--username <name>", "help.password.username"],
          ...PASSWORD_SOURCES,
          ["--no-password", "help.password.add.no-password"],
          ...PASSWORD_FIELDS,
          ["--site <site>", "help.password.add.more-sites", "list"],
          ["--label <label>", "help.password.add.label", "list"],
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.password.add.summary",
        description: "help.password.add.description",
        examples: [
          "meshman password add example.com --username alice",
          "meshman password add example.com --username alice --generate --label work",
          "meshman password add '*.example.com' --username alice --password-file password.txt",
        ],
        load: async () => (await import("./password.js")).passwordAdd,
      },
      get: {
        arguments: PASSWORD_ENTRY,
        options: [
          ["--field <field>", "help.password.get.field"],
          ["--otp", "help.password.get.otp"],
          ["--all", "help.password.get.all"],
          ["--clip", "help.password.get.clip"],
          ["--clear-after <duration>", "help.password.get.clear-after"],
          ENTRY_ID,
          APPLICATION,
          APP_OFFLINE,
        ],
        summary: "help.password.get.summary",
        description: "help.password.get.description",
        examples: [
          "meshman password get example.com",
          "meshman password get example.com alice --clip",
          "meshman password get example.com --otp",
          "meshman password get example.com --field username",
        ],
        load: () => import("./password/get.js"),
      },
      list: {
        arguments: [["[pattern]", "help.password.list.pattern"]],
        options: [["--label <label>", "help.password.list.label", "list"], APPLICATION, APP_OFFLINE],
        summary: "help.password.list.summary",
        description: "help.password.list.description",
        examples: [
          "meshman password list",
          "meshman password list example --label work",
          "meshman password list --json",
        ],
        load: async () => (await import("./password.js")).passwordList,
      },
      edit: {
        arguments: PASSWORD_ENTRY,
        options: [
          ["--username <name>", "help.password.edit.username"],
          ...PASSWORD_SOURCES,
          ["--ask-password", "help.password.edit.ask-password"],
          ...PASSWORD_FIELDS,
          ["--site <site>", "help.password.edit.site", "list"],
          ["--drop-site <site>", "help.password.edit.drop-site", "list"],
          ["--label <label>", "help.password.edit.label", "list"],
          ["--drop-label <label>", "help.password.edit.drop-label", "list"],
          ["--drop <field>", "help.password.edit.drop", "list"],
          ENTRY_ID,
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.password.edit.summary",
        description: "help.password.edit.description",
        examples: [
          "meshman password edit example.com alice --generate",
          "meshman password edit example.com --site www.example.com --drop notes",
        ],
        load: async () => (await import("./password.js")).passwordEdit,
      },
      remove: {
        arguments: PASSWORD_ENTRY,
        options: [ENTRY_ID, APPLICATION, APP_QUEUE],
        summary: "help.password.remove.summary",
        description: "help.password.remove.description",
        examples: ["meshman password remove example.com alice"],
        load: async () => (await import("./password.js")).passwordRemove,
      },
      generate: {
        options: PASSWORD_RULES,
        summary: "help.password.generate.summary",
        description: "help.password.generate.description",
        examples: [
          "meshman password generate",
          "meshman password generate --words 6",
          "meshman password generate --length 12 --symbols --json",
        ],
        load: () => import("./password/generate.js"),
      },
      check: {
        options: [["--older-than <duration>", "help.password.check.older-than"], APPLICATION],
        summary: "help.password.check.summary",
        description: "help.password.check.description",
        examples: ["meshman password check", "meshman password check --older-than 365d --json"],
        load: () => import("./password/check.js"),
      },
      import: {
        arguments: [["<file>", "help.password.import.file"]],
        options: [
          ["--format <format>", "help.password.import.format"],
          ["--dry-run", "help.password.import.dry-run"],
          ["--replace", "help.password.import.replace"],
          ["--skip", "help.password.import.skip"],
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.password.import.summary",
        description: "help.password.import.description",
        examples: [
          "meshman password import passwords.csv --dry-run",
          "meshman password import bitwarden.json --replace",
        ],
        load: () => import("./password/import.js"),
      },
      export: {
        options: [
          ["--format <format>", "help.password.export.format"],
          ["--out <file>", "help.password.export.out"],
          ["--label <label>", "help.password.list.label", "list"],
          APPLICATION,
          APP_OFFLINE,
        ],
        summary: "help.password.export.summary",
        description: "help.password.export.description",
        examples: [
          "meshman password export --out bitwarden.json",
          "meshman password export --format chrome --out passwords.csv --yes",
        ],
        load: () => import("./password/export.js"),
      },
      run: {
        arguments: [["<command...>", "help.password.run.command"]],
        options: [["--env-file <file>", "help.password.run.env-file", "list"], APPLICATION, APP_OFFLINE],
        summary: "help.password.run.summary",
        description: "help.password.run.description",
        examples: [
          "meshman password run -- ./deploy.sh --now",
          "meshman password run --env-file production.env -- node server.js",
        ],
        load: () => import("./password/run.js"),
      },
      inject: {
        arguments: [["<file>", "help.password.inject.file"]],
        options: [["--out <file>", "help.password.inject.out"], APPLICATION, APP_OFFLINE],
        summary: "help.password.inject.summary",
        description: "help.password.inject.description",
        examples: ["meshman password inject config.template --out config.ini"],
        load: () => import("./password/inject.js"),
      },
      "git-credential": {
        arguments: [["<action>", "help.password.git-credential.action"]],
        options: [APPLICATION, APP_QUEUE],
        summary: "help.password.git-credential.summary",
        description: "help.password.git-credential.description",
        examples: ["meshman password git-credential get"],
        load: () => import("./password/git-credential.js"),
      },
    }),
  },
  {
    name: "escrow",
    summary: "help.escrow.summary",
    description: "help.escrow.description",
    verbs: () => ({
      split: {
        options: [
          ["--shares <n>", "help.escrow.split.shares", "whole", "required"],
          ["--threshold <k>", "help.escrow.split.threshold", "whole", "required"],
          ["--out <dir>", "help.escrow.split.out"],
          ["--erase-master", "help.escrow.split.erase-master"],
        ],
        summary: "help.escrow.split.summary",
        description: "help.escrow.split.description",
        examples: [
          "meshman escrow split --shares 3 --threshold 2 --out recovery",
          "meshman escrow split --shares 5 --threshold 3 --out recovery --erase-master",
        ],
        load: async () => (await import("./online.js")).escrowSplit,
      },
      verify: {
        options: [SHARE_FILE, ENTRY_FILE, EXPECT],
        summary: "help.escrow.verify.summary",
        description: "help.escrow.verify.description",
        examples: ["meshman escrow verify --share-file one.txt --share-file two.txt"],
        load: async () => (await import("./online.js")).escrowVerify,
      },
      recover: {
        options: [
          SHARE_FILE,
          ENTRY_FILE,
          EXPECT,
          ["--name <name>", "help.escrow.recover.name"],
          DEVICE_NAME,
          ["--new-epoch", "help.escrow.recover.new-epoch"],
          ["--drop-devices", "help.escrow.recover.drop-devices"],
          NO_PASSPHRASE,
        ],
        summary: "help.escrow.recover.summary",
        description: "help.escrow.recover.description",
        examples: [
          "meshman escrow recover --account alice@example.com --share-file one.txt --share-file two.txt",
          "meshman escrow recover --entry-file entry.json --share-file one.txt --share-file two.txt",
        ],
        load: async () => (await import("./online.js")).escrowRecover,
      },
    }),
  },
  {
    name: "ssh",
    summary: "help.ssh.summary",
    description: "help.ssh.description",
    verbs: () => ({
      add: {
        arguments: [["[host...]", "help.ssh.add.host"]],
        options: [
          ["--hostname <name>", "help.ssh.add.hostname"],
          ["--user <user>", "help.ssh.add.user"],
          ["--port <n>", "help.ssh.add.port", "whole"],
          ["--jump <hosts>", "help.ssh.add.jump"],
          ["--host-key-file <file>", "help.ssh.add.host-key-file"],
          ["--option <name=value>", "help.ssh.add.option", "list"],
          ...SSH_APPLICATION,
        ],
        summary: "help.ssh.add.summary",
        description: "help.ssh.add.description",
        examples: [
          "meshman ssh add",
          "meshman ssh add build --hostname build.example.com --user deploy --host-key-file ~/.ssh/known_hosts",
        ],
        load: async () => (await import("./ssh.js")).add,
      },
      list: {
        options: SSH_APPLICATION,
        summary: "help.ssh.list.summary",
        examples: ["meshman ssh list", "meshman ssh list --json"],
        load: async () => (await import("./ssh.js")).list,
      },
      remove: {
        arguments: [["<host>", "help.ssh.remove.host"]],
        options: SSH_APPLICATION,
        summary: "help.ssh.remove.summary",
        examples: ["meshman ssh remove build"],
        load: async () => (await import("./ssh.js")).remove,
      },
      "authorized-keys": {
        options: [SSH_OUT, ...SSH_APPLICATION],
        summary: "help.ssh.authorized-keys.summary",
        description: "help.ssh.authorized-keys.description",
        examples: ["meshman ssh authorized-keys"],
        load: async () => (await import("./ssh.js")).authorizedKeys,
      },
      install: {
        arguments: SSH_HOST,
        options: SSH_APPLICATION,
        summary: "help.ssh.install.summary",
        description: "help.ssh.install.description",
        examples: ["meshman ssh install deploy@build.example.com", "meshman ssh install build -- -p 2222"],
        load: async () => (await import("./ssh.js")).install,
      },
      refresh: {
        arguments: SSH_HOST,
        options: SSH_APPLICATION,
        summary: "help.ssh.refresh.summary",
        description: "help.ssh.refresh.description",
        examples: ["meshman ssh refresh deploy@build.example.com"],
        load: async () => (await import("./ssh.js")).refresh,
      },
      "known-hosts": {
        options: [SSH_OUT, ["--import <file>", "help.ssh.known-hosts.import"], ...SSH_APPLICATION],
        summary: "help.ssh.known-hosts.summary",
        examples: [
          "meshman ssh known-hosts --out ~/.ssh/known_hosts_mesh",
          "meshman ssh known-hosts --import ~/.ssh/known_hosts",
        ],
        load: async () => (await import("./ssh.js")).knownHosts,
      },
      config: {
        options: [SSH_OUT, ["--known-hosts <file>", "help.ssh.config.known-hosts"], ...SSH_APPLICATION],
        summary: "help.ssh.config.summary",
        description: "help.ssh.config.description",
        examples: ["meshman ssh config --out ~/.ssh/config_mesh --known-hosts ~/.ssh/known_hosts_mesh"],
        load: async () => (await import("./ssh.js")).config,
      },
      agent: {
        arguments: [["[command...]", "help.ssh.agent.command"]],
        options: [
          ["--for <duration>", "help.ssh.agent.for"],
          ["--foreground", "help.ssh.agent.foreground"],
          ["--stop", "help.ssh.agent.stop"],
        ],
        summary: "help.ssh.agent.summary",
        description: "help.ssh.agent.description",
        examples: ['eval "$(meshman ssh agent)"', "meshman ssh agent --for 15m", "meshman ssh agent -- git push"],
        load: async () => (await import("./ssh.js")).agent,
      },
      export: {
        summary: "help.ssh.export.summary",
        description: "help.ssh.export.description",
        examples: ["meshman ssh export"],
        load: async () => (await import("./ssh.js")).exportKey,
      },
    }),
  },
  {
    name: "mail",
    summary: "help.mail.summary",
    description: "help.mail.description",
    verbs: () => ({
      set: {
        arguments: [["<address>", "help.mail.set.address"]],
        options: [
          ["--display-name <name>", "help.mail.set.display-name"],
          ["--reply-to <address>", "help.mail.set.reply-to"],
          ["--account-name <name>", "help.mail.set.account-name"],
          ["--default", "help.mail.set.default"],
          ["--user <name>", "help.mail.set.user"],
          ...mailConnection("inbound"),
          ...mailConnection("outbound"),
          ["--password-file <path>", "help.mail.set.password-file"],
          ["--password-fd <n>", "help.mail.set.password-fd", "whole"],
          ["--ask-password", "help.mail.set.ask-password"],
          ["--password-for <which>", "help.mail.set.password-for"],
          ["--from-file <file>", "help.mail.set.from-file"],
          ["--clear <setting>", "help.mail.set.clear", "list"],
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.mail.set.summary",
        description: "help.mail.set.description",
        examples: [
          "meshman mail set alice@example.com --display-name 'Alice Example' --inbound-server imap.example.com:993 --inbound-security direct --outbound-server smtp.example.com:587 --outbound-security upgrade --user alice --ask-password",
          "meshman mail set alice@example.com --from-file settings.json",
          "meshman mail set alice@example.com --password-fd 3 3< password.txt",
          "meshman mail set alice@example.com --clear reply-to",
        ],
        load: async () => (await import("./mail.js")).mailSet,
      },
      show: {
        arguments: [["<address>", "help.mail.address"]],
        options: [
          ["--format <format>", "help.mail.show.format"],
          ["--show-passwords", "help.mail.show.show-passwords"],
          ["--password <which>", "help.mail.show.password"],
          APPLICATION,
          APP_OFFLINE,
        ],
        summary: "help.mail.show.summary",
        description: "help.mail.show.description",
        examples: [
          "meshman mail show alice@example.com",
          "meshman mail show alice@example.com --format mutt > ~/.config/mutt/alice",
          "meshman mail show alice@example.com --format json --show-passwords",
          "meshman mail show alice@example.com --password inbound",
        ],
        load: async () => (await import("./mail.js")).mailShow,
      },
      list: {
        options: [APPLICATION, APP_OFFLINE],
        summary: "help.mail.list.summary",
        description: "help.mail.list.description",
        examples: ["meshman mail list", "meshman mail list --json"],
        load: async () => (await import("./mail.js")).mailList,
      },
      keys: {
        arguments: [["<address>", "help.mail.address"]],
        options: [
          ["--openpgp <file>", "help.mail.keys.openpgp"],
          ["--smime <file>", "help.mail.keys.smime"],
          ["--remove <kind>", "help.mail.keys.remove", "list"],
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.mail.keys.summary",
        description: "help.mail.keys.description",
        examples: [
          "meshman mail keys alice@example.com",
          "meshman mail keys alice@example.com --openpgp alice.asc --smime alice.pem",
          "meshman mail keys alice@example.com --remove smime",
        ],
        load: async () => (await import("./mail.js")).mailKeys,
      },
      remove: {
        arguments: [["<address>", "help.mail.address"]],
        options: [APPLICATION, APP_QUEUE],
        summary: "help.mail.remove.summary",
        description: "help.mail.remove.description",
        examples: ["meshman mail remove alice@example.com", "meshman mail remove alice@example.com --yes"],
        load: async () => (await import("./mail.js")).mailRemove,
      },
    }),
  },
  {
    name: "network",
    summary: "help.network.summary",
    description: "help.network.description",
    verbs: () => ({
      set: {
        arguments: [["<name>", "help.network.set.name"]],
        options: [
          ["--site <name>", "help.network.set.site", "list"],
          ["--dns <server>", "help.network.set.dns", "list"],
          ["--prefix <suffix>", "help.network.set.prefix", "list"],
          ["--ctl <file>", "help.network.set.ctl"],
          ["--web-pki <udf>", "help.network.set.web-pki", "list"],
          ["--web-pki-certificate <file>", "help.network.set.web-pki-certificate", "list"],
          ["--from-file <file>", "help.network.set.from-file"],
          ["--clear <setting>", "help.network.set.clear", "list"],
          APPLICATION,
          APP_QUEUE,
        ],
        summary: "help.network.set.summary",
        description: "help.network.set.description",
        examples: [
          "meshman network set office --site '*.corp.example.com' --dns 192.0.2.53 --prefix corp.example.com",
          "meshman network set home --dns https://dns.example.com/dns-query",
          "meshman network set office --web-pki-certificate corp-root.pem",
        ],
        load: async () => (await import("./mail.js")).networkSet,
      },
      show: {
        arguments: [["<name>", "help.network.name"]],
        options: [
          ["--format <format>", "help.network.show.format"],
          ["--show-passwords", "help.mail.show.show-passwords"],
          APPLICATION,
          APP_OFFLINE,
        ],
        summary: "help.network.show.summary",
        description: "help.network.show.description",
        examples: ["meshman network show office", "meshman network show office --format json"],
        load: async () => (await import("./mail.js")).networkShow,
      },
      list: {
        options: [APPLICATION, APP_OFFLINE],
        summary: "help.network.list.summary",
        description: "help.network.list.description",
        examples: ["meshman network list"],
        load: async () => (await import("./mail.js")).networkList,
      },
      remove: {
        arguments: [["<name>", "help.network.name"]],
        options: [APPLICATION, APP_QUEUE],
        summary: "help.network.remove.summary",
        description: "help.network.remove.description",
        examples: ["meshman network remove office", "meshman network remove office --yes"],
        load: async () => (await import("./mail.js")).networkRemove,
      },
    }),
  },
  {
    name: "portal",
    summary: "help.portal.summary",
    description: "help.portal.description",
    verbs: () => ({
      serve: {
        options: [
          ["--listen <host:port>", "help.portal.serve.listen"],
          ["--domain <domain>", "help.portal.serve.domain", "list"],
          ["--authority <host:port>", "help.portal.serve.authority", "list"],
          ["--transfer-token-file <path>", "help.portal.serve.transfer-token-file"],
          ...PORTAL_STORE,
          PORTAL_LOG_ORIGIN,
          ["--public-log", "help.portal.serve.public-log"],
          ["--tls-cert <file>", "help.portal.serve.tls-cert"],
          ["--tls-key <file>", "help.portal.serve.tls-key"],
          ["--rate <kind=n>", "help.portal.serve.rate", "list"],
          ["--quota <kind=n>", "help.portal.serve.quota", "list"],
          ["--client-address-header <name>", "help.portal.serve.client-address-header"],
          ["--trusted-proxy <network>", "help.portal.serve.trusted-proxy", "list"],
          ["--metrics-listen <host:port>", "help.portal.serve.metrics-listen"],
          ["--log-format <format>", "help.portal.serve.log-format"],
          ["--log-level <level>", "help.portal.serve.log-level"],
          ["--log-addresses", "help.portal.serve.log-addresses"],
          ["--log-accounts", "help.portal.serve.log-accounts"],
          ["--workers <n>", "help.portal.serve.workers", "whole"],
        ],
        summary: "help.portal.serve.summary",
        description: "help.portal.serve.description",
        examples: [
          "meshman portal serve",
          "meshman portal serve --listen 127.0.0.1:8080 --domain example.com --store sqlite:portal.sqlite",
          "meshman portal serve --config portal.json --workers 2 --log-format json",
        ],
        load: () => import("./portal/serve.js"),
      },
      fsck: {
        options: PORTAL_STORE,
        summary: "help.portal.fsck.summary",
        description: "help.portal.fsck.description",
        examples: ["meshman portal fsck", "meshman portal fsck --store sqlite:portal.sqlite --json"],
        load: () => import("./portal/fsck.js"),
      },
      stats: {
        options: PORTAL_STORE,
        summary: "help.portal.stats.summary",
        description: "help.portal.stats.description",
        examples: ["meshman portal stats", "meshman portal stats --config portal.json --json"],
        load: () => import("./portal/stats.js"),
      },
      suspend: {
        arguments: [["<address>", "help.portal.suspend.address"]],
        options: [["--reopen", "help.portal.suspend.reopen"], ...PORTAL_STORE],
        summary: "help.portal.suspend.summary",
        description: "help.portal.suspend.description",
        examples: [
          "meshman portal suspend mallory@example.com",
          "meshman portal suspend mallory@example.com --reopen --store sqlite:portal.sqlite",
        ],
        load: () => import("./portal/suspend.js"),
      },
      keys: {
        options: [["--rotate", "help.portal.keys.rotate"], ...PORTAL_STORE],
        summary: "help.portal.keys.summary",
        description: "help.portal.keys.description",
        examples: ["meshman portal keys", "meshman portal keys --rotate --store sqlite:portal.sqlite"],
        load: () => import("./portal/keys.js"),
      },
      migrate: {
        options: [["--check", "help.portal.migrate.check"], ...PORTAL_STORE, PORTAL_LOG_ORIGIN],
        summary: "help.portal.migrate.summary",
        description: "help.portal.migrate.description",
        examples: ["meshman portal migrate --check", "meshman portal migrate --store sqlite:portal.sqlite"],
        load: () => import("./portal/migrate.js"),
      },
      backup: {
        arguments: [["<file>", "help.portal.backup.file"]],
        options: PORTAL_STORE,
        summary: "help.portal.backup.summary",
        description: "help.portal.backup.description",
        examples: [
          "meshman portal backup portal-2026-05-01.backup",
          "meshman portal backup portal.backup --store-file database.txt",
        ],
        load: () => import("./portal/backup.js"),
      },
      restore: {
        arguments: [["<file>", "help.portal.restore.file"]],
        options: [
          ["--latest", "help.portal.restore.latest"],
          ["--new-log", "help.portal.restore.new-log"],
          ...PORTAL_STORE,
          PORTAL_LOG_ORIGIN,
        ],
        summary: "help.portal.restore.summary",
        description: "help.portal.restore.description",
        examples: [
          "meshman portal restore portal.backup --latest --store sqlite:portal.sqlite",
          "meshman portal restore portal.backup --new-log --store-file database.txt --log-key-file new.key",
        ],
        load: () => import("./portal/restore.js"),
      },
      hello: {
        arguments: [["[url]", "help.portal.hello.url"]],
        summary: "help.portal.hello.summary",
        examples: ["meshman portal hello https://example.com"],
        load: async () => (await import("./online.js")).portalHello,
      },
    }),
  },
  {
    name: "audit",
    summary: "help.audit.summary",
    description: "help.audit.description",
    verbs: () => ({
      status: {
        summary: "help.audit.status.summary",
        description: "help.audit.status.description",
        examples: ["meshman audit status", "meshman audit status --json"],
        load: async () => (await import("./audit/online.js")).status,
      },
      self: {
        options: [["--all", "help.audit.self.all"]],
        summary: "help.audit.self.summary",
        description: "help.audit.self.description",
        examples: ["meshman audit self", "meshman audit self --all --json"],
        load: async () => (await import("./audit/online.js")).self,
      },
      log: {
        options: [["--all", "help.audit.log.all"]],
        summary: "help.audit.log.summary",
        description: "help.audit.log.description",
        examples: ["meshman audit log", "meshman audit log --portal https://example.com --json"],
        load: async () => (await import("./audit/online.js")).log,
      },
      accept: {
        options: [["--confirm <key>", "help.audit.accept.confirm"]],
        summary: "help.audit.accept.summary",
        description: "help.audit.accept.description",
        examples: ["meshman audit accept --portal https://example.com --confirm KEY"],
        load: async () => (await import("./audit/online.js")).accept,
      },
      evidence: {
        arguments: [["<file>", "help.audit.evidence.file"]],
        summary: "help.audit.evidence.summary",
        description: "help.audit.evidence.description",
        examples: ["meshman audit evidence 2026-05-01T12-00-00.000Z-log-fork.json"],
        load: () => import("./audit/evidence.js"),
      },
    }),
  },
  {
    name: "keystore",
    summary: "help.keystore.summary",
    description: "help.keystore.description",
    verbs: () => ({
      status: {
        summary: "help.keystore.status.summary",
        description: "help.keystore.status.description",
        examples: ["meshman keystore status"],
        load: async () => (await import("./local.js")).keystoreStatus,
      },
      unlock: {
        options: [["--for <duration>", "help.keystore.unlock.for"]],
        summary: "help.keystore.unlock.summary",
        description: "help.keystore.unlock.description",
        examples: ["meshman keystore unlock", "meshman keystore unlock --for 8h --passphrase-file secret.txt"],
        load: async () => (await import("./online.js")).keystoreUnlock,
      },
      lock: {
        summary: "help.keystore.lock.summary",
        description: "help.keystore.lock.description",
        examples: ["meshman keystore lock"],
        load: async () => (await import("./local.js")).keystoreLock,
      },
      check: {
        summary: "help.keystore.check.summary",
        description: "help.keystore.check.description",
        examples: ["meshman keystore check", "meshman keystore check --json"],
        load: async () => (await import("./local.js")).keystoreCheck,
      },
      protect: {
        arguments: [
          ["<method>", "help.keystore.protect.method"],
          ["[path]", "help.keystore.protect.path"],
        ],
        options: [
          ...NEW_PASSPHRASE,
          ["--new-key-file <path>", "help.keystore.protect.new-key-file"],
          ["--new-key-fd <n>", "help.keystore.protect.new-key-fd", "whole"],
        ],
        summary: "help.keystore.protect.summary",
        description: "help.keystore.protect.description",
        examples: [
          "meshman keystore protect keyring",
          "meshman keystore protect key-file /media/stick/meshman.key",
          "meshman keystore protect key --new-key-file /run/secrets/meshman-key",
          "meshman keystore protect passphrase --new-passphrase-file new.txt",
        ],
        load: async () => (await import("./online.js")).keystoreProtect,
      },
      passwd: {
        options: [...NEW_PASSPHRASE, ["--no-passphrase", "help.keystore.passwd.no-passphrase"]],
        summary: "help.keystore.passwd.summary",
        description: "help.keystore.passwd.description",
        examples: [
          "meshman keystore passwd",
          "meshman keystore passwd --passphrase-file old.txt --new-passphrase-file new.txt",
        ],
        load: async () => (await import("./online.js")).keystorePasswd,
      },
    }),
  },
];

export const NOUNS: readonly NounDeclaration[] = DECLARED.map(({ verbs: make, ...noun }) => {
  let verbs: NounDeclaration["verbs"] | undefined;
  return {
    ...noun,
    get verbs() {
      return (verbs ??= make());
    },
  };
});

/** Commands without a noun, the aliases of the specifications' own tool among them. */
export const PLAIN_COMMANDS: Readonly<Record<string, VerbDeclaration>> = {
  setup: {
    summary: "help.setup.summary",
    description: "help.setup.description",
    examples: ["meshman setup"],
    load: async () => (await import("./online.js")).setup,
  },
  status: {
    summary: "help.status.summary",
    description: "help.status.description",
    examples: ["meshman status", "meshman status --json"],
    load: async () => (await import("./local.js")).status,
  },
  sync: {
    options: [["--app <application>", "help.option.app"]],
    summary: "help.sync.summary",
    description: "help.sync.description",
    examples: ["meshman sync", "meshman sync --app passwords --json"],
    load: async () => (await import("./app.js")).sync,
  },
  doctor: {
    options: [["--offline", "help.doctor.offline"]],
    summary: "help.doctor.summary",
    description: "help.doctor.description",
    examples: ["meshman doctor", "meshman doctor --offline --json"],
    load: async () => (await import("./online.js")).doctor,
  },
  verify: {
    arguments: [["<file...>", "help.verify.file"]],
    summary: "help.verify.summary",
    description: "help.verify.description",
    examples: ["meshman verify profile.json", "meshman verify old-mesh.jlog old-portal.jlog"],
    load: () => import("./verify.js"),
  },
  udf: {
    arguments: [["<file>", "help.udf.file"]],
    options: [
      ["--content-type <type>", "help.udf.content-type"],
      ["--bits <n>", "help.udf.bits", "whole"],
    ],
    summary: "help.udf.summary",
    examples: ["meshman udf photo.jpg --content-type image/jpeg"],
    load: () => import("./udf.js"),
  },
  quickstart: {
    options: [["--keep", "help.quickstart.keep"]],
    summary: "help.quickstart.summary",
    description: "help.quickstart.description",
    examples: ["meshman quickstart", "meshman quickstart --keep"],
    load: () => import("./quickstart.js"),
  },
  connect: { ...connect, summary: "help.connect.summary" },
  pending: { ...pending, summary: "help.pending.summary" },
  complete: { ...complete, summary: "help.complete.summary" },
};
