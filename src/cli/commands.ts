import type { NounDeclaration, OptionDeclaration, VerbDeclaration } from "./declare.js";

const NO_PASSPHRASE: OptionDeclaration = [
  "--no-passphrase",
  "keep the keystore's key in a file beside it, not under a passphrase",
];
const SHARE_FILE: OptionDeclaration = [
  "--share-file <file>",
  "file with a recovery share; once for each share",
  "list",
];
const ENTRY_FILE: OptionDeclaration = [
  "--entry-file <file>",
  "file with the escrow entry, written beside the shares",
  "list",
];
const EXPECT: OptionDeclaration = ["--expect-fingerprint <udf>", "fail unless it is this profile"];
const DEVICE_NAME: OptionDeclaration = [
  "--device-name <name>",
  "name of this device, which becomes public (default: the host name)",
];

const connect: VerbDeclaration = {
  arguments: [["<address>", "account to connect to, such as alice@example.com"]],
  options: [
    EXPECT,
    ["--trust-on-first-use", "take whatever profile the portal shows, unseen"],
    DEVICE_NAME,
    ["--wait [seconds]", "wait for the answer (default: 300)", "whole"],
    NO_PASSPHRASE,
  ],
  summary: "ask to connect this device to a profile",
  description:
    "Makes this device's keys, asks for it to be connected, and shows a verification code. The administration device " +
    "completes the request by typing that code. Run again, it goes on with the same keys and code. " +
    "With --wait the exit status is 0 when accepted, 5 when refused, 8 while pending.",
  examples: [
    "meshman device connect alice@example.com --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF",
    "meshman device connect alice@example.com --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF --wait 600 --no-passphrase --json",
  ],
  load: async () => (await import("./online.js")).deviceConnect,
};

const pending: VerbDeclaration = {
  summary: "list the devices that ask to be connected",
  description: "Shows each waiting device with its verification code, when it asked, and when the request lapses.",
  examples: ["meshman device pending"],
  load: async () => (await import("./online.js")).devicePending,
};

const complete: VerbDeclaration = {
  arguments: [["[code]", "verification code that the new device shows; asked for on a terminal"]],
  options: [
    ["--refuse", "refuse the device"],
    ["--admin", "make it an administration device; needs the master key"],
    ["--name <name>", "name for the device, which becomes public"],
    SHARE_FILE,
    ENTRY_FILE,
  ],
  summary: "answer a device that asks to be connected",
  description:
    "Adds the device with this verification code to the profile. Compare the code with the one on the device's own screen. " +
    "Interrupted, it is finished by running it again.",
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
    summary: "make, show and end profiles",
    description:
      "A profile is a person's identity: a master key, the devices that belong to it, and who administers them.",
    verbs: {
      create: {
        options: [
          ["--name <name>", "name of the profile on this device (default: default)"],
          DEVICE_NAME,
          NO_PASSPHRASE,
        ],
        summary: "make a new profile on this device",
        description:
          "Makes the master keys and this device's keys, and keeps them in the keystore. Nothing is published. " +
          "This device becomes the first administration device.",
        examples: [
          "meshman profile create",
          "meshman profile create --name work --device-name laptop --no-passphrase --json",
        ],
        load: async () => (await import("./online.js")).profileCreate,
      },
      show: {
        summary: "show the profile as this device knows it",
        description: "Needs no passphrase and no network. Prints the command that connects another device.",
        examples: ["meshman profile show", "meshman profile show --json --profile work"],
        load: async () => (await import("./offline.js")).profileShow,
      },
      list: {
        summary: "list the profiles on this device",
        examples: ["meshman profile list"],
        load: async () => (await import("./offline.js")).profileList,
      },
      use: {
        arguments: [["<name>", "name or UDF of a profile"]],
        summary: "choose the default profile",
        examples: ["meshman profile use work"],
        load: async () => (await import("./offline.js")).profileUse,
      },
      verify: {
        summary: "verify the profile that the portals show",
        description:
          "Fetches the profile from every account, verifies each signature down to the master key, and holds it against the " +
          "newest version seen before. The exit status is 7 where anything is wrong.",
        examples: ["meshman profile verify"],
        load: async () => (await import("./online.js")).profileVerify,
      },
      export: {
        options: [
          ["--format <format>", "json: the signed records; pem: the certificates, the master's first (default: json)"],
        ],
        summary: "print the profile's public records or certificates",
        examples: ["meshman profile export > profile.json", "meshman profile export --format pem > chain.pem"],
        load: async () => (await import("./online.js")).profileExport,
      },
      revocation: {
        options: [["--out <file>", "file to write the note to (required)"]],
        summary: "write a note that can end the profile later",
        description:
          "Signs a revocation note with the master key and writes it to a file. Whoever holds the note can end the profile " +
          "for good with `meshman profile revoke`, so keep it offline.",
        examples: ["meshman profile revocation --out revocation.json"],
        load: async () => (await import("./online.js")).profileRevocation,
      },
      revoke: {
        arguments: [["<file>", "revocation note, from `meshman profile revocation`"]],
        summary: "publish a revocation note: end a profile for good",
        description: "Nothing of the profile is valid afterwards, and there is no way back. Asks first; --yes answers.",
        examples: [
          "meshman profile revoke revocation.json",
          "meshman profile revoke revocation.json --account alice@example.com --yes",
        ],
        load: async () => (await import("./online.js")).profileRevoke,
      },
      delete: {
        arguments: [["[name]", "profile to delete (default: the default profile)"]],
        options: [["--confirm <name>", "the profile's name, typed again"]],
        summary: "remove a profile's keys from this device",
        description: "Removes what this device keeps of the profile. Its accounts and other devices stay as they are.",
        examples: ["meshman profile delete work --confirm work"],
        load: async () => (await import("./online.js")).profileDelete,
      },
    },
  },
  {
    name: "account",
    summary: "make and look after accounts at portals",
    description: "An account, such as alice@example.com, is where a portal keeps a profile's signed records.",
    verbs: {
      validate: {
        arguments: [["<address>", "account address to ask about"]],
        summary: "ask a portal whether a name can be had",
        description: "Needs no profile. The exit status is 0 where the name is valid and free, 5 where it is not.",
        examples: ["meshman account validate alice@example.com", "meshman account validate alice --portal local"],
        load: async () => (await import("./online.js")).accountValidate,
      },
      create: {
        arguments: [["<address>", "account address to create"]],
        summary: "create an account and publish the profile there",
        description:
          "Creating an account again for the same profile changes nothing, and makes up for what was interrupted.",
        examples: ["meshman account create alice@example.com", "meshman account create alice --portal local"],
        load: async () => (await import("./online.js")).accountCreate,
      },
      list: {
        summary: "list the accounts that this device knows",
        examples: ["meshman account list"],
        load: async () => (await import("./offline.js")).accountList,
      },
      status: {
        arguments: [["[address]", "account (default: the profile's first)"]],
        summary: "ask the portal how an account stands",
        examples: ["meshman account status", "meshman account status bob@example.com --json"],
        load: async () => (await import("./online.js")).accountStatus,
      },
      delete: {
        arguments: [["<address>", "account to delete"]],
        options: [["--confirm <address>", "the address, typed again"]],
        summary: "delete an account for good",
        description: "The name cannot be used again. The profile stays, with its devices and other accounts.",
        examples: ["meshman account delete alice@example.com --confirm alice@example.com"],
        load: async () => (await import("./online.js")).accountDelete,
      },
    },
  },
  {
    name: "device",
    summary: "connect devices, list them, remove them",
    description: "Every device has keys of its own, which never leave it.",
    verbs: {
      connect,
      status: {
        summary: "show whether this device is connected",
        description:
          "The exit status is 0 when accepted, 8 while pending, 5 when refused, expired or removed, and 3 where this device " +
          "has never asked.",
        examples: ["meshman device status --json"],
        load: async () => (await import("./online.js")).deviceStatus,
      },
      pending,
      complete,
      list: {
        summary: "list the devices of the profile",
        examples: ["meshman device list"],
        load: async () => (await import("./online.js")).deviceList,
      },
      show: {
        arguments: [["[device]", "name or UDF of a device (default: this one)"]],
        summary: "show a device and its public keys",
        examples: ["meshman device show phone --json"],
        load: async () => (await import("./online.js")).deviceShow,
      },
      remove: {
        arguments: [["<device>", "name or UDF of a device"]],
        options: [SHARE_FILE, ENTRY_FILE],
        summary: "remove a device from the profile",
        description:
          "Removing an administration device makes a new epoch of the profile, and so needs the master key: on this device, " +
          "or from recovery shares.",
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
    summary: "split the master keys into shares, and recover from them",
    description:
      "The master keys are escrowed at the portal under a key that is split into shares. Enough shares bring the profile back; " +
      "fewer tell nothing.",
    verbs: {
      split: {
        options: [
          ["--shares <n>", "how many shares to make (required)", "whole"],
          ["--threshold <k>", "how many of them bring the profile back (required)", "whole"],
          ["--out <dir>", "folder to write the shares and the escrow entry to; else they are printed"],
          ["--erase-master", "erase the master keys from this device afterwards"],
        ],
        summary: "escrow the master keys and split the escrow key",
        description:
          "Proves that the shares work before it shows them. Old shares keep working as long as a copy of their escrow entry " +
          "exists.",
        examples: [
          "meshman escrow split --shares 3 --threshold 2 --out recovery",
          "meshman escrow split --shares 5 --threshold 3 --out recovery --erase-master",
        ],
        load: async () => (await import("./online.js")).escrowSplit,
      },
      verify: {
        options: [SHARE_FILE, ENTRY_FILE, EXPECT],
        summary: "check that shares bring the master keys back",
        description:
          "Shares come from --share-file, from standard input (a share a line), or are asked for. Changes nothing.",
        examples: ["meshman escrow verify --share-file one.txt --share-file two.txt"],
        load: async () => (await import("./online.js")).escrowVerify,
      },
      recover: {
        options: [
          SHARE_FILE,
          ENTRY_FILE,
          EXPECT,
          ["--name <name>", "name of the profile on this device (default: default)"],
          DEVICE_NAME,
          ["--new-epoch", "make this device the only administrator, also where it has the profile already"],
          ["--drop-devices", "remove all other devices at once"],
          NO_PASSPHRASE,
        ],
        summary: "bring a profile back from its shares",
        description:
          "Publishes a new epoch whose only administrator is this device; former administrators rule no more. Other devices " +
          "stay connected and are listed. Where this device has the profile already, only its master keys come back.",
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
    summary: "run a portal, or greet one",
    description: "A portal keeps the signed and encrypted records of accounts. It is not trusted with anything.",
    verbs: {
      serve: {
        options: [
          ["--listen <host:port>", "address to listen on (default: 127.0.0.1:8080)"],
          ["--domain <domain>", "domain whose accounts it serves; may be repeated (default: every domain)", "list"],
          ["--authority <host:port>", "further name under which clients reach it; may be repeated", "list"],
          ["--transfer-token-file <path>", "file with the token by which peers may fetch the whole log"],
          ["--store <store>", "where records are kept, as sqlite:PATH (default: in the home folder)"],
        ],
        summary: "serve accounts over HTTP",
        description:
          "Prints one line when it is ready. Put it behind a proxy for https. SIGTERM ends it once the requests under way are " +
          "answered.",
        examples: [
          "meshman portal serve",
          "meshman portal serve --listen 127.0.0.1:8080 --domain example.com --store sqlite:portal.sqlite",
        ],
        load: () => import("./portal/serve.js"),
      },
      hello: {
        arguments: [["[url]", "portal to greet (default: the first account's)"]],
        summary: "ask a portal what it can do",
        examples: ["meshman portal hello https://example.com"],
        load: async () => (await import("./online.js")).portalHello,
      },
    },
  },
  {
    name: "keystore",
    summary: "look after the keys on this device",
    description: "The keystore holds this device's private keys, each encrypted, under a passphrase or a key file.",
    verbs: {
      status: {
        summary: "show how the keys are kept, and which there are",
        description: "Needs no passphrase.",
        examples: ["meshman keystore status"],
        load: async () => (await import("./offline.js")).keystoreStatus,
      },
      passwd: {
        options: [
          ["--new-passphrase-file <path>", "file that holds the new passphrase"],
          ["--new-passphrase-fd <n>", "file descriptor to read the new passphrase from", "whole"],
          ["--no-passphrase", "keep the keystore's key in a file from now on"],
        ],
        summary: "change the passphrase",
        description: "The old passphrase comes from the usual options, or is asked for.",
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
    summary: "set everything up, step by step",
    description:
      "Asks for a name, a passphrase, and an address or a portal on this machine, and offers shares and a revocation note.",
    examples: ["meshman setup"],
    load: async () => (await import("./online.js")).setup,
  },
  status: {
    summary: "show how things stand on this device",
    description: "Needs no passphrase and no network.",
    examples: ["meshman status", "meshman status --json"],
    load: async () => (await import("./offline.js")).status,
  },
  verify: {
    arguments: [
      ["<file...>", "files with records: single ones, arrays, exports, old .jlog files; - for standard input"],
    ],
    summary: "verify signed records",
    description:
      "Checks every signature, nested ones too. Keys are pooled over all files. The exit status is 7 where any is bad.",
    examples: ["meshman verify profile.json", "meshman verify old-mesh.jlog old-portal.jlog"],
    load: () => import("./verify.js"),
  },
  udf: {
    arguments: [["<file>", "file to fingerprint, or - for standard input"]],
    options: [
      ["--content-type <type>", "media type of the data (default: application/octet-stream)"],
      ["--bits <n>", "length, from 100 to 500 in steps of 20 (default: 140)", "whole"],
    ],
    summary: "print the fingerprint (UDF) of a file",
    examples: ["meshman udf photo.jpg --content-type image/jpeg"],
    load: async () => (await import("./offline.js")).udf,
  },
  quickstart: {
    options: [["--keep", "leave the files and say where they are"]],
    summary: "watch the whole story on this machine",
    description:
      "Starts a portal on a loopback port and shows profile, account, second device, escrow and recovery in throw-away folders. " +
      "Nothing of yours is touched.",
    examples: ["meshman quickstart", "meshman quickstart --keep"],
    load: () => import("./quickstart.js"),
  },
  connect: { ...connect, summary: "the same as `device connect`" },
  pending: { ...pending, summary: "the same as `device pending`" },
  complete: { ...complete, summary: "the same as `device complete`" },
};
