import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { LAUNCHER, ROOT, test } from "../support/program.js";

/** The block of shell right under the heading, as the README shows it. */
const readmeScript = (): string => {
  const readme = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
  const [, section = ""] = readme.split(/^## From a script$/m);
  const script = /^```sh\n(.*?)^```$/ms.exec(section.split(/^## /m)[0] ?? "")?.[1];
  expect(script, 'README.md has a block of sh under "## From a script"').toBeDefined();
  return script ?? "";
};

test("the script in the README connects a device, as it stands there", async ({ stage }) => {
  const script = readmeScript();
  expect(script).toMatch(/^set -eu/);
  const portal = await stage.serve();
  const at = `--portal ${portal.url}`;
  const { profile } = await stage.meshman("admin", "profile create --device-name admin --no-passphrase");
  await stage.meshman("admin", `account create alice@example.com ${at}`);

  const bin = stage.path("bin");
  fs.mkdirSync(bin);
  fs.writeFileSync(path.join(bin, "meshman"), `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`, {
    mode: 0o755,
  });
  fs.mkdirSync(stage.home("device"), { mode: 0o700 });
  fs.writeFileSync(stage.path("connect.sh"), script);
  const run = (shell: string, device: string) =>
    stage.start(shell, [stage.path("connect.sh")], {
      env: {
        PATH: [bin, path.dirname(process.execPath), process.env["PATH"] ?? ""].join(path.delimiter),
        ADDRESS: "alice@example.com",
        PORTAL: portal.url,
        ADMIN_HOME: stage.home("admin"),
        DEVICE_HOME: stage.home(device),
      },
    }).finished;

  const { status, stdout, stderr } = await run("bash", "device");
  expect(status, stdout + stderr).toBe(0);
  const keys = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, Record<string, string>>;
  const shown = await stage.meshman("device", "device show");
  expect(keys).toEqual(shown.device.keys);
  for (const key of Object.values(keys)) expect(Object.keys(key)).not.toContain("d");
  const { devices } = await stage.meshman("admin", "device list");
  expect(devices.map(({ udf }) => udf)).toContain(shown.device.udf);
  expect((await stage.meshman("device", "profile show")).profile.udf).toBe(profile.udf);

  // Where the portal is gone the script stops, instead of going on with nothing.
  await portal.running.stop("SIGTERM");
  expect((await run("bash", "other")).status).not.toBe(0);
  expect((await run("sh", "another")).status).not.toBe(0);
});
