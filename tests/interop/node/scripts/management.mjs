// The management canister for agents that bring no client of it: its interface and a thin face over an actor.

/** The part of the management canister's interface that the scenarios use. */
export function interfaceOf({ IDL }) {
  const one = IDL.Record({ canister_id: IDL.Principal });
  const settings = IDL.Record({ controllers: IDL.Opt(IDL.Vec(IDL.Principal)) });
  const persistence = IDL.Variant({ keep: IDL.Null, replace: IDL.Null });
  const upgrade = IDL.Opt(
    IDL.Record({ skip_pre_upgrade: IDL.Opt(IDL.Bool), wasm_memory_persistence: IDL.Opt(persistence) }),
  );
  const mode = IDL.Variant({ install: IDL.Null, reinstall: IDL.Null, upgrade });
  const bytes = IDL.Vec(IDL.Nat8);
  const status = IDL.Record({
    status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
    settings: IDL.Record({ controllers: IDL.Vec(IDL.Principal) }),
    module_hash: IDL.Opt(bytes),
    cycles: IDL.Nat,
  });
  const create = IDL.Record({ amount: IDL.Opt(IDL.Nat), settings: IDL.Opt(settings), specified_id: IDL.Opt(IDL.Principal) });
  const install = IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: bytes, arg: bytes });
  return IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func([create], [one], []),
    install_code: IDL.Func([install], [], []),
    canister_status: IDL.Func([one], [status], []),
    stop_canister: IDL.Func([one], [], []),
    start_canister: IDL.Func([one], [], []),
    uninstall_code: IDL.Func([one], [], []),
    delete_canister: IDL.Func([one], [], []),
  });
}

/** The effective canister id of a management call: the canister it names, or anything of the subnet. */
export function target(args, fallback) {
  return args[0]?.canister_id ?? args[0]?.specified_id?.[0] ?? fallback;
}

/** The face that scenarios use, over a management actor. */
export function managementOf(actor) {
  const on = (method) => (canister_id) => actor[method]({ canister_id });
  return {
    create: async () => {
      const none = { amount: [], settings: [], specified_id: [], sender_canister_version: [] };
      return (await actor.provisional_create_canister_with_cycles(none)).canister_id;
    },
    install: (canister_id, wasm_module, arg, mode) =>
      actor.install_code({ canister_id, wasm_module, arg, mode, sender_canister_version: [] }),
    status: async (canister_id) => {
      const { status, settings, module_hash, cycles } = await actor.canister_status({ canister_id });
      return { status: Object.keys(status)[0], controllers: settings.controllers, hash: module_hash[0], cycles };
    },
    stop: on("stop_canister"),
    start: on("start_canister"),
    remove: on("delete_canister"),
    uninstall: (canister_id) => actor.uninstall_code({ canister_id, sender_canister_version: [] }),
  };
}
