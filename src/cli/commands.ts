import type { NounDeclaration, OptionDeclaration, VerbDeclaration } from "./declare.js";

const NO_PASSPHRASE: OptionDeclaration = ["--no-passphrase", "help.option.no-passphrase"];
const SHARE_FILE: OptionDeclaration = ["--share-file <file>", "help.option.share-file", "list"];
const ENTRY_FILE: OptionDeclaration = ["--entry-file <file>", "help.option.entry-file", "list"];
const EXPECT: OptionDeclaration = ["--expect-fingerprint <udf>", "help.option.expect-fingerprint"];
const DEVICE_NAME: OptionDeclaration = ["--device-name <name>", "help.option.device-name"];

const connect: VerbDeclaration = {
  arguments: [["<address>", "help.device.connect.address"]],
  options: [
    EXPECT,
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
        load: async () => (await import("./offline.js")).profileShow,
      },
      list: {
        summary: "help.profile.list.summary",
        examples: ["meshman profile list"],
        load: async () => (await import("./offline.js")).profileList,
      },
      use: {
        arguments: [["<name>", "help.profile.use.name"]],
        summary: "help.profile.use.summary",
        examples: ["meshman profile use work"],
        load: async () => (await import("./offline.js")).profileUse,
      },
      verify: {
        summary: "help.profile.verify.summary",
        description: "help.profile.verify.description",
        examples: ["meshman profile verify"],
        load: async () => (await import("./online.js")).profileVerify,
      },
      export: {
        options: [["--format <format>", "help.profile.export.format"]],
        summary: "help.profile.export.summary",
        examples: ["meshman profile export > profile.json", "meshman profile export --format pem > chain.pem"],
        load: async () => (await import("./online.js")).profileExport,
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
        load: async () => (await import("./offline.js")).accountList,
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
      status: {
        summary: "help.device.status.summary",
        description: "help.device.status.description",
        examples: ["meshman device status --json"],
        load: async () => (await import("./online.js")).deviceStatus,
      },
      pending,
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
          ["--store <store>", "help.portal.serve.store"],
        ],
        summary: "help.portal.serve.summary",
        description: "help.portal.serve.description",
        examples: [
          "meshman portal serve",
          "meshman portal serve --listen 127.0.0.1:8080 --domain example.com --store sqlite:portal.sqlite",
        ],
        load: () => import("./portal/serve.js"),
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
    name: "keystore",
    summary: "help.keystore.summary",
    description: "help.keystore.description",
    verbs: {
      status: {
        summary: "help.keystore.status.summary",
        description: "help.keystore.status.description",
        examples: ["meshman keystore status"],
        load: async () => (await import("./offline.js")).keystoreStatus,
      },
      passwd: {
        options: [
          ["--new-passphrase-file <path>", "help.keystore.passwd.new-passphrase-file"],
          ["--new-passphrase-fd <n>", "help.keystore.passwd.new-passphrase-fd", "whole"],
          ["--no-passphrase", "help.keystore.passwd.no-passphrase"],
        ],
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
    load: async () => (await import("./offline.js")).status,
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
    load: async () => (await import("./offline.js")).udf,
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
