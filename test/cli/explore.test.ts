import { expect, test } from "vitest";
import { filePortal, machine, withAccount, connected, asking } from "../support/cli.js";
import { openWire } from "../support/wire.js";

test("explore", async () => {
  const show = async (p: Promise<{ status: number; stdout: string; stderr: string }>) => {
    const t = performance.now();
    const r = await p;
    console.log(Math.round(performance.now() - t), r.status, r.stdout, r.stderr);
  };
  const admin = machine();
  await show(admin.text("help profile create"));
  await show(admin.text("help nosuch"));
  await show(admin.text("help profile nosuch"));
  await show(admin.text("help"));
  await show(admin.text("help verify"));
  await show(admin.text(""));
  await show(admin.text("--json profile"));
  await show(admin.text("profile --no-input show"));
  await show(admin.text("profile show --timeout x"));
  await show(admin.text("profile show --timeout 0"));
  await show(admin.text("profile show --timeout 9999999"));
  await show(admin.text("profile show --portal", ""));
  await show(admin.text("profile show --passphrase-file", ""));
  await show(admin.text("profile show --home", ""));
  await show(admin.text("profile show extra"));
  await show(admin.text("-h"));
  await show(admin.text("portal serve --listen nonsense"));
  await show(admin.text("escrow split --shares 3 --threshold 4"));
  await show(admin.text("escrow split --shares -3 --threshold 4"));
  await show(admin.text("udf nofile"));
  await show(admin.text("complete"));
  await show(admin.text("complete XYZ!"));
  await show(admin.text("profile delete"));
  await show(admin.text("profile export --format xml"));
});
