#!/usr/bin/env node
// The compiler of the npm package `motoko` (its folder is $MOTOKO_PACKAGE) with the command line that mops uses:
// moc -o=OUT.wasm … SOURCE.mo
const { readFileSync, writeFileSync } = require("node:fs");
const { basename } = require("node:path");
const motoko = require(process.env.MOTOKO_PACKAGE);

const words = process.argv.slice(2);
const source = words.find((word) => word.endsWith(".mo"));
const out = words.find((word) => word.startsWith("-o=")).slice("-o=".length);
const compiler = motoko.default ?? motoko;
compiler.write(basename(source), readFileSync(source, "utf8"));
writeFileSync(out, compiler.wasm(basename(source), "ic").wasm);
