// Compiles one Motoko canister of a folder: node compile-example.mjs FOLDER MAIN OUT.wasm
// Modules import each other by relative paths, and the core library of the compiler's package by `mo:core`.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import mo from "motoko";

const [folder, main, wasmPath] = process.argv.slice(2);
mo.loadPackage(createRequire(import.meta.url)("motoko/packages/latest/core.json"));
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && path.endsWith(".mo")) {
    mo.write(relative(folder, path), readFileSync(path, "utf8"));
  }
}
writeFileSync(wasmPath, mo.wasm(main, "ic").wasm);
