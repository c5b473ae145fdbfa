#!/usr/bin/env node
"use strict";
const fs = require("node:fs");
const path = require("node:path");

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
  const { DIST, load } = require("./load.js");
  const { main, systemDeps } = load(path.join(DIST, "main.cjs"));
  process.exitCode = await main(process.argv.slice(2), systemDeps({ parts: DIST }));
};

if (!tellVersion()) void run();
