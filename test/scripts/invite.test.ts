import * as fs from "node:fs";
import { expect } from "vitest";
import { inviteMacKey, parsePin } from "../../src/mesh/invite.js";
import { after, printedBy, test, type Finished, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";

/** What `device approve` prints. */
interface Approval {
  readonly approved: readonly { readonly code: string; readonly device: { readonly name: string } }[];
  readonly left: readonly { readonly code: string; readonly reason: string }[];
}

const approvalOf = (finished: Finished): Approval => printedBy(finished) as unknown as Approval;

/** Makes a profile with an account, and an invite whose PIN is in a file that nobody else may read. Gives the file. */
const invite = async (stage: Stage, at: string, words: string): Promise<string> => {
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} ${at}`);
  fs.mkdirSync(stage.path("secrets"), { mode: 0o700 });
  const file = stage.path("secrets", "pin");
  await stage.meshman("laptop", `device invite ${words} --out ${file}`);
  const text = fs.readFileSync(file, "utf8").trim();
  const { pin } = parsePin(text);
  // From now on the PIN may be in its file and nowhere else, and what follows from it nowhere at all.
  stage.audit.passphrase(text, file);
  for (const secret of [text.replaceAll("-", ""), pin.toString("base64url"), pin.toString("hex")]) {
    stage.audit.secret(secret);
  }
  stage.audit.secret(inviteMacKey(pin).toString("base64url"));
  return file;
};

const connect = (at: string, file: string, name: string): string =>
  `device connect ${ACCOUNT} ${at} --pin-file ${file} --device-name ${name} --wait 60 --no-passphrase --json --verbose`;

test.concurrent("devices come by a PIN while an administrator watches", async ({ stage }) => {
  const portal = await stage.serve("--store sqlite:portal.sqlite --verbose");
  const at = `--portal ${portal.url}`;
  const file = await invite(stage, at, "--uses 2");
  const watching = stage.launch("laptop", "device approve --watch --for 20s --json --verbose");
  const [phone, tablet] = [
    stage.launch("phone", connect(at, file, "phone")),
    stage.launch("tablet", connect(at, file, "tablet")),
  ];
  for (const running of [phone, tablet]) {
    const finished = await running.finished;
    expect(finished.status, finished.stdout + finished.stderr).toBe(0);
    expect(printedBy(finished)).toMatchObject({ status: "accepted" });
  }
  await stage.fails("robot", 5, "invite-used", connect(at, file, "robot").replace(" --json", ""));
  const finished = await watching.finished;
  expect(finished.status, finished.stderr).toBe(0);
  const { approved, left } = approvalOf(finished);
  expect(approved.map(({ device }) => device.name).sort()).toEqual(["phone", "tablet"]);
  expect(left).toEqual([]);
  const { devices } = await stage.meshman("phone", "device list");
  expect(devices.map(({ name }) => name).sort()).toEqual(["laptop", "phone", "tablet"]);
});

test.concurrent("more devices behind one address than a portal keeps requests of all come in", async ({ stage }) => {
  const portal = await stage.serve("--store sqlite:portal.sqlite");
  const at = `--portal ${portal.url}`;
  const file = await invite(stage, at, "--uses 6");
  const names = ["one", "two", "three", "four", "five", "six"];
  const asking = names.map((name) => stage.launch(name, connect(at, file, name)));
  // All have asked, and the portal has dropped the first two, before anybody looks.
  for (const running of asking) while (!running.text().includes("device approve")) await after(50);
  const watching = stage.launch("laptop", "device approve --watch --json");
  for (const { finished } of asking) expect(printedBy(await finished)).toMatchObject({ status: "accepted" });
  const { approved } = approvalOf(await watching.stop("SIGTERM"));
  expect(approved.map(({ device }) => device.name).sort()).toEqual([...names].sort());
});

test.concurrent.for(["SIGINT", "SIGTERM"] as const)("%s ends the watch with what it did", async (signal, { stage }) => {
  const at = `--portal file:${stage.path("portal.sqlite")}`;
  const file = await invite(stage, at, "--expires 1h");
  const watching = stage.launch("laptop", "device approve --watch --json");
  const finished = await stage.launch("phone", connect(at, file, "phone")).finished;
  expect(finished.status, finished.stdout + finished.stderr).toBe(0);
  // The device sees that it is in as soon as that is published: the watch may still be about to tell it.
  const ended = await watching.stop(signal);
  expect([ended.status, ended.stderr]).toEqual([0, ""]);
  expect(approvalOf(ended)).toMatchObject({ approved: [{ device: { name: "phone" } }], left: [] });
});

test.concurrent("a watch for people says what happens as it happens", async ({ stage }) => {
  const at = `--portal file:${stage.path("portal.sqlite")}`;
  const file = await invite(stage, at, "--name telephone");
  const watching = stage.launch("laptop", "device approve --watch --for 60s");
  const finished = await stage.launch("phone", connect(at, file, "phone")).finished;
  const { code } = printedBy(finished);
  while (!watching.text().includes(code)) await after(20);
  const ended = await watching.stop("SIGINT");
  expect(ended.status).toBe(0);
  expect(ended.stderr).toContain(code);
  expect(ended.stdout).toContain("telephone");
});
