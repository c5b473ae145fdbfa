// Builds the program into dist/: `npm run build`.
//
// The program is written as ES modules and built as CommonJS, since Node takes some milliseconds to set up its loader of ES
// modules. esbuild splits it into chunks, one for every set of entry points that share something, and each chunk is then
// turned into CommonJS; so every module is there once, whoever loads it.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = path.join(ROOT, "dist");
const LAUNCHER = path.join(ROOT, "bin/meshman.js");
const MAIN = path.join(ROOT, "src/main.ts");

const CODE = { target: "node20.19", minifySyntax: true, minifyWhitespace: true, logLevel: "warning" };
const BUNDLE = {
  ...CODE,
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "bundle",
  // Native code stays where the package manager puts it.
  external: ["better-sqlite3", "@napi-rs/keyring"],
  legalComments: "linked",
  outdir: DIST,
  write: false,
};
/** With `import()` turned into `require` as well: the program's loader has nothing else. */
const COMMONJS = { ...CODE, format: "cjs", supported: { "dynamic-import": false } };

/**
 * Makes the other entry points import the main one. All that the program needs from the start is then shared by the same
 * entry points, and so is one chunk: a program that starts pays for every file that it opens.
 */
const withMain = (entries) => ({
  name: "with-main",
  setup: (build) => {
    build.onLoad({ filter: /\.(ts|m?js)$/ }, async ({ path: file }) => {
      if (!entries.has(file) || file === MAIN) return undefined;
      const text = await fs.promises.readFile(file, "utf8");
      return { contents: `${text}\nimport ${JSON.stringify(MAIN)};\n`, loader: file.endsWith(".ts") ? "ts" : "js" };
    });
  },
});

const bundleProgram = (...plugins) =>
  esbuild.build({
    ...BUNDLE,
    entryPoints: [MAIN, "src/man.ts"],
    splitting: true,
    outExtension: { ".js": ".cjs" },
    chunkNames: "chunks/[name]-[hash]",
    metafile: true,
    plugins,
  });

/** The files that are entry points, most of them since they are loaded on demand. */
const entriesOf = ({ metafile }) =>
  new Set(
    Object.values(metafile.outputs).flatMap(({ entryPoint }) => (entryPoint ? [path.join(ROOT, entryPoint)] : [])),
  );

/** Processes of their own, a file each. */
const bundleParts = () =>
  esbuild.build({
    ...BUNDLE,
    entryPoints: ["src/agent.ts", "src/keyring-process.ts"],
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });

const writeFiles = async (outputs) => {
  const files = await Promise.all(
    outputs.map(async ({ path: file, text }) => [
      file,
      file.endsWith(".cjs") ? (await esbuild.transform(text, COMMONJS)).code : text,
    ]),
  );
  fs.rmSync(DIST, { recursive: true, force: true });
  for (const [file, text] of files) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
};

/** What is done often, and so should be quick. */
const OFTEN = [
  "profile show --json",
  "keystore check --json",
  "status --json",
  "profile show",
  "profile create --no-passphrase --name second",
];

/**
 * Runs some commands in a home of their own, and leaves what they have compiled for those who run them. A chunk is kept as the
 * first command that needs it leaves it: functions that most commands never call would take longer to read than they save.
 */
const warmUp = async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-build-"));
  const env = { MESHMAN_HOME: home };
  try {
    execFileSync(process.execPath, [LAUNCHER, "profile", "create", "--no-passphrase"], { env, stdio: "ignore" });
    const { load, writeCaches } = createRequire(import.meta.url)("../bin/load.js");
    const { main, systemDeps } = load(path.join(DIST, "main.cjs"));
    const silent = { isTTY: false, write: () => Promise.resolve() };
    const deps = { ...systemDeps(), env, stdout: silent, stderr: silent, stdinIsTTY: false };
    for (const line of OFTEN) {
      await main(line.split(" "), deps);
      writeCaches();
    }
  } catch (error) {
    console.warn(`No code is kept in compiled form: ${error.message}`);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
};

const program = await bundleProgram(withMain(entriesOf(await bundleProgram())));
const parts = await bundleParts();
await writeFiles([...program.outputFiles, ...parts.outputFiles]);
await warmUp();
