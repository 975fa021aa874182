// Compiles one Motoko file: node compile.mjs SOURCE OUT.wasm OUT.did [LIBRARY...] (the candid text also goes into the module).
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import mo from "motoko";

const [source, wasmPath, didPath, ...libraries] = process.argv.slice(2);
const name = basename(source);
for (const library of libraries) mo.write(basename(library), readFileSync(library, "utf8"));
mo.write(name, readFileSync(source, "utf8"));
mo.setPublicMetadata(["candid:service", "candid:args", "motoko:stable-types"]);
writeFileSync(didPath, mo.candid(name));
writeFileSync(wasmPath, mo.wasm(name, "ic").wasm);
