import * as fs from "node:fs";
import * as path from "node:path";
import { openHome, type Home } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { readKeystoreFile } from "../../src/keystore/keystore-file.js";
import { parseKey } from "../../src/keystore/key-text.js";
import { keyFilePath, unwrapKey } from "../../src/keystore/protection.js";
import { escrowIdentifier } from "../../src/mesh/escrow.js";
import { combineShares, parseShare } from "../../src/mesh/shares.js";
import { decodeBase32 } from "../../src/mesh/udf.js";
import { testDeps } from "./deps.js";

/**
 * Watches over the secrets of a stage: it learns them from the homes and share files that the program makes, and looks for
 * them in everything that was typed, passed, printed and written.
 */
export interface Audit {
  /** A passphrase, or a key of a keystore, and the file that may hold it. */
  passphrase(text: string, file?: string): void;
  /** Any other text that may not get out. */
  secret(text: string): void;
  /** A recovery share, and the file that may hold it. */
  share(text: string, file?: string): void;
  command(words: readonly string[], env: Readonly<Record<string, string>>): void;
  output(words: readonly string[], text: string): void;
  /** Learns what is in the homes and share files now. Called after every command, since keys come and go. */
  learn(): Promise<void>;
  /** What is wrong: empty where no secret has got out and every private file is private. */
  findings(): Promise<string[]>;
  /** How many secrets are known. */
  count(): number;
  /** Ends the audit: for a test of the audit itself. */
  forgive(): void;
}

interface Secret {
  readonly label: string;
  readonly forms: readonly Buffer[];
  readonly files: Set<string>;
}

const SHARE_FILE = /^share-\d+-of-\d+\.txt$/;

/** Octets as they would show up in a file or in text. */
const formsOf = (octets: Buffer): Buffer[] => {
  const hex = octets.toString("hex");
  const base64 = octets.toString("base64").replace(/=+$/, "");
  return [octets, ...[octets.toString("base64url"), base64, hex, hex.toUpperCase()].map((text) => Buffer.from(text))];
};

/** What `read` gives; undefined where the file or folder has gone meanwhile, for programs may be running. */
const ifThere = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

const walk = (folder: string): { file: string; stat: fs.Stats }[] =>
  (ifThere(() => fs.readdirSync(folder)) ?? []).flatMap((name) => {
    const file = path.join(folder, name);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat) return [];
    return stat.isDirectory() ? [{ file, stat }, ...walk(file)] : [{ file, stat }];
  });

const modeOf = (stat: fs.Stats): string => (stat.mode & 0o777).toString(8);

/** The line of a share file that holds the share; undefined where the file is not whole. */
const shareIn = (file: string): string | undefined =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .find((line) => /^S[0-9A-Z-]{50,}$/.test(line));

export const createAudit = (folder: string): Audit => {
  const secrets = new Map<string, Secret>();
  const passphrases: string[] = [];
  const commands: { words: readonly string[]; text: string }[] = [];
  const outputs: { words: readonly string[]; text: string }[] = [];
  const learnt = new Map<string, string>();
  let forgiven = false;

  const add = (label: string, octets: Buffer, file?: string, forms = formsOf(octets)): void => {
    const id = octets.toString("hex");
    const secret = secrets.get(id) ?? { label, forms, files: new Set<string>() };
    if (file !== undefined) secret.files.add(file);
    secrets.set(id, secret);
  };

  const addShare = (text: string, file?: string): void => {
    const bare = text.replaceAll("-", "");
    const octets = decodeBase32(bare, "share-invalid");
    const forms = [
      ...formsOf(octets),
      ...[text, text.toLowerCase(), bare, bare.toLowerCase()].map((t) => Buffer.from(t)),
    ];
    add("a share", octets, file, forms);
  };

  /** The escrow keys that the known share files give together. */
  const addEscrowKeys = (texts: readonly string[]): void => {
    const shares = texts.map(parseShare);
    for (const id of new Set(shares.map(({ setId }) => setId))) {
      const set = shares.filter(({ setId }) => setId === id);
      const threshold = set[0]?.threshold ?? 0;
      if (set.length < threshold) continue;
      add("an escrow key", combineShares(set.slice(0, threshold), escrowIdentifier).key);
    }
  };

  const learnHome = async (home: Home, told: string | undefined): Promise<void> => {
    const file = readKeystoreFile(home);
    if (!file) return;
    const octets = told === undefined ? undefined : Buffer.from(told);
    const secrets = { passphrase: octets, key: octets && parseKey(octets) };
    const keystoreKey = await unwrapKey(home, file.id, file.protection, secrets);
    add("a keystore key", Buffer.from(keystoreKey));
    const keystore = await unlockKeystore(home, secrets);
    for (const { kid, use } of keystore.facts) {
      if (keystore.has(kid)) add(`the ${use} key ${kid}`, Buffer.from(keystore.get(kid, use).d, "base64url"));
    }
    if (file.protection.method !== "key-file") return;
    const keyFile = keyFilePath(home, file.protection);
    for (const line of fs.readFileSync(keyFile, "utf8").trim().split("\n")) {
      add("a key file's key", Buffer.from(line, "base64url"), keyFile);
    }
  };

  const homes = (): string[] =>
    walk(folder)
      .filter(({ file }) => path.basename(file) === "keystore.json")
      .map(({ file }) => path.dirname(file));

  const learnHomes = async (withPassphrases: boolean): Promise<void> => {
    for (const place of homes()) {
      // A file that has not changed has nothing new to tell.
      const text = fs.readFileSync(path.join(place, "keystore.json"), "utf8");
      if (learnt.get(place) === text) continue;
      const home = openHome(testDeps(), place);
      const { protection } = JSON.parse(text) as { protection: { method: string } };
      if (protection.method === "key-file") await learnHome(home, undefined);
      else if (withPassphrases) await learnWithPassphrase(home);
      else continue;
      learnt.set(place, text);
    }
  };

  const learnWithPassphrase = async (home: Home): Promise<void> => {
    let failure: unknown = new Error(`The test has told no passphrase for ${home.path}.`);
    for (const passphrase of passphrases) {
      try {
        await learnHome(home, passphrase);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };

  const learnShares = (): void => {
    const texts: string[] = [];
    for (const { file } of walk(folder).filter(({ file: name }) => SHARE_FILE.test(path.basename(name)))) {
      const text = shareIn(file);
      if (text === undefined) continue;
      texts.push(text);
      addShare(text, file);
    }
    addEscrowKeys([...new Set(texts)]);
  };

  /** Homes and what is in them, and every file that is meant to hold a secret: nobody else may read or enter. */
  const openModes = (): string[] => {
    const places = homes();
    const secretFiles = new Set([...secrets.values()].flatMap(({ files }) => [...files]));
    const problems: string[] = [];
    for (const { file, stat } of [...walk(folder)]) {
      const inHome = places.some((place) => file === place || file.startsWith(`${place}${path.sep}`));
      if (inHome || secretFiles.has(file)) {
        const wanted = stat.isDirectory() ? "700" : "600";
        if (modeOf(stat) !== wanted) problems.push(`${file} has mode ${modeOf(stat)}`);
      }
      if (secretFiles.has(file)) {
        const parent = modeOf(fs.statSync(path.dirname(file)));
        if (parent !== "700") problems.push(`the folder of ${file} has mode ${parent}`);
      }
    }
    return problems;
  };

  const leaks = (): string[] => {
    const problems: string[] = [];
    const search = (where: string, content: Buffer, file?: string): void => {
      for (const { label, forms, files } of secrets.values()) {
        if (file !== undefined && files.has(file)) continue;
        if (forms.some((form) => content.includes(form))) problems.push(`${label} is in ${where}`);
      }
    };
    for (const { words, text } of commands)
      search(`the command line or environment of ${words.join(" ")}`, Buffer.from(text));
    for (const { words, text } of outputs) search(`what ${words.join(" ")} printed`, Buffer.from(text));
    for (const { file, stat } of walk(folder)) {
      if (stat.isFile()) search(`the file ${file}`, fs.readFileSync(file), file);
    }
    return problems;
  };

  return {
    passphrase: (text, file) => {
      passphrases.push(text);
      add("a passphrase", Buffer.from(text), file);
      const key = parseKey(Buffer.from(text));
      if (key) add("a key of a keystore", key, file);
    },
    secret: (text) => add("a secret", Buffer.from(text)),
    share: addShare,
    command: (words, env) => commands.push({ words, text: [...words, ...Object.values(env)].join("\n") }),
    output: (words, text) => outputs.push({ words, text }),
    learn: async () => {
      await learnHomes(false);
      learnShares();
    },
    forgive: () => (forgiven = true),
    findings: async () => {
      if (forgiven) return [];
      await learnHomes(true);
      learnShares();
      return [...openModes(), ...leaks()];
    },
    count: () => secrets.size,
  };
};
