// @icp-sdk/canisters pays ICP, tops up, creates canisters and mints cycles: each step by the package's own clients.
import { text } from "node:stream/consumers";
import { CmcCanister, InvalidaTransactionError } from "@icp-sdk/canisters/cmc";
import { CyclesLedgerCanister } from "@icp-sdk/canisters/ledger/cycles";
import { AccountIdentifier, IcpLedgerCanister, InsufficientFundsError, SubAccount } from "@icp-sdk/canisters/ledger/icp";
import { IcrcLedgerCanister } from "@icp-sdk/canisters/ledger/icrc";
import { HttpAgent } from "@icp-sdk/core/agent";
import { Ed25519KeyIdentity } from "@icp-sdk/core/identity";
import { Principal } from "@icp-sdk/core/principal";

const MEMOS = { create: 0x41455243n, topUp: 0x50555054n, mint: 0x544e494dn };
const ICP = 100_000_000n;
const ids = { cmc: "rkp4c-7iaaa-aaaaa-aaaca-cai", cycles: "um5iw-rqaaa-aaaaq-qaaba-cai" };

const plain = (_key, value) => {
  if (typeof value === "bigint") return value.toString();
  if (value?.__principal__) return value.__principal__;
  return value;
};

async function clients(host, identity) {
  const agent = await HttpAgent.create({ host, identity, shouldFetchRootKey: true });
  const [minting, cyclesLedger] = [ids.cmc, ids.cycles].map((id) => Principal.fromText(id));
  return {
    ledger: IcpLedgerCanister.create({ agent }),
    minting: CmcCanister.create({ agent, canisterId: minting }),
    cycles: CyclesLedgerCanister.create({ agent, canisterId: cyclesLedger }),
    tokens: IcrcLedgerCanister.create({ agent, canisterId: cyclesLedger }),
  };
}

/** Pay an ICP to the account that the cycles minting canister keeps for a principal; the block. */
const pay = (ledger, memo, owner) =>
  ledger.transfer({
    memo,
    amount: ICP,
    to: AccountIdentifier.fromPrincipal({
      principal: Principal.fromText(ids.cmc),
      subAccount: SubAccount.fromPrincipal(owner),
    }),
  });

async function payments({ host, canister }) {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7));
  const owner = identity.getPrincipal();
  const anonymous = await clients(host);
  const account = AccountIdentifier.fromPrincipal({ principal: owner });
  await anonymous.ledger.transfer({ to: account, amount: 10n * ICP });
  const { ledger, minting, cycles, tokens } = await clients(host, identity);
  const seen = { funded: await ledger.accountBalance({ accountIdentifier: account }) };
  seen.rate = await minting.getIcpToCyclesConversionRate({ certified: true });
  seen.subnets = await minting.getDefaultSubnets();
  const toppedUp = { block_index: await pay(ledger, MEMOS.topUp, Principal.fromText(canister)) };
  seen.toppedUp = await minting.notifyTopUp({ ...toppedUp, canister_id: Principal.fromText(canister) });
  const creation = { subnet_type: [], subnet_selection: [], settings: [] };
  const created = { block_index: await pay(ledger, MEMOS.create, owner), controller: owner, ...creation };
  seen.created = await minting.notifyCreateCanister(created);
  const minted = { block_index: await pay(ledger, MEMOS.mint, owner), to_subaccount: [], deposit_memo: [] };
  seen.minted = await minting.notifyMintCycles(minted);
  seen.balance = await tokens.balance({ owner, certified: true });
  seen.withdrawn = await cycles.withdraw({ amount: 1_000_000_000_000n, to: Principal.fromText(canister) });
  seen.wrongMemo = await fails(
    minting.notifyTopUp({ block_index: 0n, canister_id: owner }),
    InvalidaTransactionError,
  );
  seen.tooMuch = await fails(ledger.transfer({ to: account, amount: 1_000n * ICP }), InsufficientFundsError);
  return seen;
}

/** Whether a promise fails with this error of the package, whose names are minified. */
const fails = (promise, kind) => promise.then(() => false, (error) => error instanceof kind);

const scenarios = { payments };
const request = JSON.parse(await text(process.stdin));
process.stdout.write(`${JSON.stringify(await scenarios[request.scenario](request), plain)}\n`, () => process.exit(0));
