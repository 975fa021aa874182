// Runs one scenario: reads {scenario, host, …} from standard input, prints its result as JSON.
import { text } from "node:stream/consumers";
import { plain } from "./common.mjs";
import * as calls from "./calls.mjs";
import * as identities from "./identities.mjs";
import * as lifecycle from "./lifecycle.mjs";
import * as state from "./state.mjs";
import * as uploads from "./uploads.mjs";

const scenarios = { ...calls, ...identities, ...lifecycle, ...state, ...uploads };
const request = JSON.parse(await text(process.stdin));
// A pipe takes long texts piece by piece: the process may only end once all of it is written.
process.stdout.write(`${JSON.stringify(await scenarios[request.scenario](request), plain)}\n`, () => process.exit(0)); // agents keep timers running
