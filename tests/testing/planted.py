"""A canister in WAT with planted costs.

`$hot` is most of `busy`, no method calls `$never`, and a branch of `checked` is not taken for small numbers.
"""

from __future__ import annotations

import wasmtime

DID = """service : {
  constant : (nat32) -> (); logarithm : (nat32) -> (); linear : (nat32) -> (); sorted : (nat32) -> ();
  square : (nat32) -> (); cube : (nat32) -> (); steps : (nat32) -> ();
  busy : () -> (); checked : (nat32) -> (); recurse : (nat32) -> (); fails : (nat32) -> ();
  payload : (nat32) -> (blob) query; touch : (nat32) -> ();
}"""

_MODULE = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (memory 2)
  (data (i32.const 0) "DIDL\\00\\00")
  (data (i32.const 64) "DIDL\\01\\6d\\7b\\01\\00")
  (func $done (call $append (i32.const 0) (i32.const 6)) (call $reply))
  (func $n (result i32) (call $copy (i32.const 32) (i32.const 7) (i32.const 4)) (i32.load (i32.const 32)))
  (func $cold (param i32) (call $run (local.get 0)))
  (func $hot (param i32) (call $run (i32.mul (local.get 0) (i32.const 20))))
  (func $never (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func $run (param i32) (loop $l
    (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0)))))
  (func $log (param i32) (result i32) (i32.sub (i32.const 32) (i32.clz (local.get 0))))
  (func $recurse (param i32) (if (local.get 0) (then (call $recurse (i32.sub (local.get 0) (i32.const 1))))))
  (func $deep (param i32)
    (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))
  (func (export "canister_update constant") (drop (call $n)) (call $run (i32.const 100)) (call $done))
  (func (export "canister_update logarithm") (call $run (i32.mul (i32.const 50) (call $log (call $n)))) (call $done))
  (func (export "canister_update linear") (call $run (call $n)) (call $done))
  (func (export "canister_update sorted") (call $run (i32.mul (call $n) (call $log (call $n)))) (call $done))
  (func (export "canister_update square") (call $run (i32.mul (call $n) (call $n))) (call $done))
  (func (export "canister_update cube") (call $run (i32.mul (call $n) (i32.mul (call $n) (call $n)))) (call $done))
  (func (export "canister_update steps") ;; a hash map that doubles its room: linear, with steps
    (call $run (i32.add (i32.mul (i32.const 10) (call $n))
      (i32.mul (i32.const 6) (i32.shl (i32.const 1) (call $log (call $n))))))
    (call $done))
  (func (export "canister_update busy") (call $hot (i32.const 1000)) (call $cold (i32.const 1000)) (call $done))
  (func (export "canister_update checked")
    (if (i32.gt_u (call $n) (i32.const 1000000)) (then (call $cold (i32.const 7))))
    (call $done))
  (func (export "canister_update recurse") (call $recurse (call $n)) (call $done))
  (func (export "canister_update fails") (call $deep (call $n)))
  (func (export "canister_update touch") (drop (memory.grow (i32.shr_u (call $n) (i32.const 6)))) (call $done))
  (func (export "canister_query payload") (local $n i32)
    (local.set $n (call $n))
    (i32.store8 (i32.const 73) (i32.or (i32.and (local.get $n) (i32.const 127)) (i32.const 128)))
    (i32.store8 (i32.const 74)
      (i32.or (i32.and (i32.shr_u (local.get $n) (i32.const 7)) (i32.const 127)) (i32.const 128)))
    (i32.store8 (i32.const 75) (i32.shr_u (local.get $n) (i32.const 14)))
    (call $append (i32.const 64) (i32.const 12)) (call $append (i32.const 128) (local.get $n)) (call $reply))
  (@custom "icp:public candid:service" "%s"))
"""


def planted() -> bytes:
    """Return the canister."""
    return bytes(wasmtime.wat2wasm(_MODULE % DID.replace("\n", " ")))
