import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { NOUNS, PLAIN_COMMANDS } from "../../src/cli/commands.js";
import { add, set } from "../support/applications.js";
import { machine, put, type Machine } from "../support/cli.js";
import { sampleEvidence } from "../support/log-forge.js";
import { openTestStore } from "../support/portal.js";
import { writePerson } from "../support/store-content.js";
import { openWire } from "../support/wire.js";

type Say = (who: Machine, line: string, words?: readonly string[]) => Promise<string>;

/** The verbs of the applications themselves. Some print nothing where there is nothing, and have tests of their own. */
const sayApplications = async (say: Say, laptop: Machine): Promise<void> => {
  await say(laptop, "password add example.com --username alice --generate");
  await say(laptop, "password edit example.com --label work");
  await say(laptop, "password get example.com");
  await say(laptop, "password list");
  await say(laptop, "password check");
  await say(laptop, "password generate");
  put(laptop, "list.csv", "name,url,username,password,note\nOne,https://one.example/,bob,pass word 1,\n");
  await say(laptop, "password import list.csv");
  await say(laptop, "password export --yes");
  put(laptop, "template", "mesh://password/one.example/bob\n");
  await say(laptop, "password inject template");
  await say(laptop, "password remove one.example --yes");
  await say(laptop, "ssh add");
  await say(laptop, "ssh add build --hostname build.example.com --user alice");
  const { stdout: line } = await laptop.text("ssh export");
  put(laptop, "hosts", `build ${line.split(" ").slice(0, 2).join(" ")}\n`);
  await say(laptop, "ssh known-hosts --import hosts");
  for (const verb of ["list", "authorized-keys", "known-hosts", "config", "export"]) await say(laptop, `ssh ${verb}`);
  await say(laptop, "ssh remove build");
  await say(laptop, "mail set alice@example.com --inbound-server imap.example.com --user alice");
  await say(laptop, "mail show alice@example.com");
  await say(laptop, "mail list");
  await say(laptop, "mail keys alice@example.com");
  await say(laptop, "mail remove alice@example.com --yes");
  await say(laptop, "network set office --site *.corp.example.com --dns 192.0.2.1");
  await say(laptop, "network show office");
  await say(laptop, "network list");
  await say(laptop, "network remove office --yes");
};

/** Every verb of the story, as a person types it. What is printed goes to standard output, and reads like text. */
test("what people see", async () => {
  const wire = await openWire();
  const at = ["--portal", wire.url];
  const [laptop, phone, desktop] = [machine(), machine(), machine()];
  const said = new Set<string>();
  const say = async (who: Machine, line: string, words: readonly string[] = [], status = 0): Promise<string> => {
    const { stdout, stderr, ...outcome } = await who.text(line, ...words);
    expect([line, outcome.status, stderr]).toMatchObject([line, status, expect.not.stringMatching(/^error|internal/m)]);
    expect([line, stdout]).toEqual([line, expect.stringMatching(/\S.*\n$/)]);
    if (!line.includes("export")) {
      expect(stdout).not.toMatch(/[{}]|undefined|null|\[object|NaN|\btrue\b|\bfalse\b|T\d\d:\d\d:\d\d/);
      expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
    }
    const [noun = "", verb = ""] = line.split(" ");
    said.add(noun in PLAIN_COMMANDS ? noun : `${noun} ${verb}`);
    return stdout;
  };

  await say(laptop, "status");
  await say(laptop, "profile list");
  await say(laptop, "account list");
  await say(laptop, "keystore status");
  await say(laptop, "portal hello", [wire.url]);
  await say(laptop, "account validate alice@example.com", at);
  await say(laptop, "profile create --device-name laptop --no-passphrase");
  await say(laptop, "account create alice@example.com", at);
  await say(laptop, "account validate alice@example.com", [], 5);
  await say(laptop, "profile revocation --out note.json");
  await say(laptop, "escrow split --shares 3 --threshold 2 --out shares");
  const shares = [1, 2].flatMap((index) => [
    "--share-file",
    path.join(laptop.folder, `shares/share-${index}-of-3.txt`),
  ]);
  await say(laptop, "escrow verify", shares);
  const { stdout: shown } = await laptop.text("profile show");
  const [, command = ""] =
    /^ *meshman (device connect .*)$/m.exec(shown + (await laptop.text("profile show")).stderr) ?? [];
  expect(command).not.toBe("");
  await say(phone, command, ["--no-passphrase", "--device-name", "phone", ...at]);
  await say(phone, "device status", [], 8);
  const pending = await say(laptop, "device pending");
  const [code = ""] = /M[A-Z2-7]{3}(-[A-Z2-7]{4}){4}/.exec(pending) ?? [];
  await say(laptop, "device complete", [code]);
  const [tablet, pin = ""] = [
    machine(),
    (await say(laptop, "device invite")).match(/P[A-Z2-7]{3}(-[A-Z2-7]{4}){15}/)?.[0],
  ];
  put(tablet, "pin", pin);
  await say(tablet, "device connect alice@example.com --pin-file pin --no-passphrase", at);
  await say(laptop, "device pending");
  await say(laptop, "device approve");
  await say(phone, "device status");
  await say(phone, "status");
  for (const line of ["device list", "device pending", "profile verify", "account status", "keystore status"]) {
    await say(laptop, line);
  }
  // This one shows keys as JSON, on purpose.
  expect((await laptop.text("device show phone")).stdout).toContain('"crv":"Ed25519"');
  said.add("device show");
  await say(laptop, "profile show");
  await say(laptop, "profile use default");
  put(laptop, "profile.json", await say(laptop, "profile export"));
  await say(laptop, "profile export --format pem");
  await say(laptop, "verify profile.json");
  await say(laptop, "udf profile.json");
  await say(laptop, "sync");
  await say(laptop, "app create passwords");
  await add(laptop, "example.com", "one");
  await say(phone, "sync");
  await set(laptop, "example.com", "two");
  await set(phone, "example.com", "three", { offline: true });
  await say(phone, "sync");
  for (const line of ["app list", "app show passwords", "app history passwords", "app conflicts"])
    await say(phone, line);
  await say(phone, "app resolve passwords example.com --keep current");
  await say(laptop, "app rename passwords home");
  await say(laptop, "app grant phone --app home --read-only");
  await say(laptop, "app revoke phone --app home");
  await say(laptop, "app exposure phone");
  await say(laptop, "app delete home --confirm home");
  await sayApplications(say, laptop);
  await say(laptop, "doctor");
  for (const line of ["audit status", "audit self", "audit log"]) await say(laptop, line);
  await say(phone, "audit self");
  await say(phone, "audit accept");
  put(laptop, "evidence.json", sampleEvidence());
  await say(laptop, "audit evidence evidence.json");
  put(laptop, "secret", "correct horse battery");
  await say(laptop, "profile export --private --out backup.json --backup-passphrase-file secret");
  const restoring = "profile import backup.json --replace --backup-passphrase-file secret --yes";
  await say(laptop, restoring);
  const [invite = ""] = /M[A-Z2-7]{3}(-[A-Z2-7]{4}){6}/.exec(await say(laptop, "device invites")) ?? [];
  await say(laptop, "device withdraw", [invite]);
  await say(laptop, "device rename testhost tablet");
  await say(laptop, "device renew tablet --expires 90d");
  await say(laptop, "device list");
  await say(tablet, "device rotate");
  await say(tablet, "device status", [], 8);
  await say(laptop, "device approve");
  await say(tablet, "device rotate");
  await say(laptop, "device preconfigure --name runner --expires 90d --out runner.json --key-out runner.key");
  const runner = machine();
  await say(runner, "device install --no-passphrase", [
    path.join(laptop.folder, "runner.json"),
    "--key-file",
    path.join(laptop.folder, "runner.key"),
  ]);
  await say(runner, "status");
  await say(laptop, "device remove phone");
  await say(phone, "device status", [], 5);
  await say(laptop, "account create second@example.com");
  await say(laptop, "account delete second@example.com --confirm second@example.com");
  await say(laptop, "keystore unlock");
  await say(laptop, "keystore lock");
  await say(laptop, "keystore passwd --no-passphrase");
  await say(laptop, "keystore protect key-file");
  await say(laptop, "keystore check");
  await say(desktop, "escrow recover --no-passphrase --account alice@example.com", [...at, ...shares]);
  await say(desktop, "status");
  await say(desktop, "profile revoke --yes", [path.join(laptop.folder, "note.json")]);
  await say(desktop, "status");
  await say(desktop, "account status");
  await say(laptop, "profile delete --confirm default");
  fs.rmSync(path.join(laptop.folder, "shares"), { recursive: true });

  const operator = machine();
  const store = await openTestStore(path.join(operator.folder, "portal.sqlite"));
  await writePerson(store, "alice");
  await store.close();
  for (const verb of ["fsck", "stats", "suspend alice@example.com", "migrate", "keys", "backup one.backup"]) {
    await say(operator, `portal ${verb} --store sqlite:portal.sqlite`);
  }
  await say(operator, "portal restore one.backup --new-log --store sqlite:copy.sqlite");

  // Nothing was left out: those that are missing ask questions or serve, and have tests of their own.
  const others = ["portal serve", "quickstart", "setup", "connect", "pending", "complete"];
  others.push("password run", "password git-credential", "ssh agent", "ssh install", "ssh refresh");
  const all = [...NOUNS.flatMap(({ name, verbs }) => Object.keys(verbs).map((verb) => `${name} ${verb}`))];
  expect([...all, ...Object.keys(PLAIN_COMMANDS)].filter((name) => !said.has(name) && !others.includes(name))).toEqual(
    [],
  );
});

test("interrupted: 130, wherever it is", async () => {
  const wire = await openWire();
  const admin = machine();
  await admin.ok("profile create --no-passphrase");
  await admin.ok("account create alice@example.com --portal", wire.url);
  const gone = admin.with({ deps: { signal: AbortSignal.abort() } });
  for (const line of ["account status", "device list", "device pending", "profile verify"]) {
    expect([line, await gone.run(line)]).toMatchObject([line, { status: 130, code: "interrupted" }]);
  }
  // In the middle of an answer that does not come.
  const controller = new AbortController();
  wire.intercept = async ({ transaction, forward }) => {
    if (transaction !== "Get") return forward();
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "drop";
  };
  expect(await admin.with({ deps: { signal: controller.signal } }).run("device list")).toMatchObject({
    status: 130,
    code: "interrupted",
  });
});
