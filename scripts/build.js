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
/** What is needed by the commands that do not do with that alone, and are to be as quick. */
const NEXT = path.join(ROOT, "src/cli/local.ts");

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
 * Makes entry points import others, by path. What an entry point shares with several others is in a chunk for each set of
 * them; where all of them import it whole, it is one chunk, and a program that starts pays for every file that it opens.
 */
const withImports = (imports) => ({
  name: "with-imports",
  setup: (build) => {
    build.onLoad({ filter: /\.(ts|m?js)$/ }, async ({ path: file }) => {
      const added = imports.get(file) ?? [];
      if (added.length === 0) return undefined;
      const text = await fs.promises.readFile(file, "utf8");
      const lines = added.map((other) => `import ${JSON.stringify(other)};\n`);
      return { contents: `${text}\n${lines.join("")}`, loader: file.endsWith(".ts") ? "ts" : "js" };
    });
  },
});

const bundleProgram = (imports = new Map()) =>
  esbuild.build({
    ...BUNDLE,
    entryPoints: [MAIN, "src/man.ts"],
    splitting: true,
    outExtension: { ".js": ".cjs" },
    chunkNames: "chunks/[name]-[hash]",
    metafile: true,
    plugins: [withImports(imports)],
  });

/** The source files that each entry point loads with itself, by its path. */
const loadedBy = ({ metafile: { outputs } }) => {
  const filesOf = (output) => [
    ...Object.keys(outputs[output].inputs),
    ...outputs[output].imports.flatMap(({ path: other, kind }) =>
      kind === "import-statement" && outputs[other] ? filesOf(other) : [],
    ),
  ];
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) => entryPoint);
  return new Map(entries.map(([output, { entryPoint }]) => [path.join(ROOT, entryPoint), new Set(filesOf(output))]));
};

/** What the entry points are made to import: all of them what is needed first, and some what is needed next. */
const importsOf = (loaded) => {
  const next = [...loaded.get(NEXT)].filter((file) => !loaded.get(MAIN).has(file));
  return new Map(
    [...loaded].map(([entry, files]) => [
      entry,
      [MAIN, NEXT].filter(
        (other) => entry !== MAIN && entry !== other && (other === MAIN || next.some((file) => files.has(file))),
      ),
    ]),
  );
};

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

/** What is done often and so should be quick, and what else people wait for. */
const QUICK = ["profile show --json", "keystore check --json"];
const OTHERS = ["status --json", "profile show", "profile create --no-passphrase --name second"];

/**
 * Runs some commands in a home of their own, and leaves what they have compiled for those who run them. A chunk is kept as it
 * is after the quick ones: functions that they do not call would only take longer to read.
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
    for (const lines of [QUICK, OTHERS]) {
      for (const line of lines) await main(line.split(" "), deps);
      writeCaches();
    }
  } catch (error) {
    console.warn(`No code is kept in compiled form: ${error.message}`);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
};

const program = await bundleProgram(importsOf(loadedBy(await bundleProgram())));
const parts = await bundleParts();
await writeFiles([...program.outputFiles, ...parts.outputFiles]);
await warmUp();
