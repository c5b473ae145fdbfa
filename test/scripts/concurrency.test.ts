import { expect } from "vitest";
import { printedBy, test, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";

test("twenty processes on one home, which none of them finds there, lose nothing", async ({ stage }) => {
  const creates = Array.from({ length: 12 }, (_, n) => `profile create --name n${n} --device-name d --no-passphrase`);
  const lists = Array.from({ length: 8 }, () => "profile list");
  const mixed = creates.flatMap((words, n) => [words, ...lists.slice(n, n + 1)]);
  const results = await Promise.all(mixed.map((words) => stage.meshman("home", words)));
  const udfs = results.flatMap(({ profile }) => (profile as { udf: string } | undefined)?.udf ?? []).sort();
  expect(new Set(udfs).size).toBe(12);

  const { profiles } = await stage.meshman("home", "profile list");
  expect(profiles.map(({ udf }) => udf).sort()).toEqual(udfs);
  expect(new Set(profiles.map(({ name }) => name)).size).toBe(12);
  // Six keys for each, none of them lost, and each profile can be used: its keys open, its pin is there.
  const { keys } = await stage.meshman("home", "keystore status");
  expect(keys).toHaveLength(12 * 6);
  for (const udf of udfs) expect(keys.filter(({ profile }) => profile === udf)).toHaveLength(6);
  await stage.meshman("home", `account create ${ACCOUNT} --profile n7 --portal file:${stage.path("portal.sqlite")}`);
  expect(await stage.meshman("home", "profile verify --profile n7")).toMatchObject({ ok: true });
});

test("one name that several processes want at once goes to one of them", async ({ stage }) => {
  const words = "profile create --name same --device-name d --no-passphrase --json";
  const results = await Promise.all(Array.from({ length: 6 }, () => stage.run("home", words)));
  expect(results.map(({ status }) => status).sort()).toEqual([0, 5, 5, 5, 5, 5]);
  for (const result of results.filter(({ status }) => status === 5)) {
    expect(printedBy(result).error?.code).toBe("profile-exists");
  }
  expect((await stage.meshman("home", "keystore status")).keys).toHaveLength(6);
});

/** Asks for connections of new devices, and gives their codes. */
const connectDevices = (stage: Stage, at: string, udf: string, names: readonly string[]): Promise<string[]> =>
  Promise.all(
    names.map(async (name) => {
      const words = `device connect ${ACCOUNT} ${at} --expect-fingerprint ${udf} --device-name ${name} --no-passphrase`;
      return (await stage.meshman(name, words)).code;
    }),
  );

/** Runs commands one after the other on one machine. */
const inTurn = async (stage: Stage, machine: string, commands: readonly string[]): Promise<void> => {
  for (const words of commands) await stage.meshman(machine, words);
};

for (const kind of ["a served portal", "an embedded portal"] as const) {
  test.concurrent(
    `two administration devices that change the profile at once through ${kind} both have their way`,
    async ({ stage }) => {
      const file = `file:${stage.path("embedded", "portal.sqlite")}`;
      const at = `--portal ${kind === "a served portal" ? (await stage.serve()).url : file}`;
      const created = await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
      const { udf } = created.profile;
      await stage.meshman("laptop", `account create ${ACCOUNT} ${at}`);
      const [admin] = await connectDevices(stage, at, udf, ["phone"]);
      await stage.meshman("laptop", `device complete ${admin} --admin`);

      // Four requests of one address wait at a portal; of a fifth the oldest would have to go.
      const codes = await connectDevices(stage, at, udf, ["a1", "a2", "b1", "b2"]);
      const complete = (code: string): string => `device complete ${code}`;
      await Promise.all([
        inTurn(stage, "laptop", codes.slice(0, 2).map(complete)),
        inTurn(stage, "phone", codes.slice(2).map(complete)),
      ]);
      const namesSeenBy = async (machine: string): Promise<string[]> =>
        (await stage.meshman(machine, "device list")).devices.map(({ name }) => name).sort();
      expect(await namesSeenBy("laptop")).toEqual(["a1", "a2", "b1", "b2", "laptop", "phone"]);

      // Each removes what the other added, while the other adds more.
      const [more] = await connectDevices(stage, at, udf, ["c1"]);
      await Promise.all([
        inTurn(stage, "laptop", ["device remove b1", "device remove b2"]),
        inTurn(stage, "phone", ["device remove a1", complete(more ?? "")]),
      ]);
      for (const machine of ["laptop", "phone"]) {
        expect(await namesSeenBy(machine)).toEqual(["a2", "c1", "laptop", "phone"]);
      }
      expect(await stage.meshman("phone", "profile verify")).toMatchObject({ ok: true, profile: { udf } });
    },
  );
}
