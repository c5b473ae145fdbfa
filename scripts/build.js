// Builds the program into dist/: `npm run build`.
//
// The program is written as ES modules and built as CommonJS, since Node takes some milliseconds to set up its loader of ES
// modules. esbuild splits it into chunks, one for every set of entry points that share something, and each chunk is then
// turned into CommonJS; so every module is there once, whoever loads it. What is loaded first is written into one file, since
// a program that starts pays for every file that it opens.
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
/** Commands that are to be quick and need more than that: all that each of them loads with itself is in its file as well. */
const WHOLE = [path.join(ROOT, "src/cli/password/get.ts")];

const CODE = { target: "node20.19", minifySyntax: true, minifyWhitespace: true, logLevel: "warning" };
/**
 * Leaves out of every schema of valibot what other libraries than ours would use it by. Making that takes a good part of the time, and
 * of the memory, that all schemas take when the program starts.
 */
const plainSchemas = {
  name: "plain-schemas",
  setup: (build) => {
    build.onLoad({ filter: /[\\/]valibot[\\/]dist[\\/]index\.mjs$/ }, async ({ path: file }) => {
      const text = await fs.promises.readFile(file, "utf8");
      const contents = text.replace(
        /^function _standardSchema\(schema\) \{\n\tschema\["~standard"\] = \{\n(?:\t\t.*\n)+\t\};\n\treturn schema;\n\}$/m,
        "function _standardSchema(schema) {\n\treturn schema;\n}",
      );
      if (contents === text) throw new Error("valibot makes its schemas in another way now.");
      return { contents, loader: "js" };
    });
  },
};

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
    chunkNames: "[name]-[hash]",
    metafile: true,
    plugins: [plainSchemas, withImports(imports)],
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
    entryPoints: ["src/agent.ts", "src/ssh-agent.ts", "src/clipboard.ts", "src/keyring-process.ts"],
    plugins: [plainSchemas],
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });

/** The names of the chunks that are loaded first: those of the commands that are to be quick. */
const firstOf = ({ outputs }) => {
  const first = new Set();
  const add = (output) => {
    if (!outputs[output]) return;
    first.add(path.basename(output));
    for (const { path: other, kind } of outputs[output].imports) if (kind === "import-statement") add(other);
  };
  for (const [output, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint && [MAIN, NEXT].includes(path.join(ROOT, entryPoint))) add(output);
  }
  return first;
};

/** The names of the chunks that come with an entry point: its own, and those that it loads with itself. */
const comingWith = ({ outputs }, output) => [
  path.basename(output),
  ...outputs[output].imports.flatMap(({ path: other, kind }) =>
    kind === "import-statement" && outputs[other] ? comingWith({ outputs }, other) : [],
  ),
];

/**
 * Turns a chunk into CommonJS. esbuild copies whatever is imported or exported, member by member, so that modules of any kind
 * get along. That takes longer than much else that is done at the start, and what is not needed of it is left out: chunks are
 * of one kind, and of Node's own modules only a default import is something else than the module itself.
 */
const commonJsOf = async (text) => {
  const { code } = await esbuild.transform(text, COMMONJS);
  return code
    .replace(/\b__export\(([\w$]+),\{([^{}]*)\}\);module\.exports=__toCommonJS\(\1\)/, (_, name, members) => {
      const getters = members.replace(/([^,:]+):\(\)=>([^,]+)/g, "get $1(){return $2}");
      return `module.exports=${name}={${getters}}`;
    })
    .replace(/\b__toESM\((require\("\.\/[^"]+"\))\)/g, "$1")
    .replace(/\b([\w$]+)=__toESM\((require\("node:[^"]+"\))\)/g, (whole, name, module) =>
      code.includes(`${name}.default`) ? whole : `${name}=${module}`,
    );
};

/** A script that gives the functions which make these modules, by name. */
const scriptOf = (modules) => {
  const members = modules.map(([name, text]) => `${JSON.stringify(name)}:function(exports,require,module){${text}\n}`);
  return `({${members.join(",")}})\n`;
};

const writeProgram = async ({ outputFiles, metafile }) => {
  const isChunk = ({ path: file }) => file.endsWith(".cjs");
  const modules = await Promise.all(
    outputFiles.filter(isChunk).map(async ({ path: file, text }) => [path.basename(file), await commonJsOf(text)]),
  );
  const first = firstOf(metafile);
  write(path.basename(MAIN).replace(".ts", ".cjs"), scriptOf(modules.filter(([name]) => first.has(name))));
  const whole = new Map(
    Object.entries(metafile.outputs)
      .filter(([, { entryPoint }]) => entryPoint && WHOLE.includes(path.join(ROOT, entryPoint)))
      .map(([output]) => [path.basename(output), new Set(comingWith(metafile, output))]),
  );
  for (const [name, text] of modules.filter(([other]) => !first.has(other))) {
    const together = modules.filter(([other]) => !first.has(other) && whole.get(name)?.has(other));
    write(name, scriptOf(together.length > 0 ? together : [[name, text]]));
  }
  for (const { path: file, text } of outputFiles.filter((output) => !isChunk(output))) write(path.basename(file), text);
};

const write = (name, text) => fs.writeFileSync(path.join(DIST, name), text);

/** What is done often and so should be quick, also where an agent has the key of the keystore, and what else people wait for. */
const QUICK = ["profile show --json", "keystore check --json"];
const QUICK_WITH_AGENT = ["keystore check --json", "keystore status --json"];
const QUICK_WITH_PASSWORDS = ["password get example.com"];
const OTHERS = ["status --json", "profile show", "profile create --no-passphrase --name second"];

/** Runs one command to its end. */
const runOnce = (env, ...words) => execFileSync(process.execPath, [LAUNCHER, ...words], { env, stdio: "ignore" });

/**
 * Runs some commands in homes of their own, and leaves what they have compiled for those who run them. A chunk is kept as it
 * is after the quick ones: functions that they do not call would only take longer to read.
 */
const warmUp = async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-build-"));
  const open = { MESHMAN_HOME: path.join(folder, "open") };
  const guarded = { MESHMAN_HOME: path.join(folder, "guarded"), XDG_RUNTIME_DIR: folder };
  const withPasswords = { MESHMAN_HOME: path.join(folder, "passwords"), MESHMAN_PORTAL: "local" };
  const passphrase = ["--passphrase-file", path.join(folder, "passphrase")];
  try {
    runOnce(open, "profile", "create", "--no-passphrase");
    fs.writeFileSync(passphrase[1], "for a moment", { mode: 0o600 });
    runOnce(guarded, "profile", "create", ...passphrase);
    runOnce(guarded, "keystore", "unlock", "--for", "1h", ...passphrase);
    const password = ["--username", "alice", "--password-file", passphrase[1]];
    runOnce(withPasswords, "profile", "create", "--no-passphrase");
    runOnce(withPasswords, "account", "create", "alice@example.com");
    runOnce(withPasswords, "password", "add", "example.com", ...password);
    const { load, writeCaches } = createRequire(import.meta.url)(LAUNCHER);
    const { main, systemDeps } = load("main.cjs");
    const silent = { isTTY: false, write: () => Promise.resolve() };
    const run = async (env, lines) => {
      const deps = { ...systemDeps(), env, stdout: silent, stderr: silent, stdinIsTTY: false };
      for (const line of lines) await main(line.split(" "), deps);
    };
    await run(open, QUICK);
    await run(withPasswords, QUICK_WITH_PASSWORDS);
    await run(guarded, QUICK_WITH_AGENT);
    writeCaches();
    await run(open, OTHERS);
    writeCaches();
  } catch (error) {
    console.warn(`No code is kept in compiled form: ${error.message}`);
  } finally {
    // The agent ends by itself where its home is gone.
    fs.rmSync(folder, { recursive: true });
  }
};

const program = await bundleProgram(importsOf(loadedBy(await bundleProgram())));
const parts = await bundleParts();
fs.rmSync(DIST, { recursive: true, force: true });
fs.mkdirSync(DIST);
await writeProgram(program);
for (const { path: file, text } of parts.outputFiles) write(path.basename(file), text);
await warmUp();
