#!/usr/bin/env node
"use strict";
// The launcher, which loads the built program. Its files are scripts that give functions, each of which makes a CommonJS module,
// by the modules' names. They are taken from V8's code cache where the build has left one for this Node: compiling would take
// longer than running. V8 itself checks that a cache is of its own version and options, and compiles where it is not.
const fs = require("node:fs");
const path = require("node:path");

const DIST = path.join(__dirname, "..", "dist");
const CACHE = path.join(DIST, "cache", `${process.version}-${process.platform}-${process.arch}`);

const readCache = (name) => {
  try {
    return fs.readFileSync(path.join(CACHE, name));
  } catch {
    return undefined;
  }
};

/** The files that have been read, by name. */
const scripts = new Map();
/** What makes the modules that are in them, and what has been made. */
const makers = {};
const made = new Map();

const read = (name) => {
  const { Script } = require("node:vm");
  const filename = path.join(DIST, name);
  const script = new Script(fs.readFileSync(filename, "utf8"), { filename, cachedData: readCache(name) });
  scripts.set(name, script);
  Object.assign(makers, script.runInThisContext());
};

const requireAny = (name) => (name.startsWith("./") ? load(name.slice(2)) : require(name));

/** What a module of the built program exports. One that did not come with another one is in a file of its own name. */
const load = (name) => {
  const known = made.get(name);
  if (known) return known.exports;
  if (!makers[name]) read(name);
  const module = { exports: {} };
  made.set(name, module);
  makers[name](module.exports, requireAny, module);
  return module.exports;
};

/** Leaves the code of what has been read for the next time, with the functions that have run. Caches that are there stay. */
const writeCaches = () => {
  fs.mkdirSync(CACHE, { recursive: true });
  for (const [name, script] of scripts) {
    const file = path.join(CACHE, name);
    if (!fs.existsSync(file)) fs.writeFileSync(file, script.createCachedData());
  }
};

/** Answers the one question that needs nothing of the program. False where it is another one, or the answer is not taken. */
const tellVersion = () => {
  if (process.argv.length !== 3 || process.argv[2] !== "--version") return false;
  try {
    fs.writeSync(1, `${require("../package.json").version}\n`);
    return true;
  } catch {
    return false;
  }
};

const run = async () => {
  const { main, systemDeps } = load("main.cjs");
  const status = await main(process.argv.slice(2), systemDeps({ parts: DIST }));
  // All that was printed has left the process. To wait until Node has taken itself apart would take longer.
  process.exit(status);
};

if (require.main !== module) module.exports = { load, writeCaches };
else if (!tellVersion()) void run();
