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

/** Where a portal's store is: the same for serving it and for looking after it. */
const PORTAL_STORE: readonly OptionDeclaration[] = [
  ["--store <store>", "help.portal.serve.store"],
  ["--store-file <path>", "help.portal.serve.store-file"],
  ["--log-key-file <path>", "help.portal.serve.log-key-file"],
  ["--config <file>", "help.portal.serve.config"],
];
const PORTAL_LOG_ORIGIN: OptionDeclaration = ["--log-origin <name>", "help.portal.serve.log-origin"];

export const NOUNS: readonly NounDeclaration[] = [
  {
    name: "profile",
    summary: "help.profile.summary",
    description: "help.profile.description",
    verbs: {
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
    },
  },
  {
    name: "account",
    summary: "help.account.summary",
    description: "help.account.description",
    verbs: {
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
    },
  },
  {
    name: "device",
    summary: "help.device.summary",
    description: "help.device.description",
    verbs: {
      connect,
      invite: {
        options: [
          ["--uses <n>", "help.device.invite.uses", "whole"],
          ["--expires <duration>", "help.device.invite.expires"],
          ["--name <name>", "help.device.invite.name"],
          ["--admin", "help.device.invite.admin"],
          ["--device-expires <duration>", "help.device.invite.device-expires"],
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
    },
  },
  {
    name: "escrow",
    summary: "help.escrow.summary",
    description: "help.escrow.description",
    verbs: {
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
    },
  },
  {
    name: "portal",
    summary: "help.portal.summary",
    description: "help.portal.description",
    verbs: {
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
    },
  },
  {
    name: "audit",
    summary: "help.audit.summary",
    description: "help.audit.description",
    verbs: {
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
    },
  },
  {
    name: "keystore",
    summary: "help.keystore.summary",
    description: "help.keystore.description",
    verbs: {
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
    },
  },
];

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
