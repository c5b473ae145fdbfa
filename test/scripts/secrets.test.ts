import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { readKeystoreFile } from "../../src/keystore/keystore-file.js";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { testDeps } from "../support/deps.js";
import { LAUNCHER, openStage, printedBy, test, type Finished, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";

const shareFile = (stage: Stage, index: number): string => stage.path("recovery", `share-${index}-of-3.txt`);

const shareText = (stage: Stage, index: number): string =>
  fs
    .readFileSync(shareFile(stage, index), "utf8")
    .split("\n")
    .find((line) => line.startsWith("S")) ?? "";

test.concurrent("descriptors that nobody gave are refused, and the program's own are left alone", async ({ stage }) => {
  const passphrase = stage.writeSecret("passphrase", "the passphrase of this test\n");
  await stage.meshman("laptop", `profile create --device-name laptop --passphrase-file ${passphrase}`);
  // 1 and 2 are outputs; Node's own descriptors begin at 3. Reading those hangs, and closing them ends the program.
  for (const fd of [1, 2, 3, 4, 5, 6, 7, 77]) {
    await stage.fails("laptop", 2, "file-unreadable", `keystore check --passphrase-fd ${fd}`);
  }
  const fd = fs.openSync(passphrase, "r");
  await stage.meshman("laptop", "keystore check --passphrase-fd 5", { descriptors: [fd, fd, fd] });
  fs.closeSync(fd);
});

test.concurrent("the audit of these scripts finds what has got out", async ({ stage }) => {
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create alice --portal file:${stage.path("portal.sqlite")}`);
  await stage.meshman("laptop", "escrow split --shares 3 --threshold 2 --out recovery");
  // Six keys, the keystore's, the key file's, three shares, and the key that they give.
  expect(stage.audit.count()).toBe(12);
  expect(await stage.audit.findings()).toEqual([]);

  const home = openHome(testDeps(), stage.home("laptop"));
  const keystore = await unlockKeystore(home);
  const [fact] = keystore.facts;
  const key = keystore.get(fact?.kid ?? "", fact?.use ?? "device-signature");
  const octets = Buffer.from(key.d, "base64url");
  const leak = stage.path("leak");
  for (const content of [key.d, octets, octets.toString("hex"), octets.toString("base64"), shareText(stage, 2)]) {
    fs.writeFileSync(leak, content);
    expect(await stage.audit.findings()).toHaveLength(1);
  }
  // A share in the file of another one; a file that others may read; a folder that they may enter.
  fs.rmSync(leak);
  const share = fs.readFileSync(shareFile(stage, 1), "utf8");
  fs.writeFileSync(shareFile(stage, 1), share + shareText(stage, 2).toLowerCase().replaceAll("-", ""));
  expect(await stage.audit.findings()).toHaveLength(1);
  fs.writeFileSync(shareFile(stage, 1), share);
  for (const [file, open, closed] of [
    [shareFile(stage, 1), 0o644, 0o600],
    [path.join(stage.home("laptop"), "pins.json"), 0o640, 0o600],
    [path.join(stage.home("laptop"), "profiles"), 0o755, 0o700],
  ] as const) {
    fs.chmodSync(file, open);
    expect((await stage.audit.findings()).length).toBeGreaterThan(0);
    fs.chmodSync(file, closed);
  }
  expect(await stage.audit.findings()).toEqual([]);
  // The same for what is printed, typed and passed, which cannot be taken back: so in an audit of its own.
  for (const leaks of ["output", "words", "env"] as const) {
    const other = openStage();
    const token = other.writeSecret("token", "a secret of the test");
    const secret = fs.readFileSync(token, "utf8");
    await other.start(
      process.execPath,
      ["-e", "console.log(process.argv[1])", leaks === "words" ? secret : "nothing"],
      {
        ...(leaks === "output" ? { env: { FILE: token }, input: "" } : {}),
        ...(leaks === "env" ? { env: { TOKEN: secret } } : {}),
      },
    ).finished;
    if (leaks === "output") other.audit.output(["cat", token], secret);
    expect((await other.audit.findings()).length).toBeGreaterThan(0);
    other.audit.forgive();
    await other.close();
  }
});

test.concurrent(
  "no secret gets out, whatever is done with it, and whoever may read new files by default",
  async ({ stage }) => {
    const { meshman, fails, path: at } = stage;
    const passphrase = stage.writeSecret("passphrase", "the passphrase of this test\n");
    const second = stage.writeSecret("second", "Grüße aus dem zweiten Satz\n");
    const wrong = stage.writeSecret("wrong", "some other passphrase\n");
    const served = stage.launch(
      "server",
      "portal serve --listen 127.0.0.1:0 --store sqlite:portal.sqlite --verbose --json",
    );
    const { listening: url } = JSON.parse(await served.firstLine()) as { listening: string };
    const portal = `--portal ${url} --verbose`;
    const unlock = `--passphrase-file ${passphrase}`;

    /** Everything with the most careless umask there is. */
    const careless = (machine: string, words: string): Promise<Finished> =>
      stage.start(
        "sh",
        ["-c", 'umask 0 && exec "$@"', "sh", process.execPath, LAUNCHER, ...words.split(" "), "--json"],
        {
          env: { MESHMAN_HOME: stage.home(machine) },
        },
      ).finished;
    const done = async (machine: string, words: string) => {
      const finished = await careless(machine, words);
      expect(finished.status, finished.stdout + finished.stderr).toBe(0);
      await stage.audit.learn();
      return printedBy(finished);
    };

    const { profile } = await done("laptop", `profile create --device-name laptop ${unlock}`);
    const createAccount = `account create ${ACCOUNT} ${portal}`;
    await fails("laptop", 2, "input-required", createAccount);
    await fails("laptop", 4, "wrong-passphrase", `${createAccount} --passphrase-file ${wrong}`);
    await done("laptop", `${createAccount} ${unlock}`);
    await done("laptop", `escrow split --shares 3 --threshold 2 --out recovery --verbose ${unlock}`);
    await done("laptop", `profile revocation --out ${at("note.json")} ${unlock}`);
    await done("laptop", `profile export --verbose`);

    // A passphrase on a descriptor, and in the file that a variable names.
    const fd = fs.openSync(passphrase, "r");
    await meshman("laptop", "device pending --passphrase-fd 3 --verbose", { descriptors: [fd] });
    fs.closeSync(fd);
    await meshman("laptop", `keystore passwd --new-passphrase-file ${second} ${unlock} --verbose`);
    await fails("laptop", 4, "wrong-passphrase", `device pending ${unlock}`);
    await meshman("laptop", "device pending", { env: { MESHMAN_PASSPHRASE_FILE: second } });

    // Shares printed, which is meant; shares on standard input; shares mistyped.
    const printed = await stage.meshman("laptop", `escrow split --shares 3 --threshold 2 --passphrase-file ${second}`, {
      secretOutput: true,
    });
    for (const share of printed.shares) stage.audit.share(share);
    const input = `${printed.shares.slice(1).join("\n")}\n`;
    expect((await meshman("laptop", `escrow verify ${portal}`, { input })).identifier).toBe(printed.identifier);
    const [share = "", other = ""] = printed.shares;
    const mistyped = `${share.slice(0, -1)}${share.endsWith("A") ? "B" : "A"}`;
    stage.audit.secret(share.slice(0, 40));
    stage.audit.secret(share.slice(0, 40).replaceAll("-", ""));
    await fails("laptop", 7, "share-checksum", `escrow verify ${portal}`, { input: `${mistyped}\n${other}\n` });
    await fails("laptop", 7, "share-checksum", `escrow verify ${portal}`, { input: `${share}1\n${other}\n` });
    await fails("laptop", 7, "share-mixed", `escrow verify ${portal}`, { input: `${share}\n${shareText(stage, 2)}\n` });

    // Slips: a file with a secret where another file belongs. Nothing of it may be quoted.
    const slips = [
      `verify ${passphrase}`,
      `verify ${shareFile(stage, 1)}`,
      `escrow verify ${portal} --share-file ${passphrase} --share-file ${wrong}`,
      `escrow verify --share-file ${shareFile(stage, 1)} --share-file ${shareFile(stage, 2)} --entry-file ${shareFile(stage, 3)}`,
      `profile revoke ${passphrase} --yes`,
      `portal hello ${url.replace("http:", "https:")} --ca ${passphrase}`,
      `keystore passwd --passphrase-file ${shareFile(stage, 1)} --new-passphrase-file ${second}`,
      `account status ${portal} --passphrase-fd 77`,
    ];
    for (const words of slips) await stage.run("laptop", `${words} --verbose`);

    // A machine without a passphrase connects and recovers; its key file is for its owner alone.
    const connect = `device connect ${ACCOUNT} ${portal} --expect-fingerprint ${profile.udf}`;
    const phone = await done("phone", `${connect} --device-name phone --no-passphrase`);
    await meshman("laptop", `device complete ${phone.code} --admin --passphrase-file ${second} --verbose`);
    await meshman("phone", "device show --verbose");
    const shares = `--share-file ${shareFile(stage, 1)} --share-file ${shareFile(stage, 3)}`;
    await done(
      "desktop",
      `escrow recover --account ${ACCOUNT} ${portal} ${shares} --device-name desktop --no-passphrase`,
    );
    await done("desktop", `keystore passwd --new-passphrase-file ${passphrase}`);
    await done("desktop", `keystore passwd --no-passphrase ${unlock}`);
    await meshman("desktop", "device remove phone --verbose");

    // A backup goes to another machine, under a passphrase of its own.
    const third = stage.writeSecret("third", "the passphrase of the backup\n");
    const from = `--backup-passphrase-file ${third}`;
    const restore = `profile import ${at("backup.json")} --no-passphrase --yes --verbose`;
    await done(
      "laptop",
      `profile export --private --out ${at("backup.json")} ${from} --passphrase-file ${second} --verbose`,
    );
    await fails("spare", 4, "wrong-passphrase", `${restore} --backup-passphrase-file ${wrong}`);
    await fails("spare", 7, "backup-invalid", `profile import ${third} ${from} --no-passphrase --yes --verbose`);
    await done("spare", `${restore} ${from}`);
    await stage.run("spare", "doctor --verbose");
    await stage.run("spare", "doctor --offline --json --verbose");

    // From one protection to the next, with the keys to both in files, and with the wrong ones.
    const given = stage.writeSecret("given", `${randomBytes(32).toString("base64")}\n`);
    const another = stage.writeSecret("another", `${randomBytes(32).toString("hex")}\n`);
    await done("desktop", `keystore protect key --new-key-file ${given} --verbose`);
    await fails("desktop", 4, "locked", "keystore check --verbose");
    await fails("desktop", 4, "locked", `keystore check --keystore-key-file ${another} --verbose`);
    await fails("desktop", 2, "usage", `keystore check --keystore-key-file ${passphrase} --verbose`);
    await meshman("desktop", "keystore check --verbose", { env: { MESHMAN_KEYSTORE_KEY_FILE: given } });
    fs.mkdirSync(at("stick"), { mode: 0o700 });
    await done(
      "desktop",
      `keystore protect key-file ${at("stick", "meshman.key")} --keystore-key-file ${given} --verbose`,
    );
    await done("desktop", "keystore check --verbose");
    await done("desktop", `keystore protect key-file ${at("stick", "meshman.key")} --verbose`);
    await fails(
      "desktop",
      4,
      "keyring-unavailable",
      `keystore protect keyring --new-passphrase-file ${second} --verbose`,
    );
    await fails("desktop", 5, "file-exists", `keystore protect key-file ${passphrase} --verbose`);
    await done("desktop", `keystore protect passphrase --new-passphrase-file ${second} --verbose`);
    await fails("desktop", 4, "wrong-passphrase", `keystore check --verbose ${unlock}`);
    await done("desktop", `keystore protect key-file --passphrase-file ${second} --verbose`);
    expect(fs.readdirSync(at("stick"))).toEqual([]);
    expect((await served.stop("SIGTERM")).status).toBe(0);

    // What the two homes say of themselves on disk: sealed keys, and no passphrase's worth of a clue.
    for (const machine of ["laptop", "desktop"]) {
      const file = readKeystoreFile(openHome(testDeps(), stage.home(machine)));
      for (const entry of file?.keys ?? [])
        expect(Object.keys(entry).sort()).toEqual(["created", "kid", "profile", "sealed", "use"]);
    }
    expect(await stage.audit.findings()).toEqual([]);
    expect(stage.audit.count()).toBeGreaterThan(30);
    for (const name of ["note.json", "backup.json", "recovery/entry.json"])
      expect(fs.statSync(at(name)).mode & 0o777).toBe(0o600);
  },
);
