#!/usr/bin/env node
import { systemDeps } from "../dist/deps.js";
import { main } from "../dist/main.js";

process.exitCode = await main(process.argv.slice(2), systemDeps());
