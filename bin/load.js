"use strict";
// Loads the built program, chunk by chunk, the way Node loads CommonJS, but from V8's code cache where the build has left one
// for this Node: compiling would take longer than running. V8 itself checks that a cache is of its own version and options,
// and compiles where it is not.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const DIST = path.join(__dirname, "..", "dist");
const CACHE = path.join(DIST, "cache", `${process.version}-${process.platform}-${process.arch}`);

const cachePath = (file) => path.join(CACHE, path.basename(file));

const readCache = (file) => {
  try {
    return fs.readFileSync(cachePath(file));
  } catch {
    return undefined;
  }
};

/** What has been loaded, by path: the script, and the module that it has become. */
const loaded = new Map();

/** What a file of the built program exports. */
const load = (file) => {
  const known = loaded.get(file);
  if (known) return known.module.exports;
  const text = fs.readFileSync(file, "utf8");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
  const script = new vm.Script(wrapped, { filename: file, cachedData: readCache(file) });
  const module = { exports: {} };
  loaded.set(file, { script, module });
  const folder = path.dirname(file);
  const requireFrom = (name) => (name.startsWith(".") ? load(path.join(folder, name)) : require(name));
  script.runInThisContext()(module.exports, requireFrom, module, file, folder);
  return module.exports;
};

/** Leaves the code of what has been loaded for the next time, with the functions that have run. Caches that are there stay. */
const writeCaches = () => {
  fs.mkdirSync(CACHE, { recursive: true });
  for (const [file, { script }] of loaded) {
    if (!fs.existsSync(cachePath(file))) fs.writeFileSync(cachePath(file), script.createCachedData());
  }
};

module.exports = { DIST, load, writeCaches };
